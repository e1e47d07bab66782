import type { Verdict } from "../../shared/domain/verdict.ts";

/** A verdict as `--json` prints it. Numbers that JSON cannot hold are text, as Prometheus writes them. */
export function verdictJson(verdict: Verdict): string {
  const { probe, target, status, value, unit, threshold, since, labels, reason, query, budget } = verdict;
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
    ...(budget
      ? {
          budget: {
            left: budget.left,
            exhaustedIn: budget.exhaustedIn,
            at: new Date(budget.at).toISOString(),
          },
        }
      : {}),
  });
}

function numberJson(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
