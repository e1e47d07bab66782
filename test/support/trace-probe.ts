import {
  type LangfuseStage,
  type LangfuseStageOptions,
  startLangfuse,
} from "../../cli/stage/langfuse/server.ts";
import { runTrace, type TraceOptions } from "../../functions/run-transactions/trace.ts";
import { buildLangfuseClient } from "../../shared/adapters/langfuse-client.ts";
import type { TransactionResult } from "../../shared/domain/transactions/transaction.ts";

export const keys = {
  publicKey: "pk-lf-stage-public",
  secretKey: "sk-lf-stage-secret",
  project: { id: "p-stage", name: "agents" },
} as const;

/** A clock that sleeping moves on, so that minutes of waiting take no time. */
export interface Clock {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly pass: (ms: number) => void;
}

export function buildClock(start = Date.UTC(2026, 10, 25, 3)): Clock {
  let at = start;
  const pass = (ms: number) => {
    at += ms;
  };
  return { now: () => at, sleep: async (ms) => pass(ms), pass };
}

export interface ProbeRig {
  readonly stage: LangfuseStage;
  readonly clock: Clock;
  readonly run: (change?: Partial<RunChange>) => Promise<TransactionResult>;
  /** As if its state had been lost. */
  readonly forget: () => void;
  /** The traces that it remembers to delete. */
  readonly rememberedTraces: () => readonly unknown[];
  /** So many runs that are well, five minutes apart. */
  readonly warmUp: (runs: number) => Promise<void>;
}

export interface RunChange extends TraceOptions {
  readonly secret: string;
  readonly postTimeoutMs: number;
  readonly timeoutMs: number;
}

const minute = 60_000;

/** A stand-in and a trace probe that remembers from run to run, both on one clock. */
export async function startRig(options: Partial<LangfuseStageOptions> = {}): Promise<ProbeRig> {
  const clock = buildClock();
  const stage = await startLangfuse({ keys: [keys], now: clock.now, ...options });
  let memory: unknown = null;
  let nonces = 0;
  const run = async (change: Partial<RunChange> = {}) => {
    const url = change.url ?? stage.url;
    const {
      secret = `${keys.publicKey}:${keys.secretKey}`,
      postTimeoutMs = 5_000,
      timeoutMs = 5_000,
    } = change;
    const result = await runTrace(
      {
        url,
        publicUrl: url,
        project: "",
        plan: "self-hosted",
        patience: 2 * minute,
        environment: "sonde-probe",
        pricedModel: "gpt-4o-mini",
        tenant: "sonde",
        encoding: "protobuf",
        ...change,
      },
      {
        langfuse: buildLangfuseClient(
          { url, keys: "sonde/langfuse" },
          { readSecret: async () => secret, now: clock.now, postTimeoutMs, timeoutMs },
        ),
        now: clock.now,
        sleep: clock.sleep,
        nonce: () => `run-${++nonces}`,
      },
      {
        memory,
        remember: async (next) => {
          memory = next;
        },
      },
    );
    memory = result.memory;
    clock.pass(5 * minute);
    return result;
  };
  return {
    stage,
    clock,
    run,
    forget: () => {
      memory = null;
    },
    rememberedTraces: () => Object(memory).pending ?? [],
    warmUp: async (runs) => {
      for (let done = 0; done < runs; done++) await run();
    },
  };
}
