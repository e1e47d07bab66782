import { buildLangfuseClient } from "../../shared/adapters/langfuse-client.ts";
import type { ReadSecret } from "../../shared/domain/secret.ts";
import type { CompiledTransaction } from "../../shared/domain/transactions/compiled.ts";
import type { Transaction } from "../../shared/domain/transactions/transaction.ts";
import { runTrace } from "./trace.ts";

export interface BuildDeps {
  readonly readSecret: ReadSecret;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly nonce: () => string;
}

/** A transaction of config, ready to run. */
export function buildTransaction(compiled: CompiledTransaction, deps: BuildDeps): Transaction {
  const { settings, ...plan } = compiled;
  const langfuse = buildLangfuseClient(settings, deps);
  return { ...plan, run: (_, context) => runTrace(settings, { ...deps, langfuse }, context) };
}
