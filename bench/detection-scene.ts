import { createServer } from "node:http";

import { listen } from "../cli/stage/loopback.ts";
import type { ScrapeTarget } from "../cli/stage/prometheus-config.ts";

const second = 1_000;
/** In seconds, as Prometheus's own defaults and most clusters have them. */
export const scrapeEvery = 15;
export const evaluateEvery = 30;
export const waitFor = 30;
/** AMP evaluates rules so far behind the clock; Prometheus 2.42 has no such setting, and shifts the data instead. */
export const rulerOffset = 60;

/** One breach: a series of its own that is bad from `from` to `to`, Unix milliseconds. */
export interface Injection {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** A series that may be injected into, and when in the scrape interval Prometheus scrapes it, milliseconds. */
export interface Candidate {
  readonly name: string;
  readonly phase: number;
}

/**
 * So many breaches within a minute of `begin`, each at a random time of a stratum of its own, on series whose
 * scrapes are spread as evenly over their interval: so no system is lucky with a phase, and one run's medians are
 * nearly another's.
 */
export function planInjections(
  candidates: readonly Candidate[],
  { count, begin, holdMs, random }: { count: number; begin: number; holdMs: number; random: () => number },
): Injection[] {
  const ordered = [...candidates].sort((a, b) => a.phase - b.phase);
  const chosen: string[] = [];
  for (let nth = 0; nth < count; nth++) {
    const wanted = ((nth + 0.5) / count) * scrapeEvery * second;
    const nearest = ordered.reduce((best, one) =>
      Math.abs(one.phase - wanted) < Math.abs(best.phase - wanted) ? one : best,
    );
    chosen.push(nearest.name);
    ordered.splice(ordered.indexOf(nearest), 1);
  }
  const shuffled = chosen.map((name) => ({ name, at: random() })).sort((a, b) => a.at - b.at);
  return shuffled.map(({ name }, index) => {
    const from = Math.round(begin + (index + random()) * ((60 * second) / count));
    return { name, from, to: from + holdMs };
  });
}

/** An exporter that shows each series at a path of its own, which is a target of its own, scraped at its own phase. */
export async function startInjector(count: number, now: () => number) {
  const phases = new Map<string, number>();
  let injections: readonly Injection[] = [];
  // Of one length, so that no name is found in another.
  const names = Array.from({ length: count }, (_, index) => `injection-${String(index).padStart(3, "0")}`);
  const server = createServer((request, response) => {
    const name = request.url?.slice(1) ?? "";
    phases.set(name, now() % (scrapeEvery * second));
    const bad = injections.some((one) => one.name === name && now() >= one.from && now() < one.to);
    response.end(`# TYPE bench_breach gauge\nbench_breach ${bad ? 1 : 0}\n`);
  });
  const port = await listen(server);
  const scrape = names.map(
    (name): ScrapeTarget => ({
      job: "bench",
      address: `127.0.0.1:${port}`,
      metricsPath: `/${name}`,
      intervalSeconds: scrapeEvery,
      labels: { injection: name },
    }),
  );
  return {
    scrape,
    /** All candidates, once each has been scraped. */
    candidates: (): Candidate[] | null =>
      phases.size < count ? null : [...phases].map(([name, phase]) => ({ name, phase })),
    inject: (planned: readonly Injection[]) => {
      injections = planned;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The same alert twice: at the clock, and as AMP's ruler evaluates it. */
export function injectionRules(): string {
  const rule = (alert: string, offset: string) => ({
    alert,
    expr: `bench_breach${offset} > 0.5`,
    for: `${waitFor}s`,
  });
  const rules = [rule("Breach", ""), rule("BreachOffset", ` offset ${rulerOffset}s`)];
  return JSON.stringify({ groups: [{ name: "bench", interval: `${evaluateEvery}s`, rules }] });
}

/** An alertmanager.yml in which each alert is alone in its group. Without timings, Alertmanager's own. */
export function alertmanagerConfig(receiver: string, timings: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    route: { receiver: "bench", group_by: ["alertname", "injection"], ...timings },
    receivers: [{ name: "bench", webhook_configs: [{ url: receiver, send_resolved: true }] }],
  });
}
