import { formatComparison } from "./comparison.ts";
import { emptyKey, type FoldedSeries, type Window } from "./detection.ts";
import { formatDuration } from "./duration.ts";
import type { Freshness } from "./freshness.ts";
import type { Level, LevelName, Probe } from "./probe.ts";
import type { LevelState, SeriesState } from "./state.ts";
import { formatThreshold } from "./units.ts";
import type { Verdict } from "./verdict.ts";

/** What a round's window says of one series, beside the names of probe and target. */
export type Judged = Omit<Verdict, "probe" | "target" | "unit" | "query">;

/** The verdict on a series that was answered. */
export function judgeSeries(
  probe: Probe,
  series: FoldedSeries,
  window: Window,
  freshness: Freshness,
): Judged {
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

/** The verdict where nothing was answered at all. */
export function judgeEmpty(probe: Probe, freshness: Freshness): Judged {
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

/** The gravest level in the given state. */
export function firstLevel(
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

/** The threshold of a level as verdicts say it. */
export function thresholdText(level: Level | undefined): string | null {
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
export function describeFreshness(freshness: Freshness): string | null {
  switch (freshness.kind) {
    case "fresh":
      return null;
    case "stale":
      return `stale: the newest sample of ${freshness.selector} is ${formatDuration(Math.round(freshness.age / 1000) * 1000)} old`;
    case "absent":
      return `no data: no sample of ${freshness.selector} in sight; is its exporter up and scraped?`;
  }
}
