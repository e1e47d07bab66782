import { breaches } from "./comparison.ts";
import type { Level, LevelName, Probe } from "./probe.ts";
import { type Labels, type Series, seriesKey, withoutName } from "./series.ts";
import type { LevelState, ProbeState, SeriesState } from "./state.ts";

/** The grid points of one round: start, start + step, … end. Unix milliseconds. */
export interface Window {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  /** The window continues stored state; else it is a look back from nothing. */
  readonly continues: boolean;
  /** Points between the state and this window were given up. */
  readonly gap: boolean;
}

/** How far back a round goes for what earlier rounds missed. */
const maxCatchUp = 2 * 3_600_000;

/** An SLO's windows look back by themselves, over hours and days at each point: more points cost much and add little. */
const sloCatchUp = 10 * 60_000;

/** Prometheus answers at most 11,000 points a series; a look back that would need more begins later. */
const maxPoints = 10_000;

/**
 * The grid points that a probe has yet to evaluate at `now` (delay already taken off); null where there are
 * none, or where the probe's `every` has not come round. Grid points are `phase` plus multiples of the step.
 * Without state the window looks back over the longest `for`, and over the two hours of the catch-up limit
 * where `keepFiringFor` makes the past matter; a rule that is patient for days steps through no more points
 * than Prometheus answers, and fires once its state is old enough.
 */
export function planWindow(
  probe: Probe,
  state: ProbeState | undefined,
  now: number,
  phase = 0,
): Window | null {
  const { step, every } = probe;
  const end = floorTo(now, step, phase);
  if (!state || state.evaluatedTo === 0) {
    const longest = Math.max(0, ...probe.levels.map((level) => level.for));
    const catchUp = probe.slo ? sloCatchUp : maxCatchUp;
    const kept = probe.levels.some((level) => level.keepFiringFor > 0) ? catchUp : 0;
    return {
      start: end - Math.min(maxPoints, Math.ceil((longest + kept) / step)) * step,
      end,
      step,
      continues: false,
      gap: false,
    };
  }
  if (floorTo(end, every, phase) <= floorTo(state.evaluatedTo, every, phase)) return null;
  const next = floorTo(state.evaluatedTo, step, phase) + step;
  const earliest = end - Math.floor((probe.slo ? sloCatchUp : maxCatchUp) / step) * step;
  return { start: Math.max(next, earliest), end, step, continues: true, gap: next < earliest };
}

function floorTo(t: number, size: number, phase: number): number {
  return Math.floor((t - phase) / size) * size + phase;
}

/** What became of one series at the end of a window. */
export interface FoldedSeries {
  readonly key: string;
  readonly labels: Labels;
  readonly levels: SeriesState["levels"];
  /** The value at the last point; null where the series has none there. */
  readonly value: number | null;
  readonly points: Series["samples"];
}

/**
 * Folds Prometheus's alert state machine over the window's grid points, level by level. The one difference
 * is `freshAt`: where the guard is stale, absence proves nothing, and what fires goes on firing.
 */
export function foldWindow(
  probe: Probe,
  state: ProbeState | undefined,
  window: Window,
  answer: readonly Series[],
  freshAt: (t: number) => boolean,
): FoldedSeries[] {
  const before = window.continues ? (state?.series ?? {}) : {};
  const found = mergeByKey(answer);
  const keys = new Set([...Object.keys(before), ...found.keys()]);
  const isEmptyAt = probe.noData === "fail" ? emptyPoints(answer) : () => false;
  if (probe.noData === "fail") keys.add(emptyKey);
  return [...keys].map((key): FoldedSeries => {
    const series = found.get(key);
    const known = before[key];
    const points = series?.samples ?? [];
    const last = points.at(-1);
    return {
      key,
      labels: series ? withoutName(series.labels) : (known?.labels ?? {}),
      levels: foldLevels(
        probe.levels,
        known,
        window,
        points,
        freshAt,
        key === emptyKey ? isEmptyAt : () => false,
      ),
      value: last && last.t === window.end ? last.v : null,
      points,
    };
  });
}

/** The series that stands for an answer without any, where config calls that a failure. */
export const emptyKey = seriesKey({});

function emptyPoints(answer: readonly Series[]): (t: number) => boolean {
  const seen = new Set(answer.flatMap(({ samples }) => samples.map(({ t }) => t)));
  return (t) => !seen.has(t);
}

/** Series that differ in their name alone are one; Prometheus refuses a rule whose results are alike. */
function mergeByKey(answer: readonly Series[]): Map<string, Series> {
  const merged = new Map<string, Series>();
  for (const series of answer) {
    const key = seriesKey(series.labels);
    const twin = merged.get(key);
    if (!twin) merged.set(key, series);
    else {
      const samples = [...twin.samples, ...series.samples].sort((a, b) => a.t - b.t);
      merged.set(key, { labels: series.labels, samples });
    }
  }
  return merged;
}

function foldLevels(
  levels: readonly Level[],
  known: SeriesState | undefined,
  window: Window,
  points: Series["samples"],
  freshAt: (t: number) => boolean,
  isEmptyAt: (t: number) => boolean,
): SeriesState["levels"] {
  const folded: Partial<Record<LevelName, LevelState>> = {};
  for (const level of levels) {
    const stored = known?.levels[level.level] ?? null;
    // Across a gap nobody knows whether a pending breach went on; what fires is not let go unseen.
    let state = window.gap && stored?.state === "pending" ? null : stored;
    let index = 0;
    for (let t = window.start; t <= window.end; t += window.step) {
      while ((points[index]?.t ?? Number.POSITIVE_INFINITY) < t) index++;
      const point = points[index]?.t === t ? points[index] : undefined;
      const breach = point
        ? level.when === "any" || breaches(level.when, point.v)
        : level.level === "fail" && isEmptyAt(t) && freshAt(t);
      state = nextLevelState(state, breach, level, t, freshAt);
      // A look back that begins inside a breach cannot say when it began.
      if (state && !window.continues && state.activeAt === window.start) state = { ...state, atLeast: true };
    }
    if (state) folded[level.level] = state;
  }
  return folded;
}

/** One evaluation of one alert, as Prometheus's AlertingRule.Eval does it; null is inactive. */
export function nextLevelState(
  state: LevelState | null,
  breach: boolean,
  level: Pick<Level, "for" | "keepFiringFor">,
  t: number,
  freshAt: (t: number) => boolean,
): LevelState | null {
  if (breach) {
    const active = state ?? {
      state: "pending",
      activeAt: t,
      atLeast: false,
      keepFiringSince: null,
      confirmed: false,
    };
    const fires = active.state === "firing" || t - active.activeAt >= level.for;
    const confirmed = active.confirmed || (fires && freshAt(t));
    return { ...active, state: fires ? "firing" : "pending", keepFiringSince: null, confirmed };
  }
  if (state?.state !== "firing") return null;
  if (!freshAt(t)) return state;
  if (level.keepFiringFor === 0) return null;
  const since = state.keepFiringSince ?? t;
  return t - since < level.keepFiringFor ? { ...state, keepFiringSince: since } : null;
}
