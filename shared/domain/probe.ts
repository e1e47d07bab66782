import type { Comparison } from "./comparison.ts";
import type { IncidentPolicy } from "./incident-policy.ts";
import type { Match } from "./matching.ts";
import type { Network } from "./network.ts";
import type { SlackAccess } from "./slack-access.ts";
import type { CompiledTransaction } from "./transactions/compiled.ts";

/** What must be fresh for a probe's answer to count: a tree over the selectors that the query reads. */
export type Guard =
  | { readonly kind: "selector"; readonly selector: string }
  | { readonly kind: "all" | "any"; readonly of: readonly Guard[] }
  | { readonly kind: "none" };

export const levels = ["warn", "fail"] as const;
export type LevelName = (typeof levels)[number];

/** One threshold of a probe. Durations are milliseconds. */
export interface Level {
  readonly level: LevelName;
  /** `any`: every returned sample is a breach, as in a Prometheus alert rule. */
  readonly when: Comparison | "any";
  readonly for: number;
  readonly keepFiringFor: number;
}

/** Where a probe came from, to say so in messages and to decide what its silence means. */
export type ProbeSource =
  | { readonly kind: "config" }
  | {
      readonly kind: "pack";
      readonly pack: string;
      readonly component: string;
      /** Config names the component, so its silence is news even before it was ever heard. */
      readonly named: boolean;
      readonly hint: string;
    }
  | { readonly kind: "file"; readonly file: string; readonly group: string };

/** Metric or label names to choose from, best first: the first one that the target has stands for `$alias`. */
export type Aliases = Readonly<Record<string, AliasChoice>>;
export interface AliasChoice {
  readonly kind: "metric" | "label";
  readonly names: readonly string[];
  /** For labels: the metric (or `$alias` of one) whose series show which spelling this target uses. */
  readonly of?: string;
  /** For metrics: born with its first event, so that its absence keeps no probe from being asked. */
  readonly optional?: boolean;
}

/** One way to ask a probe's question. */
export interface Variant {
  /** PromQL; a pack's query may hold `$aliases`, which are resolved once per target. */
  readonly query: string;
  readonly guard: Guard;
  /** Of SLOs: what asks for the error budget of the whole period. Dear, so it is asked rarely. */
  readonly budget?: string;
  /** Of variants that read what generated rules record: further aliases that must be there before they do. */
  readonly recorded?: readonly string[];
}

/** Two windows that must both burn more than `factor` times as fast as the objective allows. Milliseconds. */
export interface BurnPair {
  readonly level: LevelName;
  readonly long: number;
  readonly short: number;
  readonly factor: number;
}

/** What an SLO counts. PromQL that holds `$window`, and in packs `$aliases`. */
export interface Sli {
  readonly total: string;
  /** What is counted beside all events. Bad events that nobody has counted are none; good ones must be there. */
  readonly counted: { readonly kind: "bad" | "good"; readonly expr: string };
  /** What `total` is in: events a second, or events of the window; null where that cannot be told. */
  readonly per: "second" | "window" | null;
  /** Of latency SLOs: the bucket metric and the bound below which an event is good. */
  readonly bucket?: { readonly metric: string; readonly bound: number };
}

/** A service level objective and when its error budget burns too fast. Milliseconds. */
export interface Slo {
  /** Percent of events that must be good. */
  readonly objective: number;
  /** The share of events that may be bad. */
  readonly budget: number;
  readonly period: number;
  /** Fewer events than this in a pair's long window prove nothing. */
  readonly minimumEvents: number;
  readonly pairs: readonly BurnPair[];
  readonly sli: Sli;
  /** What the names of its recorded series begin with. */
  readonly record: string;
}

/** A probe ready to run: durations in milliseconds, thresholds taken apart, guard known. */
export interface Probe {
  readonly id: string;
  readonly kind: "promql" | "rule" | "slo" | "trace" | "log" | "completion" | "write-path" | "alert-path";
  /** Best first: the first one whose names the target has is asked. Never empty. */
  readonly variants: readonly Variant[];
  readonly aliases: Aliases;
  readonly unit: string;
  readonly levels: readonly Level[];
  readonly every: number;
  readonly step: number;
  readonly noData: "unknown" | "ok" | "fail";
  readonly staleAfter: number;
  /** Labels for routing (severity and the like); values may be templates. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly description: string;
  readonly runbook: string;
  readonly dashboard: string;
  readonly playbook: string;
  /** How its series are grouped, in place of the policy's way. */
  readonly groupBy?: readonly string[];
  readonly source: ProbeSource;
  /** Of kind `slo`; its levels are `page` (fail) and `ticket` (warn), in times over the limit. */
  readonly slo?: Slo;
}

/** How a target's server is spoken to. Secrets are named here, never held. */
export type TargetAuth =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly username: string; readonly passwordSecret: string }
  | { readonly kind: "bearer"; readonly tokenSecret: string }
  | {
      readonly kind: "sigv4";
      readonly region: string;
      readonly service: string;
      readonly assumeRole?: { readonly roleArn: string; readonly externalId?: string };
    };

/** One Prometheus-compatible endpoint, with its region and cluster. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly auth: TargetAuth;
  /** Amazon Managed Prometheus: its limits and query parameters apply. */
  readonly amp: boolean;
  /** How far behind the clock queries end, in milliseconds, so that they see settled data. */
  readonly delay: number;
  readonly cluster?: string;
  /** PEM of a private certificate authority. */
  readonly ca?: string;
  /** AMP's guard: a query that would process more samples is refused, and not billed. */
  readonly maxSamplesPerQuery?: number;
}

/** A place for messages, as one word: what kind of notifier it is, and which. */
export type Channel = string;

/** Whom else to tell of what nobody has acknowledged. */
export interface Escalation {
  /** Milliseconds after it fired. */
  readonly after: number;
  readonly channels: readonly Channel[];
  /** Slack's markup that calls people where the incident is shown already: `<@U…>`, `<!subteam^S…>`, `<!here>`. */
  readonly mention: string;
}

/** One line of `notify`: where incidents go whose labels match. */
export interface Route {
  readonly match: Match;
  readonly channels: readonly Channel[];
  /** Look at the lines after it, too. */
  readonly continue: boolean;
  /** In place of the policy's; milliseconds. */
  readonly repeatInterval?: number;
  readonly escalation?: Escalation;
}

/** `sonde.yaml`, packs and rule files, checked and expanded at build time: all that a function needs. */
export interface CompiledConfig {
  readonly version: 1;
  readonly targets: readonly Target[];
  readonly probes: readonly Probe[];
  readonly transactions: readonly CompiledTransaction[];
  /** The target that transactions' results are written to; empty: none. */
  readonly writeResultsTo: string;
  readonly incidents: IncidentPolicy;
  /** Null: messages have no buttons, and nothing listens to Slack. */
  readonly slack: SlackAccess | null;
  readonly heartbeat: string;
  /** Null: every function stands outside any VPC. */
  readonly network: Network | null;
}

/** Everything that incidents may be about: what is asked of the targets, and what the transactions stand for. */
export function allProbes({
  probes,
  transactions,
}: Pick<CompiledConfig, "probes" | "transactions">): Probe[] {
  return [...probes, ...transactions.map(({ probe }) => probe)];
}
