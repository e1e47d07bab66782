import * as z from "zod/mini";
import { type LoadedRuleGroup, type MetricMetadata, PrometheusError } from "../domain/prometheus.ts";
import type { InstantSeries, Labels, Sample, Series } from "../domain/series.ts";

/** The readers below throw PrometheusError without the address; the client adds it. */

const Success = z.object({
  status: z.literal("success"),
  data: z.unknown(),
  warnings: z.optional(z.array(z.string())),
  infos: z.optional(z.array(z.string())),
});
const Stats = z.object({ stats: z.object({ samples: z.object({ totalQueryableSamples: z.number() }) }) });

export interface Success {
  readonly data: unknown;
  readonly notices: readonly string[];
}

/** The envelope of a successful answer; undefined when the value is anything else. */
export function readSuccess(json: unknown): Success | undefined {
  const { data, success } = Success.safeParse(json);
  if (!success) return undefined;
  return { data: data.data, notices: [...(data.warnings ?? []), ...(data.infos ?? [])] };
}

export function readSamplesProcessed(data: unknown): number | undefined {
  return Stats.safeParse(data).data?.stats.samples.totalQueryableSamples;
}

/** Series, and how many of them had native histograms, which have no single value and are left out. */
interface Read<T> {
  readonly series: T[];
  readonly histograms: number;
}

/** Samples are checked by hand: a schema takes four times as long, and twice as long as parsing the JSON. */
export function readMatrix(data: unknown): Read<Series> {
  const { resultType, result } = queryData(data);
  if (resultType !== "matrix") throw wrongType("matrix", resultType);
  const series: Series[] = [];
  let histograms = 0;
  for (const item of result) {
    const { metric, values, histograms: native } = record(item, "a series");
    if (native !== undefined) histograms += 1;
    if (values === undefined && native !== undefined) continue;
    series.push({ labels: readLabels(metric), samples: readSamples(values) });
  }
  return { series, histograms };
}

export function readInstant(data: unknown): Read<InstantSeries> {
  const { resultType, result } = queryData(data);
  if (resultType === "scalar") return { series: [{ labels: {}, sample: readSample(result) }], histograms: 0 };
  if (resultType !== "vector") throw wrongType("vector or scalar", resultType);
  const series: InstantSeries[] = [];
  let histograms = 0;
  for (const item of result) {
    const { metric, value, histogram } = record(item, "a series");
    if (value === undefined && histogram !== undefined) histograms += 1;
    else series.push({ labels: readLabels(metric), sample: readSample(value) });
  }
  return { series, histograms };
}

export function readLabelSets(data: unknown): Labels[] {
  return list(data, "the list of series").map(readLabels);
}

export function readStrings(data: unknown): string[] {
  return list(data, "the list of values").map((value) => {
    if (typeof value !== "string") throw malformed("a label value", value);
    return value;
  });
}

const Metadata = z.record(
  z.string(),
  z.array(
    z.object({
      type: z._default(z.string(), "unknown"),
      help: z._default(z.string(), ""),
      unit: z._default(z.string(), ""),
    }),
  ),
);

export function readMetadata(data: unknown): Record<string, MetricMetadata[]> {
  return checked(Metadata, data, "the metadata");
}

const Strings = z.record(z.string(), z.string());
const Alert = z.object({
  labels: Strings,
  annotations: z._default(Strings, {}),
  state: z.string(),
  activeAt: z.pipe(
    z.string(),
    z.transform((text: string) => Date.parse(text)),
  ),
  value: z.string(),
});
const Rule = z.object({
  type: z.enum(["alerting", "recording"]),
  name: z.string(),
  query: z.string(),
  health: z._default(z.string(), "unknown"),
  lastError: z.optional(z.string()),
  duration: z.optional(z.number()),
  alerts: z._default(z.nullable(z.array(Alert)), []),
});
const RulePage = z.object({
  groups: z.array(
    z.object({ name: z.string(), file: z.string(), interval: z.number(), rules: z.array(Rule) }),
  ),
  groupNextToken: z.optional(z.string()),
});

export interface RulePage {
  readonly groups: LoadedRuleGroup[];
  readonly nextToken: string | undefined;
}

export function readRules(data: unknown): RulePage {
  const page = checked(RulePage, data, "the rules");
  const groups = page.groups.map((group) => ({
    ...group,
    rules: group.rules.map(({ lastError, duration, alerts, ...rule }) => ({
      ...rule,
      ...(lastError === undefined || lastError === "" ? {} : { lastError }),
      ...(duration === undefined ? {} : { duration }),
      alerts: alerts ?? [],
    })),
  }));
  return { groups, nextToken: page.groupNextToken || undefined };
}

/** A value as Prometheus writes it: decimal, NaN, +Inf or -Inf. */
export function readValue(text: unknown): number {
  if (typeof text !== "string") throw malformed("a sample value", text);
  const value = Number(text);
  if (value === 0 ? text.includes("0") : !Number.isNaN(value)) return value;
  switch (text) {
    case "NaN":
      return Number.NaN;
    case "+Inf":
    case "Inf":
      return Number.POSITIVE_INFINITY;
    case "-Inf":
      return Number.NEGATIVE_INFINITY;
    default:
      throw malformed("a sample value", text);
  }
}

function readSamples(values: unknown): Sample[] {
  const samples: Sample[] = [];
  for (const value of list(values, "the samples of a series")) samples.push(readSample(value));
  return samples;
}

function readSample(pair: unknown): Sample {
  if (!isList(pair) || pair.length !== 2) throw malformed("a sample", pair);
  const seconds = pair[0];
  if (typeof seconds !== "number") throw malformed("a sample time", seconds);
  return { t: Math.round(seconds * 1000), v: readValue(pair[1]) };
}

function readLabels(metric: unknown): Labels {
  if (!isLabels(metric)) throw malformed("a label set", metric);
  return metric;
}

function isLabels(value: unknown): value is Labels {
  if (!isRecord(value)) return false;
  for (const name in value) if (typeof value[name] !== "string") return false;
  return true;
}

function queryData(data: unknown): { resultType: string; result: readonly unknown[] } {
  const { resultType, result } = record(data, "the data");
  if (typeof resultType !== "string") throw malformed("the result type", resultType);
  return { resultType, result: list(result, "the result") };
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw malformed(what, value);
  return value;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!isList(value)) throw malformed(what, value);
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function checked<T>(schema: z.ZodMiniType<T>, data: unknown, what: string): T {
  const { data: value, success, error } = schema.safeParse(data);
  if (success) return value;
  const issue = error.issues[0];
  throw badAnswer(`${what}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "not as expected"}`);
}

function malformed(what: string, value: unknown): PrometheusError {
  return badAnswer(`${what} is ${JSON.stringify(value)?.slice(0, 60) ?? "missing"}`);
}

function badAnswer(detail: string): PrometheusError {
  return new PrometheusError(
    "bad-answer",
    `the answer is not in Prometheus's format (${detail}); check what serves this address`,
  );
}

function wrongType(wanted: string, got: string): PrometheusError {
  return new PrometheusError(
    "bad-query",
    `the query answers with a ${got}, not a ${wanted}; ask for numbers at points in time`,
  );
}
