import type { Verdict } from "../../shared/domain/verdict.ts";

/** A verdict as `--json` prints it. Numbers that JSON cannot hold are text, as Prometheus writes them. */
export function verdictJson(verdict: Verdict): string {
  const { probe, target, status, value, unit, threshold, since, labels, reason, query } = verdict;
  return JSON.stringify({
    probe,
    target,
    status,
    value: value === null ? null : numberJson(value),
    unit,
    threshold,
    since: since === null ? null : new Date(since).toISOString(),
    labels,
    reason,
    query,
  });
}

function numberJson(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

export interface ProbeSummary {
  readonly ok: number;
  readonly warn: number;
  readonly fail: number;
  readonly unknown: number;
  readonly queries: number;
  readonly durationMs: number;
}

export function summarize(verdicts: readonly Verdict[], queries: number, durationMs: number): ProbeSummary {
  const count = (status: Verdict["status"]) => verdicts.filter((verdict) => verdict.status === status).length;
  return {
    ok: count("ok"),
    warn: count("warn"),
    fail: count("fail"),
    unknown: count("unknown"),
    queries,
    durationMs: Math.round(durationMs),
  };
}
