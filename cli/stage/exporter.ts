import { once } from "node:events";
import { createServer } from "node:http";

import { buildExposition } from "./exposition.ts";
import { listen } from "./loopback.ts";
import { buildPlatform } from "./platform/platform.ts";
import type { ScrapeTarget } from "./prometheus-config.ts";

const scrapeIntervalSeconds = 15;

export interface ExporterOptions {
  readonly seed: number;
  readonly now: () => number;
  /** The end of the history, in Unix ms: the same anchor, so that the exporter goes on where it ends. */
  readonly epoch: number;
}

export interface RunningExporter {
  readonly port: number;
  /** What Prometheus has to scrape, with the labels under which the history stands. */
  readonly scrape: readonly ScrapeTarget[];
  stop(): Promise<void>;
}

/** Serves every target of the platform at its present state, each under a path of its own, on 127.0.0.1. */
export async function startExporter(options: ExporterOptions): Promise<RunningExporter> {
  const { seed, now, epoch } = options;
  const targets = buildPlatform(seed, epoch).map((target, index) => ({
    target,
    path: `/${target.job}/${index}`,
    expose: buildExposition(target),
  }));
  const byPath = new Map(targets.map(({ path, expose }) => [path, expose]));
  const server = createServer((request, response) => {
    const expose = byPath.get(request.url ?? "");
    const text = expose?.(now()) ?? null;
    if (text === null) response.writeHead(expose ? 503 : 404).end();
    else response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text);
  });
  const port = await listen(server);
  return {
    port,
    scrape: targets.map(({ target, path }) => ({
      job: target.job,
      address: `127.0.0.1:${port}`,
      metricsPath: path,
      intervalSeconds: scrapeIntervalSeconds,
      labels: target.labels,
      honorLabels: target.honorLabels,
    })),
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
