import { open } from "node:fs/promises";

import type { Labels } from "../../shared/domain/series.ts";
import { seriesText } from "./exposition.ts";
import { type ExposedFamily, storedLabels, type Target } from "./platform/target.ts";

const chunkSize = 1 << 20;

/**
 * Writes the samples of all targets at the given times (Unix ms, ascending) as OpenMetrics, series by series,
 * and answers how many there were. Also the series that Prometheus makes itself when it scrapes.
 */
export async function writeOpenMetrics(
  file: string,
  targets: readonly Target[],
  times: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const handle = await open(file, "w");
  try {
    let pending = "";
    let samples = 0;
    const flush = async () => {
      signal?.throwIfAborted();
      await handle.writeFile(pending, "latin1");
      pending = "";
    };
    for (const target of targets) {
      for (const { text, count } of targetLines(target, times)) {
        pending += text;
        samples += count;
        if (pending.length > chunkSize) await flush();
      }
    }
    pending += "# EOF\n";
    await flush();
    return samples;
  } finally {
    await handle.close();
  }
}

/** How many series a target has in Prometheus. */
export function storedSeries(target: Target): number {
  return target.size + scrapeFamilies.length;
}

interface Lines {
  readonly text: string;
  readonly count: number;
}

function* targetLines(target: Target, times: readonly number[]): Generator<Lines> {
  const rows = times.map((t) => target.read(t));
  const stamps = times.map((t) => ` ${t / 1000}\n`);
  const exposed = rows.map((row) => row?.filter((value) => !Number.isNaN(value)).length);
  let index = 0;
  for (const { name, type, series } of target.families) {
    yield { text: typeLine(name, type), count: 0 };
    for (const own of series) {
      const column = index++;
      const value = (row: number) => rows[row]?.[column] ?? Number.NaN;
      yield seriesLines(own.name, storedLabels(target, own.labels), stamps, value);
    }
  }
  for (const { name, value } of scrapeFamilies) {
    yield { text: typeLine(name, "gauge"), count: 0 };
    yield seriesLines(name, storedLabels(target, {}), stamps, (row) =>
      value(target, exposed[row] ?? null, row),
    );
  }
}

function typeLine(name: string, type: ExposedFamily["type"]): string {
  return `# TYPE ${type === "counter" ? name.replace(/_total$/, "") : name} ${type}\n`;
}

function seriesLines(
  name: string,
  labels: Labels,
  stamps: readonly string[],
  value: (row: number) => number,
): Lines {
  const head = `${seriesText(name, labels)} `;
  let text = "";
  let count = 0;
  for (let row = 0; row < stamps.length; row++) {
    const sample = value(row);
    if (Number.isNaN(sample)) continue;
    text += head + sample + stamps[row];
    count++;
  }
  return { text, count };
}

interface ScrapeFamily {
  readonly name: string;
  /** `exposed` is how many series the target showed, null while it was down. */
  readonly value: (target: Target, exposed: number | null, scrape: number) => number;
}

/** What Prometheus records of every scrape. */
const scrapeFamilies: readonly ScrapeFamily[] = [
  { name: "up", value: (_, exposed) => (exposed === null ? 0 : 1) },
  {
    name: "scrape_duration_seconds",
    value: (target, _, scrape) => (2 + target.size / 60 + ((scrape * 7) % 5) / 10) / 1000,
  },
  { name: "scrape_samples_scraped", value: (_, exposed) => exposed ?? 0 },
  { name: "scrape_samples_post_metric_relabeling", value: (_, exposed) => exposed ?? 0 },
  { name: "scrape_series_added", value: () => 0 },
];
