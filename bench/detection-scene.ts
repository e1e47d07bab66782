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

/** So many breaches within a minute of `begin`, each at a random time of a stratum of its own. */
export function planInjections(
  count: number,
  begin: number,
  holdMs: number,
  random: () => number,
): Injection[] {
  const stratum = (60 * second) / count;
  return Array.from({ length: count }, (_, index) => {
    const from = Math.round(begin + (index + random()) * stratum);
    // Of one length, so that none is found in another.
    return { name: `injection-${String(index).padStart(2, "0")}`, from, to: from + holdMs };
  });
}

/**
 * An exporter that shows each series at a path of its own: as a target of its own each is scraped at a phase of
 * its own, so that no system is lucky with one.
 */
export async function startInjector(injections: readonly Injection[], now: () => number) {
  const server = createServer((request, response) => {
    const injection = injections.find(({ name }) => request.url === `/${name}`);
    const bad = injection && now() >= injection.from && now() < injection.to;
    if (injection) response.end(`# TYPE bench_breach gauge\nbench_breach ${bad ? 1 : 0}\n`);
    else response.writeHead(404).end();
  });
  const port = await listen(server);
  const scrape = injections.map(
    ({ name }): ScrapeTarget => ({
      job: "bench",
      address: `127.0.0.1:${port}`,
      metricsPath: `/${name}`,
      intervalSeconds: scrapeEvery,
      labels: { injection: name },
    }),
  );
  const stop = async () => {
    server.close();
    server.closeAllConnections();
  };
  return { scrape, stop };
}

/** Each injection's rules in a group of its own, which Prometheus evaluates at a phase of its own. */
export function injectionRules(injections: readonly Injection[]): string {
  const rule = (alert: string, name: string, offset: string) => ({
    alert,
    expr: `bench_breach{injection="${name}"}${offset} > 0.5`,
    for: `${waitFor}s`,
  });
  return JSON.stringify({
    groups: injections.map(({ name }) => ({
      name,
      interval: `${evaluateEvery}s`,
      rules: [rule("Breach", name, ""), rule("BreachOffset", name, ` offset ${rulerOffset}s`)],
    })),
  });
}

/** An alertmanager.yml in which each alert is alone in its group. Without timings, Alertmanager's own. */
export function alertmanagerConfig(receiver: string, timings: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    route: { receiver: "bench", group_by: ["alertname", "injection"], ...timings },
    receivers: [{ name: "bench", webhook_configs: [{ url: receiver, send_resolved: true }] }],
  });
}
