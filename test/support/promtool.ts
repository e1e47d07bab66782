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
  const directory = await mkdtemp(join(tmpdir(), "sonde-promtool-"));
  try {
    for (const [name, data] of Object.entries(files))
      await writeFile(join(directory, name), JSON.stringify(data, null, 1));
    return await new Promise((resolve) => {
      execFile(
        "promtool",
        [...args],
        { cwd: directory, maxBuffer: 1 << 28, timeout: 120_000 },
        (error, stdout, stderr) =>
          resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
      );
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
