import { type FoldedSeries, foldWindow, type Window } from "./detection.ts";
import { foldSlo, isSlo } from "./fold-slo.ts";
import { judgeFreshness, type NewestSamples } from "./freshness.ts";
import {
  describeFreshness,
  firstLevel,
  type Judged,
  judgeEmpty,
  judgeSeries,
  thresholdText,
} from "./judge.ts";
import { judgeSlo } from "./judge-slo.ts";
import type { Guard, Probe } from "./probe.ts";
import type { Series } from "./series.ts";
import type { BudgetState, ProbeState, SeriesState } from "./state.ts";
import type { Verdict } from "./verdict.ts";

/** What came back for a probe in one round. */
export type ProbeAnswer =
  | {
      readonly kind: "answered";
      readonly query: string;
      readonly guard: Guard;
      readonly window: Window;
      readonly series: readonly Series[];
      readonly newest: NewestSamples;
      /** Of SLOs, in rounds that asked for it. */
      readonly budget?: BudgetState;
    }
  /** Nothing to go by: the query failed, or the target has none of the metrics. */
  | {
      readonly kind: "unanswered";
      readonly cause: "query-failed" | "missing";
      readonly query: string;
      readonly reason: string;
    };

export interface Evaluation {
  readonly verdicts: readonly Verdict[];
  readonly state: ProbeState;
}

/** Turns one round's answer into a verdict for each series and the state that the next round continues. */
export function evaluateProbe(
  probe: Probe,
  target: string,
  answer: ProbeAnswer,
  before: ProbeState | undefined,
  now: number,
): Evaluation {
  if (answer.kind === "unanswered") return evaluateSilence(probe, target, answer, before, now);
  if (!before || before.query === answer.query)
    return evaluateAnswer(probe, target, answer, before, before?.everFresh ?? false);
  // Another query starts from nothing; but what fires is not let go while the new one cannot tell either.
  const stale = describeFreshness(
    judgeFreshness(answer.guard, answer.newest, answer.window.end, probe.staleAfter),
  );
  const fires = Object.values(before.series).some(({ levels }) =>
    Object.values(levels).some(({ state, confirmed }) => state === "firing" && confirmed),
  );
  return stale && fires
    ? evaluateSilence(
        probe,
        target,
        { kind: "unanswered", cause: "query-failed", query: answer.query, reason: stale },
        before,
        now,
      )
    : evaluateAnswer(probe, target, answer, undefined, before.everFresh);
}

function evaluateAnswer(
  probe: Probe,
  target: string,
  answer: ProbeAnswer & { kind: "answered" },
  before: ProbeState | undefined,
  everFresh: boolean,
): Evaluation {
  const { window, guard, newest, query } = answer;
  const judge = (t: number) => judgeFreshness(guard, newest, t, probe.staleAfter);
  const freshness = judge(window.end);
  const budget = answer.budget ?? before?.budget;
  const isFreshAt = (t: number) => judge(t).kind === "fresh";
  const folded: readonly (FoldedSeries & { readonly judged: Judged | null })[] = isSlo(probe)
    ? foldSlo(probe, before, window, query, answer.series, isFreshAt).map((series) => ({
        ...series,
        judged: isThere(series) || series.fault ? judgeSlo(probe, series, window, freshness, budget) : null,
      }))
    : foldWindow(probe, before, window, answer.series, isFreshAt).map((series) => ({
        ...series,
        judged: isThere(series) ? judgeSeries(probe, series, window, freshness) : null,
      }));
  const base = { probe: probe.id, target, unit: probe.unit, query };
  const verdicts = folded.flatMap(({ judged }): Verdict[] => (judged ? [{ ...base, ...judged }] : []));
  if (verdicts.length === 0) verdicts.push({ ...base, ...judgeEmpty(probe, freshness) });
  const blind =
    verdicts.every(({ cause }) => cause === "stale" || cause === "no-data") && freshnessMatters(verdicts);
  return {
    verdicts,
    state: {
      query,
      evaluatedTo: window.end,
      series: Object.fromEntries(
        folded
          .filter(({ levels }) => Object.keys(levels).length > 0)
          .map((series) => [series.key, toState(series)]),
      ),
      ...(blind ? countBlind(before, window.end) : { blindRounds: 0, blindSince: null }),
      everFresh: everFresh || (freshness.kind === "fresh" && folded.some(({ value }) => value !== null)),
      ...(budget ? { budget } : {}),
    },
  };
}

function isThere({ value, levels }: FoldedSeries): boolean {
  return value !== null || Object.keys(levels).length > 0;
}

/** Silence that config calls fine (`noData: ok`) or a failure is an answer, not blindness. */
function freshnessMatters(verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ status, blind }) => status === "unknown" || blind);
}

function toState({ labels, levels, value }: FoldedSeries): SeriesState {
  return { labels, levels, value: value !== null && Number.isFinite(value) ? value : null };
}

function evaluateSilence(
  probe: Probe,
  target: string,
  answer: ProbeAnswer & { kind: "unanswered" },
  before: ProbeState | undefined,
  now: number,
): Evaluation {
  const base = { probe: probe.id, target, unit: probe.unit, query: answer.query };
  const held = Object.values(before?.series ?? {}).flatMap((series): Verdict[] => {
    const firing = firstLevel(probe, series.levels, "firing");
    if (!firing?.state.confirmed) return [];
    return [
      {
        ...base,
        status: firing.level.level,
        cause: answer.cause,
        value: series.value,
        threshold: thresholdText(firing.level),
        since: firing.state.activeAt,
        sinceAtLeast: firing.state.atLeast,
        labels: series.labels,
        reason: `${answer.reason}; it was failing before`,
        points: [],
        pending: null,
        blind: true,
      },
    ];
  });
  const unknown: Verdict = {
    ...base,
    status: "unknown",
    cause: answer.cause,
    value: null,
    threshold: thresholdText(probe.levels.at(-1)),
    since: null,
    sinceAtLeast: false,
    labels: {},
    reason: answer.reason,
    points: [],
    pending: null,
    blind: false,
  };
  const kept = before ?? {
    query: answer.query,
    evaluatedTo: 0,
    series: {},
    everFresh: false,
    blindRounds: 0,
    blindSince: null,
  };
  return {
    verdicts: [...held, unknown],
    state: { ...kept, ...countBlind(kept, now) },
  };
}

const minute = 60_000;

/** One more round that could not tell. Of rounds within a minute one counts, however many probes are fast. */
function countBlind(
  before: Pick<ProbeState, "blindRounds" | "blindSince"> | undefined,
  at: number,
): Pick<ProbeState, "blindRounds"> & { blindSince: number } {
  const blindSince = before?.blindSince ?? at;
  const minutes = Math.floor((at - blindSince) / minute);
  return { blindRounds: Math.min((before?.blindRounds ?? 0) + 1, minutes + 1), blindSince };
}
