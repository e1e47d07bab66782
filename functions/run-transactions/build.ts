import { buildBackendClient } from "../../shared/adapters/backend-client.ts";
import { buildAskCompletion } from "../../shared/adapters/completion.ts";
import { buildLangfuseClient } from "../../shared/adapters/langfuse-client.ts";
import type { WriteSamples } from "../../shared/adapters/remote-write.ts";
import { buildTargetClient } from "../../shared/adapters/target-client.ts";
import { type DrillArrival, parseDrillArrival } from "../../shared/domain/drill.ts";
import type { CompiledConfig, Target } from "../../shared/domain/probe.ts";
import type { ReadSecret } from "../../shared/domain/secret.ts";
import { type ReadObject, storeKeys } from "../../shared/domain/store.ts";
import type { CompiledTransaction } from "../../shared/domain/transactions/compiled.ts";
import { placeFindings, type Standing } from "../../shared/domain/transactions/explain-reach.ts";
import type { Transaction, TransactionPlan } from "../../shared/domain/transactions/transaction.ts";
import { runAlertPath } from "./alert-path.ts";
import { type CompletionDeps, runCompletion } from "./completion.ts";
import { findTrace } from "./find-trace.ts";
import { runLogLine } from "./log-line.ts";
import { buildTraceRun } from "./trace-providers.ts";
import { runWritePath } from "./write-path.ts";

export interface BuildDeps {
  readonly config: Pick<CompiledConfig, "targets" | "transactions">;
  readonly readSecret: ReadSecret;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly nonce: () => string;
  /** A line on stdout, for an agent that ships it. */
  readonly writeLine: (line: string) => void;
  /** Where this runs: by it a failure of the network is told from one of the service. */
  readonly standing: Standing;
  /** State, in which a drill is found that has come back. */
  readonly read: ReadObject;
}

/** A transaction of config, ready to run. Clients are made when it runs: most runs need few of them. */
export function buildTransaction(compiled: CompiledTransaction, deps: BuildDeps): Transaction {
  const transaction = buildPlain(compiled, deps);
  return {
    ...transaction,
    run: async (now, context) => {
      const result = await transaction.run(now, context);
      return { ...result, findings: placeFindings(result.findings, deps.standing) };
    },
  };
}

function buildPlain(compiled: CompiledTransaction, deps: BuildDeps): Transaction {
  switch (compiled.kind) {
    case "trace":
      return { ...planOf(compiled), run: buildTraceRun(compiled, deps) };
    case "log": {
      const { settings } = compiled;
      const client = buildBackendClient(settings, deps);
      return {
        ...planOf(compiled),
        run: (_, context) => runLogLine(settings, { ...deps, client }, context),
      };
    }
    case "completion": {
      const { settings, ...plan } = compiled;
      const { apiKey, ...options } = settings;
      const readKey = apiKey === "" ? null : () => deps.readSecret(apiKey);
      const ask = buildAskCompletion({ ...options, readKey, now: deps.now });
      const known = deps.config.targets.find(({ name }) => name === plan.target);
      return {
        ...plan,
        run: async (_, context) => {
          const engine = known ? await engineOf(known, deps) : null;
          const findTrace = settings.traceWithin === null ? null : finderOf(settings.traceWithin, deps);
          return runCompletion(settings, { ...deps, ask, engine, findTrace }, context);
        },
      };
    }
    case "write-path": {
      const { settings, ...plan } = compiled;
      const target = targetOf(plan.target, deps);
      return {
        ...plan,
        run: async (_, context) => {
          const { queryInstant } = await clientOf(target, deps);
          return runWritePath(
            settings,
            { ...deps, write: await writeTo(target, deps), queryInstant },
            context,
          );
        },
      };
    }
    case "alert-path": {
      const { settings, ...plan } = compiled;
      const target = targetOf(plan.target, deps);
      return {
        ...plan,
        run: async () => {
          const { listRules } = await clientOf(target, deps);
          const readArrival = (drill: string) => findArrival(drill, deps);
          return runAlertPath(settings, {
            ...deps,
            write: await writeTo(target, deps),
            listRules,
            readArrival,
          });
        },
      };
    }
  }
}

function planOf({ id, kind, target, probe, timeout }: CompiledTransaction): TransactionPlan {
  return { id, kind, target, probe, timeout };
}

async function engineOf(target: Target, deps: BuildDeps): Promise<CompletionDeps["engine"]> {
  const { queryInstant } = await clientOf(target, deps);
  return { queryInstant, delay: target.delay };
}

/** Looks in the Langfuse of config; null where there is none. */
function finderOf(patience: number, deps: BuildDeps): CompletionDeps["findTrace"] {
  const [settings] = deps.config.transactions.flatMap((one) =>
    one.kind === "trace" && one.provider === "langfuse" ? [one.settings] : [],
  );
  if (!settings) return null;
  const langfuse = buildLangfuseClient(settings, deps);
  return (traceId) => findTrace(traceId, patience, { ...deps, langfuse });
}

function clientOf(target: Target, { readSecret, now, sleep }: BuildDeps) {
  return buildTargetClient(target, { readSecret, now, sleep, random: () => 0.5 });
}

/** Protobuf and snappy are loaded with the first sample. */
async function writeTo(target: Target, deps: BuildDeps): Promise<WriteSamples> {
  const { buildTargetWrite } = await import("../../shared/adapters/target-write.ts");
  return buildTargetWrite(target, deps);
}

function targetOf(name: string, { config }: BuildDeps): Target {
  const target = config.targets.find((one) => one.name === name);
  if (!target) throw new Error(`the config has no target "${name}"`);
  return target;
}

async function findArrival(drill: string, { read }: BuildDeps): Promise<DrillArrival | null> {
  const key = storeKeys.drill(drill);
  const stored = await read(key);
  return stored && parseDrillArrival(key, stored.body);
}
