import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Alerting, startAlerting } from "./alerting.ts";
import { startExporter } from "./exporter.ts";
import { findPrometheus } from "./find-prometheus.ts";
import { writeHistory } from "./history.ts";
import { type StoryEvent, storyline } from "./platform/storyline.ts";
import { startPrometheus } from "./prometheus.ts";

export interface StageOptions {
  /** Where an installed Prometheus is kept. */
  readonly cacheDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  /** Unix ms. */
  readonly now: () => number;
  /** Of history; by default a day and an hour, so that what is compared with yesterday finds it. */
  readonly hours?: number;
  readonly seed?: number;
  readonly allowInstall?: boolean;
  /** The target whose drills come back; without it no rule is evaluated. */
  readonly alertsOf?: string;
  /** Aborting stops the stage, whether it is still starting or already there. */
  readonly signal?: AbortSignal;
}

/** A running local stage: a Prometheus with a day of history that a live exporter continues. */
export interface Stage {
  readonly prometheusUrl: string;
  readonly dataDir: string;
  /** Paths of interest by name, all below the stage's temporary folder. */
  readonly files: Readonly<Record<string, string>>;
  readonly storyline: readonly StoryEvent[];
  /** Null where nobody asked for it, or no Alertmanager could be brought. */
  readonly alerting: Alerting | null;
  /** The end of the history, in Unix ms, from which the storyline is measured. */
  readonly now: number;
  /** Stops what the stage started and removes its temporary folder. Safe to call twice. */
  stop(): Promise<void>;
}

/** Things to undo, in the reverse of the order in which they were done. */
type Undo = () => Promise<void>;

const grid = 15_000;

/** Starts the local stage. Whatever fails half way, nothing of it is left behind. */
export async function startStage(options: StageOptions): Promise<Stage> {
  const { cacheDir, env, progress, now, hours = 25, seed = 1, allowInstall = true, signal } = options;
  const undo: Undo[] = [];
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= undoAll(undo);
    return stopping;
  };
  try {
    signal?.throwIfAborted();
    const binaries = await findPrometheus({ cacheDir, env, progress, allowInstall, signal });
    progress(`Prometheus ${binaries.version} (${binaries.source})`);
    const root = await temporaryFolder(undo);
    const dataDir = join(root, "data");
    const epoch = Math.floor(now() / grid) * grid;
    signal?.throwIfAborted();
    const written = await writeHistory({
      binaries,
      dataDir,
      now: epoch,
      hours,
      seed,
      progress,
      clock: now,
      signal,
    });
    progress(`history: ${summary(written)}`);
    const alerting = await tryAlerting(options, join(root, "alerting"));
    if (alerting) undo.push(alerting.stop);
    const exporter = await startExporter({ seed, now, epoch });
    undo.push(exporter.stop);
    const prometheus = await startPrometheus({
      binaries,
      dataDir,
      scrape: exporter.scrape,
      remoteWriteReceiver: true,
      ...(alerting && { ruleFiles: alerting.ruleFiles, alertmanager: alerting.alertmanager }),
      signal,
    });
    undo.push(prometheus.stop);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => void stop(), { once: true });
    progress(`Prometheus listens on ${prometheus.url}`);
    return {
      prometheusUrl: prometheus.url,
      dataDir,
      files: { root, data: dataDir },
      storyline: storyline(epoch),
      alerting,
      now: epoch,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A stage without an Alertmanager is one all the same: what is missing is said in a line. */
async function tryAlerting(options: StageOptions, dir: string): Promise<Alerting | null> {
  const { alertsOf, allowInstall = true, progress, signal } = options;
  if (alertsOf === undefined) return null;
  try {
    return await startAlerting({ ...options, dir, target: alertsOf, allowInstall });
  } catch (error) {
    signal?.throwIfAborted();
    progress(`no drill of the alert path: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function temporaryFolder(undo: Undo[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "sonde-stage-"));
  const removeAtExit = () => rmSync(root, { recursive: true, force: true });
  process.once("exit", removeAtExit);
  undo.push(async () => {
    await rm(root, { recursive: true, force: true });
    process.removeListener("exit", removeAtExit);
  });
  return root;
}

async function undoAll(undo: Undo[]): Promise<void> {
  for (let last = undo.pop(); last; last = undo.pop()) await last();
}

function summary({ samples, series, seconds }: { samples: number; series: number; seconds: number }): string {
  return `${(samples / 1e6).toFixed(1)} million samples of ${series} series in ${seconds.toFixed(1)} s`;
}
