import { buildTransaction } from "../../functions/run-transactions/build.ts";
import type { RunDueDeps } from "../../functions/run-transactions/run-due.ts";
import { afterTime } from "../../functions/run-transactions/run-one.ts";
import type { CompiledConfig } from "../../shared/domain/probe.ts";
import type { CompiledTransaction } from "../../shared/domain/transactions/compiled.ts";
import type { Transaction } from "../../shared/domain/transactions/transaction.ts";
import { readSecretFromEnv } from "../client.ts";
import type { CliDeps } from "../deps.ts";
import type { LocalRounds } from "./local-rounds.ts";

/** A transaction of config, ready to run on this machine. */
export function buildLocally(
  compiled: CompiledTransaction,
  config: CompiledConfig,
  { store }: Pick<LocalRounds, "store">,
  secrets: CliDeps["env"],
  deps: CliDeps,
): Transaction {
  return buildTransaction(compiled, {
    config,
    standing: "workstation",
    read: store.read,
    readSecret: async (name) => readSecretFromEnv(name, secrets),
    now: deps.now,
    // Who waits for something to appear would go on looking for it without a pause.
    sleep: async (ms) => {
      await deps.sleep(ms);
      deps.interrupted.throwIfAborted();
    },
    nonce: deps.nonce,
    writeLine: () => undefined,
  });
}

/** run-transactions on this machine, over the state of local rounds, so that what fails becomes an incident. */
export function localTransactions(
  config: CompiledConfig,
  rounds: LocalRounds,
  build: RunDueDeps["build"],
  deps: CliDeps,
): RunDueDeps {
  const { store, changeIncidents, announce } = rounds;
  return {
    config,
    store,
    changeIncidents,
    announce: (target, announcements) => announce(target, announcements, deps.now()),
    shown: new Map(),
    build,
    now: deps.now,
    nonce: deps.nonce,
    pause: async () => undefined,
    after: afterTime,
    writeResults: null,
    emit: () => undefined,
    log: (level, message) => {
      if (level === "error") deps.err(message);
    },
  };
}
