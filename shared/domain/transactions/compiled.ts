import type { LangfusePlan } from "./langfuse-budget.ts";
import type { TransactionPlan } from "./transaction.ts";

/** Where the trace probe sends its traces. Durations are milliseconds. */
export interface LangfuseSettings {
  readonly url: string;
  readonly publicUrl: string;
  /** The secret that holds the key pair. */
  readonly keys: string;
  readonly project: string;
  readonly plan: LangfusePlan;
  readonly patience: number;
  readonly environment: string;
  readonly pricedModel: string;
  readonly tenant: string;
  readonly encoding: "protobuf" | "json";
  /** PEM of a private certificate authority. */
  readonly ca?: string;
}

/** A transaction as config has it, with what its kind needs. */
export type CompiledTransaction = TransactionPlan & {
  readonly kind: "trace";
  readonly settings: LangfuseSettings;
};
