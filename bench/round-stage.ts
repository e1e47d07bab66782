import { type RunningExporter, startExporter } from "../cli/stage/exporter.ts";
import { buildPlatform } from "../cli/stage/platform/platform.ts";
import { storedLabels } from "../cli/stage/platform/target.ts";
import { startPrometheus } from "../cli/stage/prometheus.ts";
import type { Binaries } from "../cli/stage/software.ts";
import { buildSend } from "../shared/adapters/http.ts";
import { buildRemoteWrite, type WrittenSeries } from "../shared/adapters/remote-write.ts";

const minute = 60_000;
const grid = 15_000;
const slice = 15 * minute;
const seed = 1;

/** The local stage's platform. Its past is written by remote write. */
export interface RoundStage {
  readonly exporter: RunningExporter;
  /** The end of the history, Unix milliseconds. */
  readonly end: number;
}

/**
 * The local stage's platform, its past in Prometheus's head block: there a steady round and a rule find what
 * they read, where the stage's own day of blocks would put rounds over the past at a disadvantage.
 */
export async function fillHead(
  binaries: Binaries,
  dataDir: string,
  now: () => number,
  minutes: number,
): Promise<RoundStage> {
  const end = Math.floor(now() / grid) * grid;
  const prometheus = await startPrometheus({ binaries, dataDir, remoteWriteReceiver: true });
  try {
    const write = buildRemoteWrite({
      url: `${prometheus.url}/api/v1/write`,
      send: buildSend({ auth: { kind: "none" }, now }),
      now,
    });
    // Slice by slice: the head refuses what is more than an hour older than its newest sample.
    for (let from = end - minutes * minute; from < end; from += slice)
      for (const series of platformSeries(end, from)) await write(series);
    return { end, exporter: await startExporter({ seed, now, epoch: end }) };
  } finally {
    await prometheus.stop();
  }
}

/** Every series of every target in one slice of time, and the target's `up`, target by target. */
function* platformSeries(epoch: number, from: number): Generator<WrittenSeries[]> {
  const times = Array.from({ length: slice / grid }, (_, index) => from + (index + 1) * grid);
  for (const target of buildPlatform(seed, epoch)) {
    const rows = times.map((t) => target.read(t));
    const own = target.families.flatMap(({ series }) => series);
    const sampled = own.map(({ name, labels }, column) => ({
      labels: { __name__: name, ...storedLabels(target, labels) },
      samples: times.flatMap((t, row) => {
        const v = rows[row]?.[column] ?? Number.NaN;
        return Number.isNaN(v) ? [] : [{ t, v }];
      }),
    }));
    const up = {
      labels: { __name__: "up", ...storedLabels(target, {}) },
      samples: times.map((t, row) => ({ t, v: rows[row] ? 1 : 0 })),
    };
    yield [...sampled, up].filter(({ samples }) => samples.length > 0);
  }
}
