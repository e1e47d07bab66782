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
 * the command said. Whatever happens, the command is gone once this settles, and does not outlive the process.
 */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { timeoutMs, signal, cwd, env } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = execFile(
      command,
      [...args],
      {
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: 16 << 20,
        ...(cwd && { cwd }),
        ...(env && { env: { ...env } }),
      },
      (error, stdout, stderr) => {
        process.removeListener("exit", kill);
        signal?.removeEventListener("abort", kill);
        if (!error) resolve(stdout);
        else if (signal?.aborted) reject(signal.reason);
        else reject(new Error(`${describe(command, args)} ${explain(error, stderr)}`, { cause: error }));
      },
    );
    // execFile's own signal option would settle before the command is gone.
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    signal?.addEventListener("abort", kill);
  });
}

function describe(command: string, args: readonly string[]): string {
  const verb = args.find((arg) => /^[a-z]/.test(arg));
  return verb ? `${basename(command)} ${verb}` : basename(command);
}

function explain(error: { killed?: boolean; code?: unknown; message: string }, stderr: string): string {
  if (error.code === "ENOENT") return "is not there";
  const said = stderr.trim().split("\n").at(-1);
  if (error.killed) return `did not end in time${said ? `: ${said}` : ""}`;
  return `failed: ${said || error.message}`;
}
