import { parseDuration } from "./duration.ts";
import type { BurnPair, LevelName, Slo } from "./probe.ts";
import { type Labels, type Sample, type Series, seriesKey, withoutName } from "./series.ts";
import { type SloPart, sloParts, windowLabel } from "./slo-query.ts";

/** What one window had counted by one time. `bad` is null where the bad events cannot be told. */
export interface Counts {
  readonly total: number;
  readonly bad: number | null;
}

/** One series of an SLO: what its windows had counted. Windows and times in milliseconds. */
export interface SloSeries {
  readonly labels: Labels;
  readonly times: readonly number[];
  readonly countsAt: (window: number, t: number) => Counts | null;
}

/** How fast a pair of windows burns the budget at one time: 1 is as fast as the objective allows. */
export interface Burn {
  readonly pair: BurnPair;
  /** NaN without traffic (0/0). */
  readonly long: number;
  readonly short: number;
  /** Events in the long window. */
  readonly events: number;
  /** Too few of them to prove anything. */
  readonly few: boolean;
}

type Samples = ReadonlyMap<number, number>;

/**
 * Takes the answer of an SLO's query apart into its series. Whether bad events that nobody has counted are
 * none is the query's to know: an error counter is born with the first error, a histogram's bucket is not.
 */
export function readSlo(answer: readonly Series[], absentIsNone: boolean): SloSeries[] {
  const found = new Map<string, { labels: Labels; parts: Map<string, Samples> }>();
  for (const series of answer) {
    const { [windowLabel]: what = "", ...labels } = withoutName(series.labels);
    const key = seriesKey(labels);
    const entry = found.get(key) ?? { labels, parts: new Map() };
    entry.parts.set(what, new Map(series.samples.map(({ t, v }) => [t, v])));
    found.set(key, entry);
  }
  return [...found.values()].map(({ labels, parts }) => {
    const times = new Set([...parts.values()].flatMap((samples) => [...samples.keys()]));
    const windows = byWindow(parts);
    return {
      labels,
      times: [...times].sort((a, b) => a - b),
      countsAt: (window, t) => {
        const at = (part: SloPart) => windows.get(window)?.get(part)?.get(t);
        const [total, bad, good] = [at("total"), at("bad"), at("good")];
        if (total === undefined) return null;
        if (good !== undefined) return { total, bad: Math.max(0, total - good) };
        return { total, bad: bad ?? (absentIsNone ? 0 : null) };
      },
    };
  });
}

function byWindow(parts: ReadonlyMap<string, Samples>): Map<number, Map<SloPart, Samples>> {
  const windows = new Map<number, Map<SloPart, Samples>>();
  for (const [what, samples] of parts) {
    const [span = "", name] = what.split(" ");
    const part = sloParts.find((candidate) => candidate === name);
    if (!part) continue;
    const window = windows.get(parseDuration(span)) ?? new Map<SloPart, Samples>();
    windows.set(parseDuration(span), window.set(part, samples));
  }
  return windows;
}

/** The burn rate of one window: its share of bad events over the share that may be bad. NaN without traffic. */
export function burnRate({ total, bad }: { total: number; bad: number }, budget: number): number {
  return bad / total / budget;
}

/** The burns of one level's pairs at one time; pairs of which a window cannot be told are left out. */
export function burnsAt(slo: Slo, series: SloSeries, level: LevelName, t: number): Burn[] {
  return slo.pairs.flatMap((pair): Burn[] => {
    if (pair.level !== level) return [];
    const long = series.countsAt(pair.long, t);
    const short = series.countsAt(pair.short, t);
    if (!long || !short || long.bad === null || short.bad === null) return [];
    const events = countEvents(slo, long.total, pair.long);
    return [
      {
        pair,
        long: burnRate({ total: long.total, bad: long.bad }, slo.budget),
        short: burnRate({ total: short.total, bad: short.bad }, slo.budget),
        events,
        few: events < slo.minimumEvents,
      },
    ];
  });
}

/** `total` over a window as a number of events; without `rate` or `increase` it is taken as it is. */
function countEvents({ sli }: Slo, total: number, window: number): number {
  return sli.per === "second" ? (total * window) / 1000 : total;
}

/** How many times over its limit a pair is; NaN where either window has no traffic. */
export function timesOver({ pair, long, short }: Burn): number {
  return Math.min(long, short) / pair.factor;
}

/** The pair that is furthest over its limit, or nearest to it; null where none has traffic. */
export function worstBurn(burns: readonly Burn[]): Burn | null {
  return burns
    .filter((burn) => !Number.isNaN(timesOver(burn)))
    .reduce<Burn | null>(
      (worst, burn) => (worst && timesOver(worst) >= timesOver(burn) ? worst : burn),
      null,
    );
}

/**
 * How many times over the limit a level is: over 1 is a breach. NaN while there is no traffic to judge by; 0
 * where there is, but no pair has seen enough events to prove anything. Null: there is nothing to go by.
 */
export function levelValue(burns: readonly Burn[]): number | null {
  if (burns.length === 0) return null;
  const enough = worstBurn(burns.filter(({ few }) => !few));
  if (enough) return timesOver(enough);
  return worstBurn(burns) ? 0 : Number.NaN;
}

/** One level of an SLO as a series of values, for the state machine that folds thresholds. */
export function levelSeries(slo: Slo, series: SloSeries, level: LevelName): Series {
  const samples = series.times.flatMap((t): Sample[] => {
    const v = levelValue(burnsAt(slo, series, level, t));
    return v === null ? [] : [{ t, v }];
  });
  return { labels: series.labels, samples };
}

/** Why a series cannot be judged at a time though it is there; null where it can. */
export function findFault(slo: Slo, series: SloSeries, t: number, windows: readonly number[]): string | null {
  if (!series.times.includes(t)) return null;
  const counts = windows.flatMap((window) => series.countsAt(window, t) ?? []);
  if (counts.length === 0)
    return "errors are counted under labels that total does not have: both must return the same labels";
  if (counts.every(({ bad }) => bad !== null)) return null;
  const { bucket } = slo.sli;
  return bucket
    ? `${bucket.metric} has no bucket that ends at ${bucket.bound}: \`sonde validate --target\` names those that it has`
    : "its bad events are not recorded: see whether the recording rule fails";
}

/** What is left of the error budget, by series key: 1 is all of it, below 0 it is overspent. */
export type BudgetLeft = Readonly<Record<string, number>>;

/** Reads the answer of a budget query at `t`. Series without events have no budget to spend. */
export function readBudget(
  slo: Slo,
  answer: readonly Series[],
  absentIsNone: boolean,
  t: number,
): BudgetLeft {
  return Object.fromEntries(
    readSlo(answer, absentIsNone).flatMap((series) => {
      const counts = series.countsAt(slo.period, t);
      if (!counts || counts.bad === null) return [];
      const left = 1 - burnRate({ total: counts.total, bad: counts.bad }, slo.budget);
      return Number.isFinite(left) ? [[seriesKey(series.labels), left] as const] : [];
    }),
  );
}

/** What is left at `now` of a budget that was asked for earlier, if it has gone on burning at `burn`. */
export function budgetNow(left: number, burn: number, elapsed: number, period: number): number {
  return Number.isFinite(burn) ? left - (burn * elapsed) / period : left;
}

/**
 * Milliseconds until nothing is left at this burn rate. Null where that never comes: within a period what was
 * spent before has come back, so that a rate below what is left can go on for ever.
 */
export function timeToExhaustion(left: number, burn: number, period: number): number | null {
  if (left <= 0) return 0;
  return Number.isFinite(burn) && burn > left ? Math.round((left * period) / burn) : null;
}
