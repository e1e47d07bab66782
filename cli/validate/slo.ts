import { bucketBoundsQuery, readBucketBounds } from "../../shared/domain/ceilings.ts";
import { isRecorded, type SloProbe } from "../../shared/domain/fold-slo.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import { type FoundNames, resolveTexts } from "../../shared/domain/resolve-names.ts";
import { inWindow } from "../../shared/domain/slo-query.ts";
import { formatNumber } from "../../shared/domain/units.ts";

const hour = 3_600_000;

/** What only a target can tell of an SLO: whether its threshold is a bucket's bound, and its labels meet. */
export async function findSloFaults(
  { slo, aliases }: SloProbe,
  found: FoundNames,
  { queryInstant }: Pick<PrometheusClient, "queryInstant">,
  at: number,
): Promise<string[]> {
  const { sli } = slo;
  if (sli.bucket) {
    const [metric = ""] = resolveTexts([sli.bucket.metric], aliases, found);
    const { data } = await queryInstant({ query: bucketBoundsQuery([metric]), at });
    const fault = boundFault(metric, sli.bucket.bound, readBucketBounds(data).get(metric) ?? []);
    return fault ? [fault] : [];
  }
  const [total = "", errors = ""] = resolveTexts([sli.total, sli.counted.expr], aliases, found);
  const query = `count((\n${inWindow(errors, hour)}\n) unless (\n${inWindow(total, hour)}\n))`;
  const { data } = await queryInstant({ query, at });
  const lone = data[0]?.sample.v ?? 0;
  if (lone === 0) return [];
  return [
    `slo.errors returns ${lone} series whose labels no series of slo.total has: they would never be counted; aggregate both by the same labels`,
  ];
}

/** Null where a bucket ends at the bound, or where the target has no buckets to compare with. */
function boundFault(metric: string, bound: number, bounds: readonly number[]): string | null {
  if (bounds.length === 0 || bounds.includes(bound)) return null;
  const below = bounds.filter((one) => one < bound).at(-1);
  const above = bounds.find((one) => one > bound);
  const say = (where: string) => `slo.latency.under: ${bound} lies ${where}`;
  if (above === undefined) return say(`beyond the last bucket of ${metric}, which ends at ${below}`);
  if (below === undefined) return say(`below the first bucket of ${metric}, which ends at ${above}`);
  return say(`between the buckets of ${metric} that end at ${below} and ${above}: choose one of them`);
}

/** What a round costs while no generated rule records the windows; null where one does. */
export function costNote({ slo }: SloProbe, query: string, samples: number | undefined): string | null {
  if (isRecorded(slo, query) || samples === undefined) return null;
  return `a round reads ${formatNumber(samples)} samples, since the target records no windows of it: see \`sonde render --only rules\``;
}
