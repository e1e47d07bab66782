import { buildTransaction } from "../../functions/run-transactions/build.ts";
import { type RunDueDeps, runDue } from "../../functions/run-transactions/run-due.ts";
import { afterTime, runOne } from "../../functions/run-transactions/run-one.ts";
import type { CompiledConfig } from "../../shared/domain/probe.ts";
import type { CompiledTransaction } from "../../shared/domain/transactions/compiled.ts";
import type { Transaction } from "../../shared/domain/transactions/transaction.ts";
import { readSecretFromEnv } from "../client.ts";
import type { CliDeps } from "../deps.ts";
import type { LocalRounds } from "../local/local-rounds.ts";
import { judgeAtOnce, type Ran, renderRan } from "../transact/ran.ts";

/** Nothing is cut off before its own time. */
const atMost = 15 * 60_000;
/** Between a run's own timeout and the function's. */
const grace = 1_000;

/**
 * Each transaction once, by the function's own code over the state of local rounds, so that what fails becomes an
 * incident like any other. The lines are those of `sonde transact`.
 */
export async function runDemoTransactions(
  config: CompiledConfig,
  rounds: LocalRounds,
  secrets: CliDeps["env"],
  deps: CliDeps,
): Promise<string[]> {
  const { store, changeIncidents, announce } = rounds;
  const { now, nonce, interrupted } = deps;
  // Who waits for something to appear would go on looking for it without a pause.
  const sleep = async (ms: number) => {
    await deps.sleep(ms);
    interrupted.throwIfAborted();
  };
  const ran = new Map<string, Ran>();
  const build = (compiled: CompiledTransaction): Transaction => {
    const transaction = buildTransaction(compiled, {
      config,
      standing: "workstation",
      read: store.read,
      readSecret: async (name) => readSecretFromEnv(name, secrets),
      now,
      sleep,
      nonce,
      writeLine: () => undefined,
    });
    return {
      ...transaction,
      // Cut off in here, so that the line says of it what the incident says.
      timeout: transaction.timeout + grace,
      run: async (at, context) => {
        const { result } = await runOne(transaction, at, context, afterTime);
        ran.set(compiled.id, judgeAtOnce(compiled, result, now()));
        return result;
      },
    };
  };
  const due: RunDueDeps = {
    config,
    store,
    changeIncidents,
    announce: (target, announcements) => announce(target, announcements, now()),
    shown: new Map(),
    build,
    now,
    nonce,
    pause: async () => undefined,
    after: afterTime,
    writeResults: null,
    emit: () => undefined,
    log: (level, message) => {
      if (level === "error") deps.err(message);
    },
  };
  await runDue(now(), now() + atMost, due).finally(() => interrupted.throwIfAborted());
  return config.transactions.flatMap(({ id }) => {
    const one = ran.get(id);
    return one ? renderRan(one, deps.style) : [];
  });
}
