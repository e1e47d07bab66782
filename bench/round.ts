import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { findPrometheus } from "../cli/stage/find-prometheus.ts";
import { type RunningPrometheus, startPrometheus } from "../cli/stage/prometheus.ts";
import { startSlack } from "../cli/stage/slack.ts";
import { sampleDollars } from "./cost.ts";
import { deployedNodeOptions, median } from "./measure.ts";
import { channel, roundConfig, roundRules } from "./round-load.ts";
import { fillHead, type RoundStage } from "./round-stage.ts";
import { type Turn, takeTurn } from "./round-turns.ts";

const minute = 60_000;
const turns = 9;
/** Warm caches, compiled code, messages posted. */
const warmUps = 2;
/** Prometheus's rules, a round and the bare loop, one after the other, and time to spare. */
const interval = 12_000;
const pointsPerRound = 2;
const now = () => Date.now();
const token = "xoxb-bench";

/** A thousand probes against one local Prometheus: Sonde's round, the bare loop, and Prometheus's own rules, in turns. */
export async function benchRound(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sonde-bench-"));
  const binaries = await findPrometheus({
    cacheDir: join(homedir(), ".cache", "sonde"),
    env: process.env,
    progress: (line) => console.error(line),
    allowInstall: true,
  });
  const stage = await fillHead(binaries, join(directory, "data"), now, 90);
  try {
    const bundle = await bundleWorker(directory);
    for (const firing of [0, 70]) {
      const rules = join(directory, `rules-${firing}.json`);
      await writeFile(rules, roundRules(roundConfig("http://localhost", firing), interval));
      const prometheus = await startPrometheus({
        binaries,
        dataDir: join(directory, "data"),
        scrape: stage.exporter.scrape,
        ruleFiles: [rules],
      });
      try {
        await compare(prometheus, stage, firing, bundle, join(directory, `state-${firing}`));
      } finally {
        await prometheus.stop();
      }
    }
  } finally {
    await stage.exporter.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Takes turns, so that noise on the machine falls on all three, and prints what came of it. */
async function compare(
  prometheus: RunningPrometheus,
  stage: RoundStage,
  firing: number,
  bundle: string,
  stateDir: string,
): Promise<void> {
  const slack = await startSlack({ token, channels: [channel], now });
  const start = (kind: string) =>
    spawn(process.execPath, [bundle, kind, prometheus.url, String(firing), slack.url, token, stateDir], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_OPTIONS: deployedNodeOptions() },
    });
  const workers = { sonde: start("sonde"), bare: start("bare") };
  const measured: Measured[] = [];
  try {
    let seen = await nextEvaluation(prometheus, 0);
    for (let turn = 0; turn < warmUps + turns; turn++) {
      seen = await nextEvaluation(prometheus, seen.at);
      // Rounds a minute apart, as in a steady state, over a past that the head block still holds.
      const at = stage.end - (warmUps + turns - 1 - turn) * minute;
      const ask = { sonde: () => takeTurn(workers.sonde, at), bare: () => takeTurn(workers.bare, at) };
      const first = turn % 2 === 0 ? await ask.sonde() : await ask.bare();
      const second = turn % 2 === 0 ? await ask.bare() : await ask.sonde();
      if (now() / 1000 > seen.at + interval / 1000)
        throw new Error("the machine is too slow: the turns overlap");
      const [sonde, bare] = turn % 2 === 0 ? [first, second] : [second, first];
      if (turn >= warmUps) measured.push({ sonde, bare, rules: seen.seconds * 1000 });
    }
  } finally {
    await Promise.all(Object.values(workers).map(end));
    await slack.stop();
  }
  print(measured, firing);
}

interface Measured {
  readonly sonde: Turn;
  readonly bare: Turn;
  /** Milliseconds that Prometheus took for its last evaluation of the thousand rules. */
  readonly rules: number;
}

interface Evaluation {
  /** Unix seconds. */
  readonly at: number;
  readonly seconds: number;
}

/** Waits until the rules have been evaluated once more. */
async function nextEvaluation({ url }: RunningPrometheus, after: number): Promise<Evaluation> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const read = (name: string) =>
      Number(new RegExp(`^prometheus_rule_group_${name}\\{.*\\} (.+)$`, "m").exec(text)?.[1] ?? 0);
    const at = read("last_evaluation_timestamp_seconds");
    if (at > after) {
      if (
        read("rules") > 0 &&
        after > 0 &&
        /^prometheus_rule_evaluation_failures_total\{.*\} [^0]/m.test(text)
      )
        throw new Error("Prometheus fails to evaluate some of the rules");
      return { at, seconds: read("last_duration_seconds") };
    }
    await sleep(200);
  }
}

async function end(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null) return;
  const ended = once(worker, "exit");
  worker.kill("SIGKILL");
  await ended;
}

function print(measured: readonly Measured[], firing: number): void {
  const of = (pick: (one: Measured) => number) => median(measured.map(pick));
  const round = of(({ sonde }) => sonde.millis);
  const perPoint = round / pointsPerRound;
  const bare = of(({ bare: one }) => one.millis);
  const rules = of(({ rules: millis }) => millis);
  const [last] = measured.slice(-1);
  if (!last) throw new Error("nothing was measured");
  if (last.sonde.firing !== firing || last.sonde.unknown > 0)
    throw new Error(
      `${last.sonde.firing} verdicts fire and ${last.sonde.unknown} are unknown, not ${firing} and 0`,
    );
  const samples = of(({ sonde }) => sonde.samples);
  const bareSamples = of(({ bare: one }) => one.samples);
  const ms = (value: number) => `${Math.round(value)} ms`;
  const row = (...cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    row(
      `1,000 probes, ${firing === 0 ? "none" : firing} firing`,
      "a turn",
      "a grid point",
      "requests",
      "samples",
      "peak RSS",
      "samples, a month",
    ),
    "|---|--:|--:|--:|--:|--:|--:|",
    row(
      "Sonde, a round of 2 grid points",
      ms(round),
      ms(perPoint),
      String(last.sonde.requests),
      million(samples),
      `${Math.round(last.sonde.peak)} MB`,
      dollars(samples),
    ),
    row(
      "bare fetch loop, one instant each",
      ms(bare),
      ms(bare),
      String(last.bare.requests),
      million(bareSamples),
      `${Math.round(last.bare.peak)} MB`,
      dollars(bareSamples),
    ),
    row("Prometheus, the same 1,000 rules", ms(rules), ms(rules), "", "", "", ""),
  ];
  console.log(lines.join("\n"));
  console.log(
    `Sonde over Prometheus, per grid point: ${(perPoint / rules).toFixed(2)} (bound ${firing === 0 ? "1.0" : "1.3"}); over the bare loop, per round: ${(round / bare).toFixed(2)}; medians of ${turns}`,
  );
}

function million(samples: number): string {
  return `${(samples / 1e6).toFixed(2)} M`;
}

function dollars(samplesPerRound: number): string {
  return `$${sampleDollars(samplesPerRound).toFixed(2)}`;
}

/** Bundled as Lambda runs it: stripping types at run time would count as memory of the round. */
async function bundleWorker(directory: string): Promise<string> {
  const bundle = join(directory, "worker.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("round-worker.ts", import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    minify: true,
    mainFields: ["module", "main"],
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "error",
  });
  return bundle;
}
