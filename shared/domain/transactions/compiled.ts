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

/** A bound each for the two levels, milliseconds; null: none. */
export interface Bounds {
  readonly warn: number | null;
  readonly fail: number | null;
}

/** The gateway that the completion probe asks. Durations are milliseconds. */
export interface CompletionSettings {
  /** What stands before `/chat/completions`, without a trailing slash. */
  readonly url: string;
  readonly model: string;
  /** The model that may answer in its place; empty: only itself. */
  readonly servedModel: string;
  /** The secret that holds the key; empty: the gateway wants none. */
  readonly apiKey: string;
  readonly tenant: string;
  readonly tenantHeader: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly limitBy: "max_tokens" | "max_completion_tokens";
  readonly maxTokensADay: number;
  readonly ttft: Bounds;
  /** For the one request. */
  readonly requestTimeout: number;
  /** How long its own trace may take to Langfuse; null: nobody looks for it. */
  readonly traceWithin: number | null;
  readonly ca?: string;
}

/** The target whose write path is probed. Durations are milliseconds. */
export interface WritePathSettings {
  readonly target: string;
  /** Tells series of several probes apart. */
  readonly probe: string;
  /** Where the sample goes: …/api/v1/remote_write or …/api/v1/write. */
  readonly url: string;
  /** The target's delay in config. */
  readonly delay: number;
  readonly lag: Bounds;
  /** How long to look for the sample at the most. */
  readonly patience: number;
}

/** The target whose ruler and Alertmanager are drilled. Durations are milliseconds. */
export interface AlertPathSettings {
  readonly target: string;
  readonly url: string;
  readonly latency: Bounds;
  /** How long to wait for the alert at the most. */
  readonly patience: number;
}

/** A transaction as config has it, with what its kind needs. */
export type CompiledTransaction = Omit<TransactionPlan, "kind"> &
  (
    | { readonly kind: "trace"; readonly settings: LangfuseSettings }
    | { readonly kind: "completion"; readonly settings: CompletionSettings }
    | { readonly kind: "write-path"; readonly settings: WritePathSettings }
    | { readonly kind: "alert-path"; readonly settings: AlertPathSettings }
  );

/** The secret that a transaction reads; null: none of its own. */
export function transactionSecret({ kind, settings }: CompiledTransaction): string | null {
  if (kind === "trace") return settings.keys;
  return kind === "completion" && settings.apiKey !== "" ? settings.apiKey : null;
}
