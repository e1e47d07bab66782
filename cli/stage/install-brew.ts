import { type Binaries, binariesIn, onPath } from "./binaries.ts";
import { run } from "./run.ts";

interface BrewOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  readonly platform: string;
  readonly signal?: AbortSignal | undefined;
}

/** Homebrew's formula on macOS; null elsewhere and without Homebrew. It starts no service by itself. */
export async function installFromBrew(options: BrewOptions): Promise<Binaries | null> {
  const { env, progress, platform, signal } = options;
  const brew = await onPath("brew", env);
  if (platform !== "darwin" || !brew) return null;
  progress("Prometheus: brew install prometheus");
  await run(brew, ["install", "--quiet", "prometheus"], {
    timeoutMs: 300_000,
    env: { ...env, HOMEBREW_NO_AUTO_UPDATE: "1", HOMEBREW_NO_INSTALL_CLEANUP: "1" },
    signal,
  });
  const prefix = await run(brew, ["--prefix", "prometheus"], { timeoutMs: 30_000, env, signal });
  return binariesIn(`${prefix.trim()}/bin`);
}
