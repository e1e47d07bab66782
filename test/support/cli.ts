import { clientForTarget } from "../../cli/client.ts";
import type { CliDeps } from "../../cli/deps.ts";
import { main } from "../../cli/main.ts";

export interface CliRun {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** Runs a command line in this process, with the real network but neither terminal nor exit. */
export async function runCli(args: readonly string[], change: Partial<CliDeps> = {}): Promise<CliRun> {
  const out: string[] = [];
  const err: string[] = [];
  let code = 0;
  const env = change.env ?? {};
  const deps: CliDeps = {
    now: Date.now,
    sleep: async () => undefined,
    env,
    cwd: process.cwd(),
    cacheDir: "/nonexistent",
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    style: { color: false, width: 100 },
    nonce: () => "nonce",
    clientFor: (target) => clientForTarget(target, { env, now: Date.now }),
    exit: (wanted) => {
      code = wanted;
    },
    interrupted: new AbortController().signal,
    ...change,
  };
  await main(args, deps);
  return { code, out, err };
}
