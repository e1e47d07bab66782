import { runDue } from "../../functions/run-transactions/run-due.ts";
import { afterTime, runOne } from "../../functions/run-transactions/run-one.ts";
import type { CompiledConfig } from "../../shared/domain/probe.ts";
import type { CompiledTransaction } from "../../shared/domain/transactions/compiled.ts";
import type { Transaction } from "../../shared/domain/transactions/transaction.ts";
import type { CliDeps } from "../deps.ts";
import type { LocalRounds } from "../local/local-rounds.ts";
import { buildLocally, localTransactions } from "../local/local-transactions.ts";
import { judgeAtOnce, type Ran, renderRan } from "../transact/ran.ts";

/** Nothing is cut off before its own time. */
const atMost = 15 * 60_000;
/** Between a run's own timeout and the function's. */
const grace = 1_000;

/**
 * Each transaction once, by the function's own code over the state of local rounds. The lines are those of
 * `sonde transact`.
 */
export async function runDemoTransactions(
  config: CompiledConfig,
  rounds: LocalRounds,
  secrets: CliDeps["env"],
  deps: CliDeps,
): Promise<string[]> {
  const { now, interrupted } = deps;
  const ran = new Map<string, Ran>();
  const build = (compiled: CompiledTransaction): Transaction => {
    const transaction = buildLocally(compiled, config, rounds, secrets, deps);
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
  const due = localTransactions(config, rounds, build, deps);
  await runDue(now(), now() + atMost, due).finally(() => interrupted.throwIfAborted());
  return config.transactions.flatMap(({ id }) => {
    const one = ran.get(id);
    return one ? renderRan(one, deps.style) : [];
  });
}
