import fc from "fast-check";

import type { WrittenSeries } from "../../shared/adapters/remote-write.ts";
import { formatComparison } from "../../shared/domain/comparison.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import type { Level, Probe } from "../../shared/domain/probe.ts";
import { aLevel, aProbe } from "./builders.ts";

/** How often a batch of cases is scraped and evaluated, in milliseconds, and how many evaluations there are. */
export interface Rhythm {
  readonly scrape: number;
  readonly evaluate: number;
  readonly evaluations: number;
}

/** What a series is for a while: a value, nothing, or one end of series followed by nothing. */
interface Segment {
  readonly value: number | "gap" | "stale";
  readonly scrapes: number;
}

/** One way to alert: an imported rule, or a probe whose levels stand for a rule each. */
interface Alerting {
  /** `$m` is the case's own metric. */
  readonly query: string;
  readonly levels: readonly {
    readonly when: string;
    /** In tenths of the evaluation interval. */
    readonly for: number;
    readonly keep: number;
  }[];
}

export interface ParityCase {
  readonly series: readonly {
    readonly a: string;
    readonly b: string;
    readonly segments: readonly Segment[];
  }[];
  readonly alerting: readonly Alerting[];
  /** Rounds that do not happen, by the number of the evaluation. */
  readonly missed: readonly number[];
}

const segment: fc.Arbitrary<Segment> = fc.record({
  value: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -1, max: 6 }) },
    { weight: 2, arbitrary: fc.constant("gap" as const) },
    { weight: 1, arbitrary: fc.constant("stale" as const) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
  ),
  scrapes: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 6 }) },
    fc.integer({ min: 7, max: 40 }),
  ),
});

const ruleQueries = [
  "$m > 3",
  "$m",
  "$m == 0",
  "$m != $m",
  "absent($m)",
  'absent($m{a="x"})',
  'absent_over_time($m{b="1"}[90s])',
  "sum by (a) ($m) > 4",
  "count($m) < 2",
  "max_over_time($m[2m]) >= 4",
  "increase($m[3m]) > 1",
  "changes($m[4m]) > 1",
  '$m > 2 or $m{a="y"} < 0',
  '$m > 1 unless on (a) $m{b="1"} > 3',
  '$m{b="1"} and on (a) $m{b="0"}',
  "max by (b) ($m) - min by (b) ($m) >= 2",
  'label_replace($m, "b", "<$1>", "b", "(.*)") > 5',
  "$m > bool 3 == 1",
  "avg_over_time(($m > 0)[2m:30s]) > 2",
  "$m offset 1m > 3",
  "vector(1)",
  "scalar($m)",
  "quantile(0.5, $m) > 2",
] as const;
const probeQueries = [
  "$m",
  "sum by (a) ($m)",
  "max_over_time($m[2m])",
  "$m / $m",
  "rate($m[2m])",
  "-$m",
] as const;
const whens = ["> 2", ">= 4", "< 0", "<= 1", "== 3", "!= 1", "> 0.5", "< 5"] as const;

const patience = fc.constantFrom(0, 0, 10, 20, 25, 50, 99);
const kept = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.constantFrom(10, 15, 30, 70));
const rule: fc.Arbitrary<Alerting> = fc.record({
  query: fc.constantFrom(...ruleQueries),
  levels: fc.tuple(fc.record({ when: fc.constant("any"), for: patience, keep: kept })),
});
const threshold = fc.record({ when: fc.constantFrom(...whens), for: patience, keep: kept });
const probe: fc.Arbitrary<Alerting> = fc.record({
  query: fc.constantFrom(...probeQueries),
  levels: fc.array(threshold, { minLength: 1, maxLength: 2 }),
});

export function parityCase({ evaluations }: Rhythm): fc.Arbitrary<ParityCase> {
  const series = fc.record({
    a: fc.constantFrom("x", "y"),
    b: fc.constantFrom("0", "1", "2"),
    segments: fc.array(segment, { minLength: 1, maxLength: 14 }),
  });
  return fc.record({
    series: fc.uniqueArray(series, { minLength: 1, maxLength: 4, selector: ({ a, b }) => a + b }),
    alerting: fc.array(fc.oneof(rule, probe), { minLength: 1, maxLength: 2 }),
    missed: fc.oneof(
      fc.uniqueArray(fc.nat({ max: evaluations - 1 }), { maxLength: evaluations }),
      fc.constant(Array.from({ length: evaluations - 1 }, (_, index) => index)),
    ),
  });
}

/** The values of a series, one a scrape: null is no sample. */
function scrapes({ segments }: ParityCase["series"][number]): (number | "stale" | null)[] {
  return segments.flatMap(({ value, scrapes: count }) =>
    Array.from({ length: count }, (_, index) => {
      if (value === "gap") return null;
      return value === "stale" ? (index === 0 ? "stale" : null) : value;
    }),
  );
}

/** A case's series as remote write takes them, beginning at `origin`. */
export function writtenSeries(
  one: ParityCase,
  metric: string,
  rhythm: Rhythm,
  origin: number,
): WrittenSeries[] {
  return one.series.map((series) => ({
    labels: { __name__: metric, a: series.a, b: series.b },
    samples: scrapes(series).flatMap((v, index) => {
      const t = index * rhythm.scrape;
      return v === null || t > rhythm.evaluate * rhythm.evaluations ? [] : [{ t: origin + t, v }];
    }),
  }));
}

/** The same series as a test file has them. */
export function inputSeries(one: ParityCase, metric: string): { series: string; values: string }[] {
  return one.series.map((series) => ({
    series: `${metric}{a="${series.a}",b="${series.b}"}`,
    values: scrapes(series).map(writtenValue).join(" "),
  }));
}

function writtenValue(value: number | "stale" | null): string {
  if (value === null) return "_";
  if (value === "stale" || Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Inf" : "-Inf";
}

/** One level of one probe, and the alert rule that means the same. */
export interface ParityRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly keep_firing_for: string;
  readonly labels: { readonly case: string };
  readonly annotations: { readonly text: string };
}

/** A case's probes, and for each of their levels the rule of the same meaning. */
export function probesAndRules(
  one: ParityCase,
  metric: string,
  { evaluate }: Rhythm,
): { probe: Probe; rules: ParityRule[] }[] {
  return one.alerting.map(({ query, levels }, at) => {
    const own = query.replaceAll("$m", metric);
    const span = (tenths: number) => Math.round((tenths * evaluate) / 10);
    const parsed = levels.map((level, index): Level => {
      const name = index === 0 ? "warn" : "fail";
      return aLevel(name, level.when, span(level.for), span(level.keep));
    });
    const probe = aProbe({
      id: `${metric}_${at}`,
      kind: "rule",
      variants: [{ query: own, guard: { kind: "none" } }],
      levels: parsed,
      every: evaluate,
      step: evaluate,
    });
    const rules = parsed.map(
      (level): ParityRule => ({
        alert: alertName(probe, level),
        expr: level.when === "any" ? own : `(${own}) ${formatComparison(level.when)}`,
        for: formatDuration(level.for),
        keep_firing_for: formatDuration(level.keepFiringFor),
        labels: { case: metric },
        annotations: { text: "{{ $labels.a }} {{ $value }}" },
      }),
    );
    return { probe, rules };
  });
}

export function alertName(probe: Probe, level: Level): string {
  return `${probe.id}_${level.level}`;
}
