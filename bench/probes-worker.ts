import pLimit from "p-limit";

import { checkTarget } from "../functions/run-probes/check-target.ts";
import { buildTargetClient } from "../shared/adapters/target-client.ts";
import type { PrometheusClient, RangeQuery } from "../shared/domain/prometheus.ts";
import type { ProbeState } from "../shared/domain/state.ts";
import { median } from "./measure.ts";
import { benchConfig, probeCount } from "./probes-load.ts";

const concurrency = 10;
const rounds = 21;
const minute = 60_000;
const now = () => Date.now();

/** Runs in a process of its own, so that its memory is that of the rounds and nothing else. */
async function work(url: string, end: number): Promise<void> {
  const { targets, probes } = benchConfig(url);
  const [target] = targets;
  if (!target) throw new Error("the bench has no target");
  const client = await buildTargetClient(target, {
    readSecret: async () => "",
    now,
    sleep: async () => undefined,
    random: Math.random,
  });
  const resolved = probes.map((probe) => ({
    probe,
    query: probe.variants[0]?.query ?? "",
    guard: probe.variants[0]?.guard ?? { kind: "none" as const },
  }));
  const check = (asking: PrometheusClient, states: Readonly<Record<string, ProbeState>>) =>
    checkTarget(target, resolved, { client: asking, now: end, states, concurrency });
  const before = await check(client, {});
  // A steady round: state up to one minute ago, so four points of a 15 s grid are new.
  const states = Object.fromEntries(
    Object.entries(before.probes).map(([id, state]) => [id, { ...state, evaluatedTo: end - minute }]),
  );
  const sent: RangeQuery[] = [];
  const recording: PrometheusClient = {
    ...client,
    queryRange: (query) => {
      sent.push(query);
      return client.queryRange(query);
    },
  };
  const { verdicts } = await check(recording, states);
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // Turn and turn about, so that noise on the machine falls on both.
    bare.push(await timed(() => bareLoop(url, sent)));
    ours.push(await timed(() => check(client, states)));
  }
  console.log(
    `probes: ${probeCount} probes, ${verdicts.length} verdicts, ${sent.length} queries, concurrency ${concurrency}`,
  );
  console.log(`  bare fetch loop  ${median(bare).toFixed(0)} ms (median of ${rounds})`);
  console.log(`  sonde round      ${median(ours).toFixed(0)} ms`);
  console.log(`  ratio            ${(median(ours) / median(bare)).toFixed(2)} (bound 1.3)`);
}

async function bareLoop(url: string, queries: readonly RangeQuery[]): Promise<void> {
  const limit = pLimit(concurrency);
  await Promise.all(
    queries.map(({ query, start, end, step }) =>
      limit(async () => {
        const body = new URLSearchParams({
          query,
          start: String(start / 1000),
          end: String(end / 1000),
          step: String(step / 1000),
        });
        const answer = await fetch(`${url}/api/v1/query_range`, { method: "POST", body });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        await answer.json();
      }),
    ),
  );
}

async function timed(task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await task();
  return performance.now() - started;
}

const [, , url, end] = process.argv;
if (url && end) await work(url, Number(end));
