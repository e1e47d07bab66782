import type { Verdict } from "./verdict.ts";

/** How a round went: verdicts by status, queries sent, and how long it took in milliseconds. */
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
