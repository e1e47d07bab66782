import { execFile } from "node:child_process";
import { basename } from "node:path";

export interface RunOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a command to its end and answers its standard output. Rejects with one line that holds the last thing
 * the command said. The command does not outlive this process.
 */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { timeoutMs, signal, cwd, env } = options;
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      [...args],
      {
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: 16 << 20,
        ...(signal && { signal }),
        ...(cwd && { cwd }),
        ...(env && { env: { ...env } }),
      },
      (error, stdout, stderr) => {
        process.removeListener("exit", kill);
        if (!error) resolve(stdout);
        else reject(new Error(`${describe(command, args)} ${explain(error, stderr)}`, { cause: error }));
      },
    );
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
  });
}

function describe(command: string, args: readonly string[]): string {
  const verb = args.find((arg) => /^[a-z]/.test(arg));
  return verb ? `${basename(command)} ${verb}` : basename(command);
}

function explain(error: { killed?: boolean; code?: unknown; message: string }, stderr: string): string {
  if (error.code === "ENOENT") return "is not there";
  if (error.code === "ABORT_ERR") return "was interrupted";
  const said = stderr.trim().split("\n").at(-1);
  if (error.killed) return `did not end in time${said ? `: ${said}` : ""}`;
  return `failed: ${said || error.message}`;
}
