import pLimit from "p-limit";

import { guardSelectors } from "../../shared/domain/aliases.ts";
import {
  bucketBoundsQuery,
  bucketMetrics,
  type CeilingFault,
  ceilingFaults,
  readBucketBounds,
} from "../../shared/domain/ceilings.ts";
import type { Guard, Probe } from "../../shared/domain/probe.ts";
import { type PrometheusClient, PrometheusError } from "../../shared/domain/prometheus.ts";
import { planLookup, readLookup, resolveProbe } from "../../shared/domain/resolve-names.ts";

/** What became of one probe that was tried once on a target. */
export type Outcome =
  | { readonly kind: "answers"; readonly series: number }
  /** Everything it returned is 0/0. */
  | { readonly kind: "idle" }
  /** It returned nothing, which for this probe means that nothing is wrong. */
  | { readonly kind: "quiet" }
  /** The metrics are there, but the query returned nothing. */
  | { readonly kind: "empty" }
  | { readonly kind: "missing"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface Trial {
  readonly probe: Probe;
  readonly outcome: Outcome;
  /** Thresholds that this target's histograms can never pass. */
  readonly ceilings: readonly CeilingFault[];
  readonly guard: Guard;
}

/** Enough to be quick, few enough to be a polite guest on somebody's Prometheus. */
const concurrency = 8;

/** Asks a target every probe once, at one moment. Rejects with PrometheusError where it cannot be asked at all. */
export async function tryProbes(
  probes: readonly Probe[],
  { queryInstant }: Pick<PrometheusClient, "queryInstant">,
  at: number,
): Promise<Trial[]> {
  await queryInstant({ query: "vector(1)", at });
  const limit = pLimit(concurrency);
  const ask = (query: string) => limit(async () => (await queryInstant({ query, at })).data);
  const plan = planLookup(probes);
  const found = readLookup(plan, await Promise.all(plan.queries.map(ask)));
  const settled = probes.map((probe) => ({ probe, resolved: resolveProbe(probe, found) }));
  const buckets = new Set(
    settled.flatMap(({ resolved }) => ("query" in resolved ? bucketMetrics(resolved.query) : [])),
  );
  const bounds = readBucketBounds(buckets.size > 0 ? await ask(bucketBoundsQuery([...buckets])) : []);
  return await Promise.all(
    settled.map(async ({ probe, resolved }): Promise<Trial> => {
      if ("missing" in resolved)
        return {
          probe,
          outcome: { kind: "missing", reason: resolved.hint },
          ceilings: [],
          guard: { kind: "none" },
        };
      const { query, guard } = resolved;
      const ceilings = ceilingFaults({ query, levels: probe.levels }, bounds);
      return { probe, outcome: await tryQuery(probe, query, ask), ceilings, guard };
    }),
  );
}

async function tryQuery(
  probe: Probe,
  query: string,
  ask: (query: string) => Promise<readonly { readonly sample: { readonly v: number } }[]>,
): Promise<Outcome> {
  try {
    const series = await ask(query);
    if (series.length === 0)
      return { kind: probe.kind === "rule" || probe.noData === "ok" ? "quiet" : "empty" };
    return series.every(({ sample }) => Number.isNaN(sample.v))
      ? { kind: "idle" }
      : { kind: "answers", series: series.length };
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    return { kind: "failed", reason: error.message };
  }
}

/** The scrape jobs behind the components that answer: by the guards of their probes. */
export async function findJobs(
  trials: readonly Trial[],
  { queryInstant }: Pick<PrometheusClient, "queryInstant">,
  at: number,
): Promise<string[]> {
  const selectors = new Map<string, string>();
  for (const { probe, outcome, guard } of trials) {
    const [selector] = guardSelectors(guard);
    const named = selector !== undefined && !/^up\b/.test(selector);
    if (named && probe.source.kind === "pack" && outcome.kind === "answers")
      selectors.set(probe.source.component, selector);
  }
  const limit = pLimit(concurrency);
  const answers = await Promise.all(
    [...selectors.values()].map((selector) =>
      limit(() => queryInstant({ query: `group by (job) (${selector})`, at })),
    ),
  );
  const jobs = answers.flatMap(({ data }) => data.flatMap(({ labels }) => labels.job ?? []));
  return [...new Set(jobs)].sort();
}
