import { setTimeout as sleep } from "node:timers/promises";

import { checkTarget } from "../../functions/run-probes/check-target.ts";
import { settleNames } from "../../functions/run-probes/names.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildPrometheusClient } from "../../shared/adapters/prometheus.ts";
import { remoteWriteUrl } from "../../shared/adapters/prometheus-request.ts";
import { buildRemoteWrite, type WrittenSeries } from "../../shared/adapters/remote-write.ts";
import type { Target } from "../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import type { Labels } from "../../shared/domain/series.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";
import { packProbe } from "./pack.ts";
import { startPrometheus } from "./real-prometheus.ts";

export const scrape = 15_000;
const now = () => Date.now();

/** The moment at which a test looks: every written series ends here. */
export const at = Math.floor(Date.now() / scrape) * scrape;

interface Span {
  /** Minutes before the test's moment. */
  readonly from?: number;
  readonly to?: number;
}

/** A series as scrapes of 15 s would have stored it; `value` is given the seconds since its first sample. */
export function written(
  name: string,
  labels: Labels,
  value: number | ((seconds: number) => number),
  { from = 20, to = 0 }: Span = {},
): WrittenSeries {
  const start = at - from * 60_000;
  const samples = [];
  for (let t = start; t <= at - to * 60_000; t += scrape)
    samples.push({ t, v: typeof value === "number" ? value : value((t - start) / 1000) });
  return { labels: { __name__: name, ...labels }, samples };
}

/** A counter that grows by so much a second. */
export function counting(name: string, labels: Labels, perSecond: number, span?: Span): WrittenSeries {
  return written(name, labels, (seconds) => perSecond * seconds, span);
}

/** A histogram into whose buckets so many events a second fall; the last number is those beyond all bounds. */
export function histogram(
  name: string,
  labels: Labels,
  bounds: readonly number[],
  perSecond: readonly number[],
): WrittenSeries[] {
  let sum = 0;
  return [...bounds.map(String), "+Inf"].map((le, index) => {
    sum += perSecond[index] ?? 0;
    return counting(`${name}_bucket`, { ...labels, le }, sum);
  });
}

export interface PackTarget {
  readonly url: string;
  readonly client: PrometheusClient;
  /** The verdicts of one probe of the pack at the test's moment. */
  readonly check: (id: string) => Promise<readonly Verdict[]>;
}

/** Runs a test against a Prometheus of its own that holds these series. */
export async function withTarget(
  series: readonly WrittenSeries[],
  run: (target: PackTarget) => Promise<void>,
): Promise<void> {
  const prometheus = await startPrometheus();
  try {
    const send = buildSend({ auth: { kind: "none" }, now });
    await buildRemoteWrite({ url: remoteWriteUrl(prometheus.url, false), send, now })(series);
    const { url } = prometheus;
    const client = buildPrometheusClient({ url, send, amp: false, now, sleep, random: Math.random });
    const target: Target = { name: "test", url, auth: { kind: "none" }, amp: false, delay: 0 };
    await run({
      url,
      client,
      check: async (id) => {
        const { resolved } = await settleNames([packProbe(id)], { queryInstant: client.queryInstant, at });
        return (await checkTarget(target, resolved, { client, now: at, states: {} })).verdicts;
      },
    });
  } finally {
    await prometheus.stop();
  }
}

/** Status, cause and value of verdicts, in the order of their labels. */
export function brief(verdicts: readonly Verdict[]): (readonly [string, string, number | null])[] {
  return [...verdicts]
    .sort((a, b) => (JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1))
    .map(
      ({ status, cause, value }) =>
        [status, cause, value === null ? null : Number(value.toFixed(3))] as const,
    );
}
