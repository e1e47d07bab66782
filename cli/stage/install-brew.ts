import { onPath } from "./executables.ts";
import { run } from "./run.ts";
import type { Software } from "./software.ts";

interface BrewOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  readonly platform: string;
  readonly signal?: AbortSignal | undefined;
}

/** Homebrew's formula on macOS; null elsewhere, without Homebrew and without a formula. It starts no service. */
export async function installFromBrew<Binaries>(
  { title, brewFormula, binariesIn }: Software<Binaries>,
  options: BrewOptions,
): Promise<Binaries | null> {
  const { env, progress, platform, signal } = options;
  const brew = await onPath("brew", env);
  if (platform !== "darwin" || !brew || !brewFormula) return null;
  progress(`${title}: brew install ${brewFormula}`);
  await run(brew, ["install", "--quiet", brewFormula], {
    timeoutMs: 300_000,
    env: { ...env, HOMEBREW_NO_AUTO_UPDATE: "1", HOMEBREW_NO_INSTALL_CLEANUP: "1" },
    signal,
  });
  const prefix = await run(brew, ["--prefix", brewFormula], { timeoutMs: 30_000, env, signal });
  return binariesIn(`${prefix.trim()}/bin`);
}
