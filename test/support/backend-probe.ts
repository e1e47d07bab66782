import {
  type BackendStage,
  type BackendStageOptions,
  startBackend,
} from "../../cli/stage/backends/server.ts";
import { runBackendTrace } from "../../functions/run-transactions/backend-trace.ts";
import { runLogLine } from "../../functions/run-transactions/log-line.ts";
import { buildBackendClient } from "../../shared/adapters/backend-client.ts";
import type { TraceBackendSettings } from "../../shared/domain/transactions/backends/backend.ts";
import type { LogSettings } from "../../shared/domain/transactions/backends/loki.ts";
import { traceBackends } from "../../shared/domain/transactions/backends/trace-backends.ts";
import type { TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import { buildClock, type Clock } from "./trace-probe.ts";

export const secretValue = "lsv2_stage_key_of_the_probe";

export interface BackendRun extends TraceBackendSettings, Omit<LogSettings, keyof TraceBackendSettings> {
  readonly secret: string;
  readonly timeoutMs: number;
  /** What an agent makes of a line on stdout; without it nobody ships it. */
  readonly ship: (line: string) => string;
  /** The run ends with an error when it is to wait for the first time. */
  readonly crash: boolean;
}

export interface BackendRig {
  readonly stage: BackendStage;
  readonly clock: Clock;
  readonly run: (change?: Partial<BackendRun>) => Promise<TransactionResult>;
  /** So many runs that are well, five minutes apart. */
  readonly warmUp: (runs: number) => Promise<void>;
  /** What went to stdout. */
  readonly lines: readonly string[];
}

/** A stand-in and a probe of it that remembers from run to run, both on one clock. */
export async function startBackendRig(
  kind: BackendStageOptions["kind"],
  options: Partial<BackendStageOptions> = {},
): Promise<BackendRig> {
  const clock = buildClock();
  const stage = await startBackend({
    kind,
    now: clock.now,
    header: ["x-api-key", secretValue],
    ...options,
  });
  let memory: unknown = null;
  let nonces = 0;
  const lines: string[] = [];
  const run = async (given: Partial<BackendRun> = {}) => {
    const { secret = secretValue, timeoutMs = 5_000, ship, crash, ...change } = given;
    const sleep = async (ms: number) => {
      if (crash) throw new Error("crashed");
      clock.pass(ms);
    };
    const writeLine = (line: string) => {
      lines.push(line);
      if (ship) stage.ship({ labels: { namespace: "sonde" }, text: ship(line) });
    };
    const settings = {
      name: kind,
      endpoint: stage.url,
      query: stage.url,
      headers: { "x-api-key": "sonde/backend" },
      queryHeaders: { "x-api-key": "sonde/backend" },
      orgId: "",
      environment: "sonde-probe",
      tenant: "sonde",
      patience: 120_000,
      project: "sonde-probe",
      encoding: "protobuf" as const,
      via: "push" as const,
      selector: "",
      ...change,
    };
    const readSecret = async () => secret;
    const shared = {
      client: buildBackendClient(settings, {
        readSecret,
        now: clock.now,
        postTimeoutMs: timeoutMs,
        timeoutMs,
      }),
      now: clock.now,
      sleep,
      nonce: () => `run-${++nonces}`,
    };
    const context = {
      memory,
      remember: async (next: unknown) => {
        memory = next;
      },
    };
    const result =
      kind === "loki"
        ? await runLogLine(settings, { ...shared, writeLine }, context)
        : await runBackendTrace(kind, traceBackends[kind], settings, shared, context);
    memory = result.memory;
    clock.pass(5 * 60_000);
    return result;
  };
  return {
    stage,
    clock,
    run,
    lines,
    warmUp: async (runs) => {
      for (let done = 0; done < runs; done++) await run();
    },
  };
}
