import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PromtoolRun {
  readonly code: number;
  readonly output: string;
}

/** Writes `files` (JSON, which is YAML) into a directory of their own and runs promtool in it. */
export async function runPromtool(
  files: Readonly<Record<string, unknown>>,
  args: readonly string[],
): Promise<PromtoolRun> {
  return withFiles(files, (directory) => promtoolIn(directory, args));
}

/** Runs promtool in a directory. */
export function promtoolIn(cwd: string, args: readonly string[]): Promise<PromtoolRun> {
  return new Promise((resolve) => {
    execFile("promtool", [...args], { cwd, maxBuffer: 1 << 28, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    );
  });
}

/** A directory with files in it (text as it is, other data as JSON) for as long as `use` takes. */
export async function withFiles<T>(
  files: Readonly<Record<string, unknown>>,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "sonde-files-"));
  try {
    for (const [name, data] of Object.entries(files))
      await writeFile(join(directory, name), typeof data === "string" ? data : JSON.stringify(data, null, 1));
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
