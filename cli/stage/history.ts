import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import { storedSeries, writeOpenMetrics } from "./history-file.ts";
import { hour, minute } from "./platform/flow.ts";
import { buildPlatform } from "./platform/platform.ts";
import { run } from "./run.ts";
import type { Binaries } from "./software.ts";

export interface HistoryOptions {
  readonly binaries: Binaries;
  readonly dataDir: string;
  /** The end of the history and the anchor of the storyline, in Unix ms, on a multiple of 15 s. */
  readonly now: number;
  readonly hours: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
  /** To measure how long it took. */
  readonly clock: () => number;
  readonly signal?: AbortSignal | undefined;
}

const blockLength = 2 * hour;
const coarse = minute;
const fine = minute / 4;
const fineFor = 2 * hour;
const atOnce = 2;

/**
 * Fills an empty data folder with blocks of simulated history. The last block ends at `now`, so that a
 * Prometheus that starts afterwards has nothing of its own before it.
 */
export async function writeHistory(
  options: HistoryOptions,
): Promise<{ samples: number; series: number; seconds: number }> {
  const { binaries, dataDir, now, hours, seed, progress, clock, signal } = options;
  const began = clock();
  const targets = buildPlatform(seed, now);
  await mkdir(dataDir, { recursive: true });
  const work = await mkdtemp(`${dataDir}-history-`);
  // The longest first: else one worker ends long after the other.
  const waiting = sampleBlocks(now, hours).sort((a, b) => b.length - a.length);
  const total = waiting.length;
  const failed = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let samples = 0;
  let finished = 0;
  const worker = async () => {
    for (let times = waiting.shift(); times; times = waiting.shift()) {
      const file = join(work, `${times[0]}.om`);
      const written = await writeOpenMetrics(file, targets, times, stop);
      samples += written;
      await createBlock(binaries, file, dataDir, work, stop);
      await rm(file);
      finished++;
      if (finished % 4 === 0 || finished === total) progress(`history: ${finished} of ${total} blocks`);
    }
  };
  try {
    await Promise.allSettled(
      Array.from({ length: atOnce }, () => worker().catch((error: unknown) => failed.abort(error))),
    );
    signal?.throwIfAborted();
    failed.signal.throwIfAborted();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const series = targets.reduce((sum, target) => sum + storedSeries(target), 0);
  return { samples, series, seconds: (clock() - began) / 1000 };
}

async function createBlock(
  { promtool }: Binaries,
  file: string,
  dataDir: string,
  temporary: string,
  signal: AbortSignal,
): Promise<void> {
  await run(promtool, ["tsdb", "create-blocks-from", "--quiet", "openmetrics", file, dataDir], {
    timeoutMs: 180_000,
    // It makes much garbage and little that stays.
    env: { TMPDIR: temporary, GOGC: "400" },
    signal,
  });
}

/** The times of all samples, in groups that fall into one block each: promtool reads a file once per block. */
export function sampleBlocks(now: number, hours: number): number[][] {
  const start = Math.ceil((now - hours * hour) / coarse) * coarse;
  const fineFrom = Math.ceil((now - fineFor) / coarse) * coarse;
  const times: number[] = [];
  for (let t = start; t < Math.min(fineFrom, now + 1); t += coarse) times.push(t);
  for (let t = Math.max(start, fineFrom); t <= now; t += fine) times.push(t);
  return [...Map.groupBy(times, (t) => Math.floor(t / blockLength)).values()];
}
