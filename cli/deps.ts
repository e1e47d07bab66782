import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Target } from "../shared/domain/probe.ts";
import type { PrometheusClient } from "../shared/domain/prometheus.ts";
import { readProcessEnv } from "../shared/lambda/env.ts";

/** What commands reach the outside by. Tests pass plain functions. */
export interface CliDeps {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where downloads and state are kept between runs. */
  readonly cacheDir: string;
  /** Answers: tables and JSON. */
  readonly out: (line: string) => void;
  /** Progress, notes and errors. */
  readonly err: (line: string) => void;
  readonly style: { readonly color: boolean; readonly width: number };
  readonly nonce: () => string;
  readonly clientFor: (target: Target) => Promise<PrometheusClient>;
  /** Sets the exit code; the process ends when its work does. */
  readonly exit: (code: ExitCode) => void;
  /** Aborted at Ctrl-C, SIGTERM and when the terminal is closed. Who asks for it sees to the end himself. */
  readonly interrupted: AbortSignal;
}

/** 0 all well; 1 something fails; 2 bad usage or config; 3 unknown, or the tool's own trouble. */
export type ExitCode = 0 | 1 | 2 | 3;

const interruption = new Error("interrupted");

/** The real world. Clients are loaded when the first target is asked, so that `--help` stays quick. */
export function realDeps(): CliDeps {
  const env = readProcessEnv();
  const interrupt = new AbortController();
  // Whoever reads the answers may have seen enough (`| head`) or be gone with the terminal: what runs for ever
  // stops, the rest just ends.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error) => {
      if (!("code" in error && (error.code === "EPIPE" || error.code === "EIO"))) throw error;
      interrupt.abort(interruption);
    });
  const interrupted = once(() => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => interrupt.abort(interruption));
    return interrupt.signal;
  });
  const now = () => Date.now();
  return {
    now,
    // Cut short when interrupted: who sleeps in a loop looks at `interrupted` next.
    sleep: (ms) => sleep(ms, undefined, { signal: interrupt.signal }).catch(() => undefined),
    env,
    cwd: process.cwd(),
    cacheDir: join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sonde"),
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    style: {
      color: process.stdout.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb",
      width: process.stdout.columns ?? 100,
    },
    nonce: randomUUID,
    clientFor: async (target) => {
      const { clientForTarget } = await import("./client.ts");
      return clientForTarget(target, { env, now });
    },
    exit: (code) => {
      process.exitCode = code;
    },
    // Commands that never look at it leave Ctrl-C to Node, which ends the process.
    get interrupted() {
      return interrupted();
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
