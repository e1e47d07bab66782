import type { BackendSettings, TraceBackendSettings } from "./backends/backend.ts";
import type { LogSettings } from "./backends/loki.ts";
import type { TraceBackendKind } from "./backends/trace-backends.ts";
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
  /** US dollars for a million tokens; null: nobody has said. */
  readonly price: { readonly input: number; readonly output: number } | null;
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

/** What each provider of traces needs. */
export type TraceProviders = { readonly langfuse: LangfuseSettings } & {
  readonly [kind in TraceBackendKind]: TraceBackendSettings;
};

/** A provider of traces with its settings. */
export type TraceProvider<K extends keyof TraceProviders = keyof TraceProviders> = {
  readonly [P in K]: { readonly provider: P; readonly settings: TraceProviders[P] };
}[K];

/** A transaction as config has it, with what its kind needs. */
export type CompiledTransaction = Omit<TransactionPlan, "kind"> &
  (
    | ({ readonly kind: "trace" } & TraceProvider)
    | { readonly kind: "log"; readonly provider: "loki"; readonly settings: LogSettings }
    | { readonly kind: "completion"; readonly settings: CompletionSettings }
    | { readonly kind: "write-path"; readonly settings: WritePathSettings }
    | { readonly kind: "alert-path"; readonly settings: AlertPathSettings }
  );

/** The names of the secrets that a transaction reads of its own. */
export function transactionSecrets(compiled: CompiledTransaction): readonly string[] {
  switch (compiled.kind) {
    case "trace":
      if (compiled.provider === "langfuse") return [compiled.settings.keys];
      return headerSecrets(compiled.settings);
    case "log":
      return headerSecrets(compiled.settings);
    case "completion":
      return compiled.settings.apiKey === "" ? [] : [compiled.settings.apiKey];
    default:
      return [];
  }
}

function headerSecrets({ headers, queryHeaders }: BackendSettings): readonly string[] {
  return [...new Set([...Object.values(headers), ...Object.values(queryHeaders)])];
}

/** The addresses that a transaction asks beside those of targets. */
export function transactionUrls(compiled: CompiledTransaction): readonly string[] {
  switch (compiled.kind) {
    case "trace":
      if (compiled.provider === "langfuse") return [compiled.settings.url];
      return backendUrls(compiled.settings);
    case "log":
      return backendUrls(compiled.settings);
    case "completion":
      return [compiled.settings.url];
    default:
      return [];
  }
}

function backendUrls({ endpoint, query }: BackendSettings): readonly string[] {
  return [...new Set([endpoint, query])].filter((url) => url !== "");
}
