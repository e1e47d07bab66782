import type { PrometheusClient, RangeQuery } from "../../shared/domain/prometheus.ts";
import type { Labels, Series } from "../../shared/domain/series.ts";

/** What a metric's series are worth at a time, in Unix milliseconds; null: no sample there. */
export type World = (metric: string, t: number) => readonly { readonly labels: Labels; readonly v: number }[];

/**
 * A client that answers range queries of bare metric names, and of freshness over them, from a function of
 * time. It knows no PromQL: the real engine is asked in the integration tests.
 */
export function buildFakeClient(world: World, sent: RangeQuery[] = []): PrometheusClient {
  const unused = async () => {
    throw new Error("not asked in this test");
  };
  return {
    queryRange: async (query) => {
      sent.push(query);
      const guards = [...query.query.matchAll(/timestamp\(([^)]+)\)\), "sonde_guard", "(\d+)"/g)];
      const data =
        guards.length > 0
          ? guards.flatMap(([, metric = "", index = ""]) => freshness(world, metric, index, query))
          : valuesOf(world, query.query, query);
      return { data, notices: [], samplesProcessed: 1 };
    },
    queryInstant: async () => ({ data: [], notices: [] }),
    listSeries: unused,
    listLabelValues: unused,
    listMetadata: unused,
    listRules: unused,
  };
}

function times({ start, end, step }: RangeQuery): number[] {
  return Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
}

function valuesOf(world: World, metric: string, query: RangeQuery): Series[] {
  const bySeries = new Map<string, Series & { samples: { t: number; v: number }[] }>();
  for (const t of times(query)) {
    for (const { labels, v } of world(metric, t)) {
      const key = JSON.stringify(labels);
      const series = bySeries.get(key) ?? { labels, samples: [] };
      series.samples.push({ t, v });
      bySeries.set(key, series);
    }
  }
  return [...bySeries.values()];
}

function freshness(world: World, metric: string, index: string, query: RangeQuery): Series[] {
  const samples = times(query).flatMap((t) => (world(metric, t).length > 0 ? [{ t, v: t / 1000 }] : []));
  return samples.length > 0 ? [{ labels: { sonde_guard: index }, samples }] : [];
}
