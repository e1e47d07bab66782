import type { Reach } from "./reach.ts";
import type { InstantSeries, Labels, Series } from "./series.ts";

/** What a Prometheus-compatible server answered, with its warnings and infos, and what it read to answer. */
export interface Answer<T> {
  readonly data: T;
  readonly notices: readonly string[];
  /** `stats.samples.totalQueryableSamples`, where the server was asked for statistics and gave them. */
  readonly samplesProcessed?: number;
}

/** Times are Unix milliseconds, `step` milliseconds. `maxSamples` is AMP's cost guard for this query. */
export interface RangeQuery {
  readonly query: string;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly maxSamples?: number;
}
export interface InstantQuery {
  readonly query: string;
  readonly at: number;
  readonly maxSamples?: number;
}
/** Selectors to match (`match[]`), over a time range in Unix milliseconds. */
export interface SeriesQuery {
  readonly match: readonly string[];
  readonly start: number;
  readonly end: number;
}

export type QueryRange = (query: RangeQuery) => Promise<Answer<Series[]>>;
/** A scalar answer comes back as one series without labels. */
export type QueryInstant = (query: InstantQuery) => Promise<Answer<InstantSeries[]>>;
export type ListSeries = (query: SeriesQuery) => Promise<Answer<Labels[]>>;
export type ListLabelValues = (query: { label: string } & SeriesQuery) => Promise<Answer<string[]>>;

export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}
export type ListMetadata = () => Promise<Answer<Record<string, MetricMetadata[]>>>;

export interface LoadedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: string;
  /** Unix milliseconds. */
  readonly activeAt: number;
  readonly value: string;
}
export interface LoadedRule {
  readonly type: "alerting" | "recording";
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
  /** Seconds, of alerting rules. */
  readonly duration?: number;
  readonly alerts: readonly LoadedAlert[];
}
export interface LoadedRuleGroup {
  readonly name: string;
  readonly file: string;
  /** Seconds. */
  readonly interval: number;
  readonly rules: readonly LoadedRule[];
}
export type ListRules = () => Promise<Answer<LoadedRuleGroup[]>>;

/** Everything that Sonde asks of one target. */
export interface PrometheusClient {
  readonly queryRange: QueryRange;
  readonly queryInstant: QueryInstant;
  readonly listSeries: ListSeries;
  readonly listLabelValues: ListLabelValues;
  readonly listMetadata: ListMetadata;
  readonly listRules: ListRules;
}

export const prometheusErrorKinds = [
  "unreachable",
  "tls",
  "unauthorized",
  "forbidden",
  "wrong-path",
  "bad-query",
  "too-expensive",
  "rate-limited",
  "timeout",
  "server-error",
  "not-json",
  "too-large",
  "bad-answer",
] as const;
export type PrometheusErrorKind = (typeof prometheusErrorKinds)[number];

/** A query that got no usable answer. The message is one line: what happened, where, what to do next. */
export class PrometheusError extends Error {
  override readonly name = "PrometheusError";
  readonly kind: PrometheusErrorKind;
  readonly status: number | undefined;
  /** How far it came, where no server answered. */
  readonly reach: Reach | undefined;

  constructor(
    kind: PrometheusErrorKind,
    message: string,
    options: { status?: number; cause?: unknown; reach?: Reach | undefined } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
    this.reach = options.reach;
  }
}
