import type { TargetCheck } from "../../functions/run-probes/check-target.ts";
import type { Target } from "../../shared/domain/probe.ts";
import { PrometheusError } from "../../shared/domain/prometheus.ts";
import { seriesKey } from "../../shared/domain/series.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";
import type { CliDeps } from "../deps.ts";

const span = 60 * 60_000;
const pointCount = 60;

/**
 * The last hour of what is wrong, for its sparkline: one more query for each probe that found something. A
 * query that fails here costs the picture, not the verdict.
 */
export async function addHistory(
  checks: readonly TargetCheck[],
  targets: readonly Target[],
  now: number,
  deps: CliDeps,
): Promise<readonly Verdict[]> {
  const parts = await Promise.all(
    checks.map(async (check) => {
      const target = targets.find(({ name }) => name === check.target);
      // An hour of an SLO is an hour of looks back over days.
      const slos = new Set(check.results.flatMap(({ probe }) => (probe.slo ? [probe.id] : [])));
      const wrong = check.verdicts.filter(
        ({ probe, status, value }) =>
          (status === "warn" || status === "fail") && value !== null && !slos.has(probe),
      );
      if (!target || wrong.length === 0) return check.verdicts;
      const { queryRange } = await deps.clientFor(target);
      const end = now - target.delay;
      const histories = new Map<string, Verdict["points"]>();
      for (const query of new Set(wrong.map((verdict) => verdict.query))) {
        try {
          const { data } = await queryRange({ query, start: end - span, end, step: span / pointCount });
          for (const { labels, samples } of data) histories.set(`${query} ${seriesKey(labels)}`, samples);
        } catch (error) {
          if (!(error instanceof PrometheusError)) throw error;
        }
      }
      return check.verdicts.map((verdict) => {
        const points = histories.get(`${verdict.query} ${seriesKey(verdict.labels)}`);
        return points ? { ...verdict, points } : verdict;
      });
    }),
  );
  return parts.flat();
}
