import { run } from "./run.ts";
import type { Software } from "./software.ts";

/** Where programs came from. */
export type Origin = "path" | "cache" | "apt" | "brew" | "release";

/** Programs that run, with the version of the first of them. */
export type Found<Binaries> = Binaries & { readonly version: string; readonly source: Origin };

/** Runs the programs to see that they start, and refuses versions that are too old. */
export async function inspect<Binaries>(
  software: Software<Binaries>,
  binaries: Binaries,
  source: Origin,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Found<Binaries> | null> {
  try {
    const [said = ""] = await Promise.all(
      software.paths(binaries).map((program) => run(program, ["--version"], { timeoutMs: 20_000, env })),
    );
    const [, version = "", major = "0", minor = "0"] = /version ((\d+)\.(\d+)\S*)/.exec(said) ?? [];
    return software.recent(Number(major), Number(minor)) ? { ...binaries, version, source } : null;
  } catch {
    return null;
  }
}
