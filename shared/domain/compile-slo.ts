import { guardSelectors } from "./aliases.ts";
import { compileGuard, describeQueryFault } from "./compile-query.ts";
import type { SloConfig } from "./config.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { ConfigFault } from "./faults.ts";
import { formatFloat } from "./go-format.ts";
import { shortHash } from "./hash.ts";
import type { Aliases, BurnPair, Guard, LevelName, Sli, Slo, Variant } from "./probe.ts";
import { groupingLabels, inspectQuery, rangeFunctions } from "./promql.ts";
import {
  inWindow,
  rawQuery,
  readyAlias,
  readyName,
  recordedAlias,
  recordedBudgetQuery,
  recordedName,
  recordedQuery,
  sloWindows,
} from "./slo-query.ts";
import {
  burnPair,
  defaultPeriod,
  defaultWindows,
  errorBudget,
  shortestDefaultPeriod,
} from "./slo-windows.ts";

/** An SLO ready to run: asked from what its rules record where they do, else from what it reads. */
export interface CompiledSlo {
  readonly slo: Slo;
  readonly variants: readonly Variant[];
  /** The names that its rules record under. */
  readonly recorded: Aliases;
}

type Report = (key: string, message: string) => void;

const minute = 60_000;

/** Checks an SLO and builds its queries; null where it cannot be asked. */
export function compileSlo(
  id: string,
  config: SloConfig,
  guard: string | readonly string[] | undefined,
  path: ConfigFault["path"],
  faults: ConfigFault[],
  notes: ConfigFault[],
): CompiledSlo | null {
  const before = faults.length;
  const report: Report = (key, message) =>
    faults.push({ path: [...path, "slo", ...key.split(".")], message });
  if (config.objective === undefined)
    report("objective", "is missing: the percent of events that must be good, such as 99.5");
  const sli = compileSli(config, report);
  const minimumEvents = config.minimumEvents ?? 0;
  if (minimumEvents > 0 && sli && sli.per === null)
    report(
      "minimumEvents",
      "cannot be counted: total must use rate or increase over [$window], one of them alone",
    );
  const period = config.period ? parseDuration(config.period) : defaultPeriod;
  const pairs = compilePairs(config, period, report);
  const own = guard === undefined ? null : compileGuard(guard, path, faults);
  if (!sli || config.objective === undefined || faults.length > before) return null;
  const budget = errorBudget(config.objective);
  noteUnreachable(pairs, budget, (level, message, grave) =>
    (grave ? faults : notes).push({ path: [...path, "slo", level], message }),
  );
  if (faults.length > before) return null;
  const record = `slo:${id.replace(/[^a-zA-Z0-9]+/g, "_")}_${shortHash(JSON.stringify([id, sli])).slice(0, 8)}`;
  const slo: Slo = { objective: config.objective, budget, period, minimumEvents, pairs, sli, record };
  return { slo, ...buildVariants(slo, own ?? guardOf(sli)) };
}

function compileSli(config: SloConfig, report: Report): Sli | null {
  const { latency, errors, total } = config;
  if (latency && (errors !== undefined || total !== undefined)) {
    report("latency", "stands beside errors and total: an SLO counts in one of the two ways");
    return null;
  }
  if (latency) return compileLatency(latency, report);
  if (errors === undefined || total === undefined) {
    report(total === undefined ? "total" : "errors", "is missing: an SLO needs errors and total, or latency");
    return null;
  }
  const sound = [errors, total].map((expr, at) =>
    checkExpression(at === 0 ? "errors" : "total", expr, report),
  );
  if (sound.includes(false)) return null;
  checkAlike(errors, total, report);
  return { total, counted: { kind: "bad", expr: errors }, per: countedPer(total) };
}

function checkExpression(key: string, expr: string, report: Report): boolean {
  if (inWindow(expr, minute) === expr) {
    report(key, "has no $window: write rate(…[$window]), so that it can be asked of each window");
    return false;
  }
  const filled = inWindow(expr, minute);
  const inspected = inspectQuery(filled);
  if ("fault" in inspected) report(key, describeQueryFault(filled, inspected.fault));
  return !("fault" in inspected);
}

/** What would be found only as a wrong number: rates over counts, and labels that never meet. */
function checkAlike(errors: string, total: string, report: Report): void {
  const [bad, all] = [countedPer(errors), countedPer(total)];
  if (bad !== null && all !== null && bad !== all)
    report("errors", `counts per ${bad} and total per ${all}: use rate in both, or increase in both`);
  const [few, many] = [groupingLabels(inWindow(errors, minute)), groupingLabels(inWindow(total, minute))];
  if (few && many && few.join() !== many.join())
    report(
      "errors",
      `returns the labels (${few.join(", ")}) and total (${many.join(", ")}): write the same by (…) in both`,
    );
}

function countedPer(expr: string): Sli["per"] {
  const functions = rangeFunctions(inWindow(expr, minute));
  if (functions.length === 0) return null;
  if (functions.every((name) => name === "rate")) return "second";
  const counting = ["increase", "count_over_time", "sum_over_time"];
  return functions.every((name) => counting.includes(name)) ? "window" : null;
}

function compileLatency(latency: NonNullable<SloConfig["latency"]>, report: Report): Sli | null {
  const { histogram, under, matchers, by = [] } = latency;
  if (histogram === undefined) report("latency.histogram", "is missing: the name of a histogram's metric");
  if (under === undefined) report("latency.under", "is missing: the longest time that is good, such as 3s");
  if (histogram === undefined || under === undefined) return null;
  const metric = /^\$|_bucket$/.test(histogram) ? histogram : `${histogram}_bucket`;
  const bound = typeof under === "number" ? under : parseDuration(under) / 1000;
  if (bound <= 0) {
    report("latency.under", "must be longer than nothing");
    return null;
  }
  const group = by.length === 0 ? "sum" : `sum by (${by.join(", ")})`;
  const count = (le: string) =>
    `${group} (rate(${metric}{${[le, ...(matchers === undefined ? [] : [matchers])].join(",")}}[$window]))`;
  const sli: Sli = {
    total: count('le="+Inf"'),
    counted: { kind: "good", expr: count(`le=~"${boundSpellings(bound).join("|")}"`) },
    per: "second",
    bucket: { metric, bound },
  };
  const filled = inWindow(sli.total, minute);
  const inspected = inspectQuery(filled);
  if ("facts" in inspected) return sli;
  report("latency.matchers", describeQueryFault(filled, inspected.fault));
  return null;
}

/** Exporters write a bound as `3` or as `3.0`, and great ones with an exponent; dots are escaped for a regex. */
function boundSpellings(bound: number): string[] {
  const spellings = [
    String(bound),
    formatFloat(bound, "g", null),
    ...(Number.isInteger(bound) ? [`${bound}.0`] : []),
  ];
  return [...new Set(spellings)].map((text) => text.replace(/[.+]/g, "\\\\$&"));
}

const tables: readonly (readonly ["page" | "ticket", LevelName])[] = [
  ["ticket", "warn"],
  ["page", "fail"],
];

function compilePairs(config: SloConfig, period: number, report: Report): BurnPair[] {
  if (period < shortestDefaultPeriod && (!config.page || !config.ticket)) {
    report(
      "period",
      `is under ${formatDuration(shortestDefaultPeriod)}, for which there are no sensible windows: write page and ticket yourself`,
    );
    return [];
  }
  const pairs = tables.flatMap(([key, level]) => {
    const rows = config[key]?.map(({ share, long, short }, at) => {
      const spans = { share, long: parseDuration(long), short: parseDuration(short) };
      if (spans.short < minute) report(`${key}.${at}.short`, "is under a minute: too few scrapes lie in it");
      if (spans.short >= spans.long)
        report(`${key}.${at}.short`, "must be shorter than long, which it confirms");
      if (spans.long > period)
        report(`${key}.${at}.long`, `is longer than the period, ${formatDuration(period)}`);
      return spans;
    });
    return (rows ?? defaultWindows(level, period)).map((row) => burnPair(level, row, period));
  });
  if (pairs.length === 0) report("page", "and ticket are both empty: nothing would ever be told");
  return pairs;
}

/** With a low objective even a total outage burns too slowly for some pairs. */
function noteUnreachable(
  pairs: readonly BurnPair[],
  budget: number,
  report: (table: string, message: string, grave: boolean) => void,
): void {
  const fastest = Number((1 / budget).toPrecision(3));
  for (const [key, level] of tables) {
    const own = pairs.filter((pair) => pair.level === level);
    const dead = own.filter(({ factor }) => factor * budget >= 1);
    if (dead.length === 0) continue;
    const names = dead
      .map(({ long, factor }) => `${formatDuration(long)} needs more than ${factor} ×`)
      .join(", ");
    const all = dead.length === own.length;
    const advice = all ? `: write ${key} with smaller shares, or ${key}: []` : "";
    report(key, `at this objective a total outage burns ${fastest} ×, and ${names}${advice}`, all);
  }
}

/** Errors may have no series yet: what must be fresh is what all events are counted by. */
function guardOf({ total }: Sli): Guard {
  const inspected = inspectQuery(inWindow(total, minute));
  return "facts" in inspected ? inspected.facts.guard : { kind: "none" };
}

function buildVariants(slo: Slo, guard: Guard): Pick<CompiledSlo, "variants" | "recorded"> {
  const windows = sloWindows(slo);
  const [shortest = slo.period] = windows;
  const base: Guard = { kind: "selector", selector: `$${recordedAlias("total", shortest)}` };
  const recordedGuard: Guard = guardSelectors(guard).length === 0 ? base : { kind: "all", of: [base, guard] };
  const names = windows.flatMap((window) =>
    (["total", "bad"] as const).map((what) => [
      recordedAlias(what, window),
      recordedName(slo.record, what, window),
    ]),
  );
  const recorded = [...names, [readyAlias, readyName(slo.record)]].map(
    ([alias = "", name = ""]) => [alias, { kind: "metric", names: [name] }] as const,
  );
  return {
    variants: [
      {
        query: recordedQuery(windows),
        guard: recordedGuard,
        budget: recordedBudgetQuery(shortest, slo.period),
        recorded: [readyAlias],
      },
      { query: rawQuery(slo.sli, windows), guard, budget: rawQuery(slo.sli, [slo.period]) },
    ],
    recorded: Object.fromEntries(recorded),
  };
}
