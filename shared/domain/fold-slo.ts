import { type FoldedSeries, foldWindow, type Window } from "./detection.ts";
import type { Level, LevelName, Probe, Slo } from "./probe.ts";
import { type Series, seriesKey } from "./series.ts";
import {
  type Burn,
  burnRate,
  burnsAt,
  findFault,
  levelSeries,
  readSlo,
  type SloSeries,
  timesOver,
  worstBurn,
} from "./slo.ts";
import { sloWindows } from "./slo-query.ts";
import type { ProbeState, SeriesState } from "./state.ts";

export type SloProbe = Probe & { readonly slo: Slo };

export function isSlo(probe: Probe): probe is SloProbe {
  return probe.slo !== undefined;
}

/** What became of one series of an SLO at the end of a window; `value` is the burn rate of the pair shown. */
export interface FoldedSlo extends FoldedSeries {
  /** The pair that decides: of the gravest level that fires, else the one nearest to its limit. */
  readonly shown: Burn | null;
  /** Of each level the pair that is nearest to its limit, or furthest over it. */
  readonly worst: Readonly<Partial<Record<LevelName, Burn>>>;
  /** Why the series cannot be judged though it is there. */
  readonly fault: string | null;
  /** The burn rate over about the last `span` milliseconds; NaN where that is not known. */
  readonly burnOver: (span: number) => number;
}

/** Folds the levels of an SLO, each over its own values, and brings together what became of each series. */
export function foldSlo(
  probe: SloProbe,
  state: ProbeState | undefined,
  window: Window,
  query: string,
  answer: readonly Series[],
  freshAt: (t: number) => boolean,
): FoldedSlo[] {
  const { slo } = probe;
  const windows = sloWindows(slo);
  const series = readSlo(answer, absentIsNone(slo, query));
  const known = new Map(series.map((one) => [seriesKey(one.labels), one]));
  const faults = new Map(
    [...known].flatMap(([key, one]) => {
      const fault = findFault(slo, one, window.end, windows);
      return fault ? [[key, fault] as const] : [];
    }),
  );
  // What cannot be judged is not let go; the other series are not kept for its sake.
  const fold = (isWanted: (key: string) => boolean, isFresh: typeof freshAt) =>
    probe.levels.flatMap((level) =>
      foldWindow(
        { ...probe, levels: [level] },
        state && { ...state, series: pickKeys(state.series, isWanted) },
        window,
        series
          .filter(({ labels }) => isWanted(seriesKey(labels)))
          .map((one) => levelSeries(slo, one, level.level)),
        isFresh,
      ),
    );
  const folded = [
    ...fold((key) => !faults.has(key), freshAt),
    ...(faults.size === 0
      ? []
      : fold(
          (key) => faults.has(key),
          () => false,
        )),
  ];
  return [...Map.groupBy(folded, ({ key }) => key)].map(([key, parts]) => {
    const levels: SeriesState["levels"] = Object.assign({}, ...parts.map((part) => part.levels));
    const labels = parts[0]?.labels ?? {};
    return {
      key,
      labels,
      levels,
      fault: faults.get(key) ?? null,
      ...showBurns(probe, levels, known.get(key), window),
    };
  });
}

/** Bad events that were never counted are none, unless a rule records them: what it records is always there. */
export function absentIsNone(slo: Slo, query: string): boolean {
  return slo.sli.counted.kind === "bad" && !isRecorded(slo, query);
}

/** Whether an SLO's query reads what its generated rules record. */
export function isRecorded({ record }: Slo, query: string): boolean {
  return query.includes(`${record}:`);
}

function pickKeys<T>(
  record: Readonly<Record<string, T>>,
  isWanted: (key: string) => boolean,
): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => isWanted(key)));
}

function showBurns(
  { levels: wanted, slo }: SloProbe,
  levels: SeriesState["levels"],
  series: SloSeries | undefined,
  { end }: Window,
): Pick<FoldedSlo, "value" | "points" | "shown" | "worst" | "burnOver"> {
  const burns = wanted.map(({ level }) => ({ level, all: series ? burnsAt(slo, series, level, end) : [] }));
  const worst = Object.fromEntries(
    burns.flatMap(({ level, all }) => {
      const burn = worstBurn(decisive(all));
      return burn ? [[level, burn] as const] : [];
    }),
  );
  const shown = chooseShown(wanted, levels, worst);
  const idle = burns.some(({ all }) => all.length > 0);
  const pair = shown?.pair;
  const points = (series?.times ?? []).flatMap((t) => {
    const burn = pair && series && burnsAt(slo, series, pair.level, t).find((one) => one.pair === pair);
    return burn ? [{ t, v: Math.min(burn.long, burn.short) }] : [];
  });
  return {
    value: shown ? Math.min(shown.long, shown.short) : idle ? Number.NaN : null,
    points,
    shown,
    worst,
    burnOver: (span) => {
      const windows = sloWindows(slo);
      const window = windows.find((candidate) => candidate >= span) ?? windows.at(-1) ?? span;
      const counts = series?.countsAt(window, end);
      return counts && counts.bad !== null
        ? burnRate({ total: counts.total, bad: counts.bad }, slo.budget)
        : Number.NaN;
    },
  };
}

/** Where a pair with enough events is over its limit, pairs with too few are beside the point. */
function decisive(burns: readonly Burn[]): readonly Burn[] {
  const enough = burns.filter(({ few }) => !few);
  return enough.some((burn) => timesOver(burn) > 1) ? enough : burns;
}

function chooseShown(
  wanted: readonly Level[],
  levels: SeriesState["levels"],
  worst: FoldedSlo["worst"],
): Burn | null {
  for (const state of ["firing", "pending"] as const)
    for (const level of ["fail", "warn"] as const)
      if (levels[level]?.state === state && worst[level]) return worst[level];
  return worstBurn(wanted.flatMap(({ level }) => worst[level] ?? []));
}
