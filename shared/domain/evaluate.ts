import { formatComparison } from "./comparison.ts";
import { emptyKey, type FoldedSeries, foldWindow, type Window } from "./detection.ts";
import { formatDuration } from "./duration.ts";
import { type Freshness, judgeFreshness, type NewestSamples } from "./freshness.ts";
import type { Guard, Level, LevelName, Probe } from "./probe.ts";
import type { Series } from "./series.ts";
import type { LevelState, ProbeState, SeriesState } from "./state.ts";
import { formatThreshold } from "./units.ts";
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
  const folded = foldWindow(probe, before, window, answer.series, (t) => judge(t).kind === "fresh");
  const freshness = judge(window.end);
  const base = { probe: probe.id, target, unit: probe.unit, query };
  const verdicts = folded
    .filter((series) => series.value !== null || Object.keys(series.levels).length > 0)
    .map((series): Verdict => ({ ...base, ...judgeSeries(probe, series, window, freshness) }));
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
      blindRounds: blind ? (before?.blindRounds ?? 0) + 1 : 0,
      blindSince: blind ? (before?.blindSince ?? window.end) : null,
      everFresh: everFresh || (freshness.kind === "fresh" && folded.some(({ value }) => value !== null)),
    },
  };
}

/** Silence that config calls fine (`noData: ok`) or a failure is an answer, not blindness. */
function freshnessMatters(verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ status, blind }) => status === "unknown" || blind);
}

function toState({ labels, levels, value }: FoldedSeries): SeriesState {
  return { labels, levels, value: value !== null && Number.isFinite(value) ? value : null };
}

type Judged = Omit<Verdict, "probe" | "target" | "unit" | "query">;

function judgeSeries(probe: Probe, series: FoldedSeries, window: Window, freshness: Freshness): Judged {
  const { levels, value, labels, points } = series;
  const firing = firstLevel(probe, levels, "firing");
  const pending = firstLevel(probe, levels, "pending");
  const active = firing ?? pending;
  const shared = {
    value,
    labels,
    points,
    threshold: thresholdText(active?.level ?? probe.levels.at(-1)),
    since: active?.state.activeAt ?? null,
    sinceAtLeast: active?.state.atLeast ?? false,
    pending: pending?.level.level ?? null,
  };
  const told = shared.threshold && formatThreshold(shared.threshold, probe.unit);
  const stale = describeFreshness(freshness);
  const empty = value === null && probe.noData === "fail" && series.key === emptyKey;
  if (firing && (!stale || firing.state.confirmed)) {
    const kept = firing.state.keepFiringSince !== null || (value === null && !empty);
    return {
      ...shared,
      status: firing.level.level,
      cause: stale ? "stale" : empty ? "no-data" : kept ? "kept-firing" : "breach",
      reason: stale
        ? `${stale}; it was failing before`
        : describeFiring(empty ? "no data" : told, firing.level, firing.state, window.end, kept),
      blind: stale !== null,
    };
  }
  if (stale) return { ...shared, status: "unknown", cause: "stale", reason: stale, blind: false };
  if (value !== null && Number.isNaN(value))
    return {
      ...shared,
      status: "unknown",
      cause: "idle",
      reason: "idle: no traffic to judge by (0/0)",
      blind: false,
    };
  if (pending) {
    const ran = formatDuration(window.end - pending.state.activeAt);
    const reason = `${empty ? "no data" : (told ?? "returned")} for ${ran}, ${pending.level.level}s at ${formatDuration(pending.level.for)}`;
    return { ...shared, status: "ok", cause: "pending", reason, blind: false };
  }
  const reason = told ? `not ${told}` : "no threshold: for information";
  return { ...shared, status: "ok", cause: "within", reason, blind: false };
}

function judgeEmpty(probe: Probe, freshness: Freshness): Judged {
  const stale = describeFreshness(freshness);
  const nothing = {
    value: null,
    labels: {},
    points: [],
    since: null,
    sinceAtLeast: false,
    pending: null,
    blind: false,
  };
  const threshold = thresholdText(probe.levels.at(-1));
  if (stale) {
    // Silence of the guard itself is never what `noData` is about.
    const advice =
      probe.noData === "unknown" ? "" : "; noData needs a guard that is always there, such as up{job=…}";
    return { ...nothing, threshold, status: "unknown", cause: "stale", reason: stale + advice };
  }
  // A rule that returns nothing while what it reads is fresh has found nothing wrong.
  if (probe.kind === "rule")
    return { ...nothing, threshold, status: "ok", cause: "within", reason: "returns nothing" };
  const reason = "the query returns nothing, though what it reads is fresh";
  return {
    ...nothing,
    threshold,
    status: probe.noData === "ok" ? "ok" : "unknown",
    cause: "no-data",
    reason,
  };
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
    state: { ...kept, blindRounds: kept.blindRounds + 1, blindSince: kept.blindSince ?? now },
  };
}

/** The gravest level in the given state. */
function firstLevel(
  probe: Probe,
  states: SeriesState["levels"],
  wanted: LevelState["state"],
): { level: Level; state: LevelState } | null {
  const gravestFirst: readonly LevelName[] = ["fail", "warn"];
  for (const name of gravestFirst) {
    const level = probe.levels.find((candidate) => candidate.level === name);
    const state = states[name];
    if (level && state?.state === wanted) return { level, state };
  }
  return null;
}

function thresholdText(level: Level | undefined): string | null {
  return level && level.when !== "any" ? formatComparison(level.when) : null;
}

function describeFiring(
  breach: string | null,
  level: Level,
  state: LevelState,
  end: number,
  kept: boolean,
): string {
  const what = breach ?? "returned";
  if (kept) return `no longer ${what}, kept firing for ${formatDuration(level.keepFiringFor)}`;
  const lasted = end - state.activeAt;
  return lasted === 0
    ? `${what} now`
    : `${what} for ${state.atLeast ? "at least " : ""}${formatDuration(lasted)}`;
}

/** One line on why a guard is not fresh; null where it is. */
function describeFreshness(freshness: Freshness): string | null {
  switch (freshness.kind) {
    case "fresh":
      return null;
    case "stale":
      return `stale: the newest sample of ${freshness.selector} is ${formatDuration(Math.round(freshness.age / 1000) * 1000)} old`;
    case "absent":
      return `no data: no sample of ${freshness.selector} in sight; is its exporter up and scraped?`;
  }
}
