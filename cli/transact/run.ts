import { resolve } from "node:path";

import { buildTransaction } from "../../functions/run-transactions/build.ts";
import { afterTime, runOne } from "../../functions/run-transactions/run-one.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import { summarize } from "../../shared/domain/summary.ts";
import { type Transaction, transactionKinds } from "../../shared/domain/transactions/transaction.ts";
import { suggestName } from "../../shared/domain/words.ts";
import { readSecretFromEnv } from "../client.ts";
import { readConfigFile } from "../config-file.ts";
import type { CliDeps } from "../deps.ts";
import { verdictJson } from "../output/json.ts";
import { exitCode } from "../probe/run.ts";
import { openStore } from "../store.ts";
import { judgeAtOnce, type Ran, renderRan } from "./ran.ts";

export interface TransactRun {
  readonly config: string;
  readonly only?: readonly string[];
  readonly json?: boolean;
  /** Where a drill is found that has come back; without it there are no drills. */
  readonly state?: string;
}

function isDrill({ kind }: { readonly kind: string }): boolean {
  return kind === "alert-path";
}

/** `sonde transact`: each transaction once, without state. */
export async function runTransact(options: TransactRun, deps: CliDeps): Promise<void> {
  const { compiled, notes, faults } = readConfigFile(resolve(deps.cwd, options.config));
  for (const fault of faults) deps.err(fault);
  for (const note of notes) deps.err(`note: ${note}`);
  for (const kind of options.only ?? [])
    if (!transactionKinds.some((known) => known === kind))
      throw new ConfigError(`no kind of transaction "${kind}": ${suggestName(kind, transactionKinds)}`);
  const { state } = options;
  const wanted = compiled.transactions
    .filter(({ kind }) => options.only?.includes(kind) ?? true)
    .filter((one) => state !== undefined || !isDrill(one));
  if (state === undefined && compiled.transactions.some(isDrill))
    deps.err("note: drills come back to a deployment's state: sonde drill --state s3://BUCKET");
  const store = state === undefined ? null : await openStore(state, deps);
  if (wanted.length === 0)
    throw new ConfigError(
      `${options.config} has no transactions${options.only ? ` of kind ${options.only.join(", ")}` : ""} that can run here: there are langfuse, traces, logs, completion, writePath and alertPath (docs/transactions.md)`,
    );
  const started = deps.now();
  const runs = await Promise.all(
    wanted.map((one) => {
      deps.err(`${one.id}: ${one.probe.variants[0]?.query ?? ""} …`);
      return run(
        buildTransaction(one, {
          config: compiled,
          read: store?.read ?? (async () => null),
          standing: "workstation",
          readSecret: async (name) => readSecretFromEnv(name, deps.env),
          now: deps.now,
          sleep: deps.sleep,
          nonce: deps.nonce,
          writeLine: deps.out,
        }),
        deps,
      );
    }),
  );
  const verdicts = runs.map(({ verdict }) => verdict);
  const summary = summarize(verdicts, runs.length, deps.now() - started);
  if (options.json) {
    for (const one of runs) deps.out(json(one));
    deps.out(JSON.stringify({ summary }));
  } else {
    for (const one of runs) for (const line of renderRan(one, deps.style)) deps.out(line);
  }
  deps.exit(faults.length > 0 ? 2 : exitCode(summary));
}

async function run(transaction: Transaction, deps: CliDeps): Promise<Ran> {
  const context = { memory: null, remember: async () => undefined };
  const { result } = await runOne(transaction, deps.now(), context, afterTime);
  return judgeAtOnce(transaction, result, deps.now());
}

function json({ verdict, result }: Ran): string {
  const measures = Object.fromEntries(result.measures.map(({ name, value }) => [name, value]));
  const { findings, leftovers } = result;
  return JSON.stringify({ ...Object(JSON.parse(verdictJson(verdict))), findings, measures, leftovers });
}
