import { nextLevelState } from "../detection.ts";
import { formatDuration } from "../duration.ts";
import type { LevelName, Probe } from "../probe.ts";
import { seriesKey } from "../series.ts";
import type { LevelState, ProbeState } from "../state.ts";
import type { Cause, Status, Verdict } from "../verdict.ts";
import { byGravity, describeFindings } from "./finding.ts";
import type { TransactionPlan, TransactionResult } from "./transaction.ts";

/** A run in the terms of a round: one verdict, and the probe's state after it. */
export interface Judgement {
  readonly verdicts: readonly Verdict[];
  readonly state: ProbeState;
}

const levelNames: readonly LevelName[] = ["fail", "warn"];

/**
 * Turns what a run found into a verdict, by the same state machine as any probe: a level fires once its `for` has
 * run. A run that could not tell lets go of nothing that fires.
 */
export function judgeRun(
  { probe, target }: Pick<TransactionPlan, "probe" | "target">,
  result: TransactionResult,
  before: ProbeState | undefined,
  at: number,
): Judgement {
  const gravest = byGravity(result.findings)[0]?.verdict ?? null;
  const key = seriesKey(result.labels);
  const known = before?.series[key]?.levels ?? {};
  const blind = gravest === "unknown";
  const levels: Partial<Record<LevelName, LevelState>> = {};
  for (const { level, ...times } of probe.levels) {
    const breach = gravest === "fail" || gravest === level;
    const next = nextLevelState(known[level] ?? null, breach, times, at, () => !blind);
    if (next) levels[level] = next;
  }
  const verdict = verdictOf(probe, target, result, levels, gravest, at);
  return {
    verdicts: [verdict],
    state: {
      query: probe.variants[0]?.query ?? "",
      evaluatedTo: at,
      series:
        Object.keys(levels).length === 0
          ? {}
          : { [key]: { labels: result.labels, levels, value: result.value } },
      blindRounds: blind ? (before?.blindRounds ?? 0) + 1 : 0,
      blindSince: blind ? (before?.blindSince ?? at) : null,
      everFresh: (before?.everFresh ?? false) || !blind,
    },
  };
}

function verdictOf(
  probe: Probe,
  target: string,
  result: TransactionResult,
  levels: Partial<Record<LevelName, LevelState>>,
  gravest: "fail" | "warn" | "unknown" | null,
  at: number,
): Verdict {
  const firing = levelNames.find((name) => levels[name]?.state === "firing");
  const pending = levelNames.find((name) => levels[name]?.state === "pending");
  const active = levels[firing ?? pending ?? "fail"];
  const found = describeFindings(result.findings);
  const waits = probe.levels.find(({ level }) => level === pending)?.for ?? 0;
  const shared = {
    probe: probe.id,
    target,
    value: result.value,
    unit: probe.unit,
    threshold: null,
    since: active?.activeAt ?? null,
    sinceAtLeast: active?.atLeast ?? false,
    labels: result.labels,
    query: result.request,
    points: result.value === null ? [] : [{ t: at, v: result.value }],
    pending: pending ?? null,
    blind: false,
  };
  if (gravest === "unknown" && firing)
    return {
      ...shared,
      status: firing,
      cause: "query-failed",
      reason: `${found}; it was failing before`,
      blind: true,
    };
  const [status, cause, reason] = tell(gravest, firing, found, waits);
  return { ...shared, status, cause, reason: reason || result.says };
}

function tell(
  gravest: "fail" | "warn" | "unknown" | null,
  firing: LevelName | undefined,
  found: string,
  waits: number,
): readonly [Status, Cause, string] {
  if (gravest === "unknown") return ["unknown", "query-failed", found];
  if (gravest === null)
    return firing ? [firing, "kept-firing", "well again, kept firing for a while"] : ["ok", "within", ""];
  if (firing) return [firing, "breach", found];
  return ["ok", "pending", `${found}; ${gravest}s at ${formatDuration(waits)}`];
}
