import { access, constants } from "node:fs/promises";
import { join } from "node:path";

import { run } from "./run.ts";

export interface Binaries {
  readonly prometheus: string;
  readonly promtool: string;
}

export interface FoundPrometheus extends Binaries {
  readonly version: string;
  readonly source: "path" | "cache" | "apt" | "brew" | "release";
}

/** Both programs of a folder, or null where one is missing. */
export async function binariesIn(dir: string): Promise<Binaries | null> {
  const binaries = { prometheus: join(dir, "prometheus"), promtool: join(dir, "promtool") };
  const there = await Promise.all([isExecutable(binaries.prometheus), isExecutable(binaries.promtool)]);
  return there.every(Boolean) ? binaries : null;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A program of that name on PATH. */
export async function onPath(
  program: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  for (const dir of (env.PATH ?? "").split(":").filter(Boolean)) {
    const file = join(dir, program);
    if (await isExecutable(file)) return file;
  }
  return null;
}

/** Runs both to see that they start, and refuses versions without an out-of-order window (before 2.39). */
export async function inspect(
  binaries: Binaries,
  source: FoundPrometheus["source"],
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundPrometheus | null> {
  try {
    const [said] = await Promise.all([
      run(binaries.prometheus, ["--version"], { timeoutMs: 20_000, env }),
      run(binaries.promtool, ["--version"], { timeoutMs: 20_000, env }),
    ]);
    const [, version = "", major = "0", minor = "0"] = /version ((\d+)\.(\d+)\S*)/.exec(said) ?? [];
    const recent = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 39);
    return recent ? { ...binaries, version, source } : null;
  } catch {
    return null;
  }
}
