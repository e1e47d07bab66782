import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { afterAll, beforeAll, expect, test } from "vitest";

import type { CliDeps } from "../../cli/deps.ts";
import { followSchedule } from "../../cli/local/follow.ts";
import { buildLocalRounds } from "../../cli/local/local-rounds.ts";
import { onlySlack } from "../../cli/local/only-slack.ts";
import { buildTerminalSlack } from "../../cli/local/terminal-slack.ts";
import { compileConfig } from "../../shared/domain/compile.ts";
import type { RangeQuery } from "../../shared/domain/prometheus.ts";
import { buildFakeClient } from "../support/fake-prometheus.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const midnight = Date.UTC(2026, 0, 2);
const hours = 5;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sonde-hours-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A pod that is another each hour, and is hot for ten minutes of it. */
function world(_: string, t: number) {
  const since = (t - midnight) % hour;
  const pod = `vllm-${Math.floor((t - midnight) / hour)}`;
  return [{ labels: { pod }, v: since >= 20 * minute && since < 30 * minute ? 95 : 50 }];
}

test("a watch of hours runs every round at its time, tells of each breach, and holds no more memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("there is no garbage collector to call");
  const { compiled } = compileConfig(
    {
      targets: [{ name: "here", prometheus: "http://localhost" }],
      probes: [
        { id: "fast", query: "gpu_temp", fail: "> 90", for: "30s", every: "15s" },
        { id: "slow", query: "pod_temp", warn: "> 90", every: "5m" },
      ],
      notify: [{ slack: "#llm-ops" }],
    },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  let clock = midnight;
  const interrupt = new AbortController();
  let rounds = 0;
  let late = 0;
  const told: string[] = [];
  const heap: number[] = [];
  const state: number[] = [];
  const sent: RangeQuery[] = [];
  const client = buildFakeClient(world, sent);
  const deps: CliDeps = {
    now: () => clock,
    sleep: async (ms) => {
      clock += ms;
      if (clock >= midnight + hours * hour) interrupt.abort();
      if (clock % hour >= 15 * second) return;
      sent.length = 0;
      collect();
      heap.push(process.memoryUsage().heapUsed);
      state.push((await stat(join(folder, "targets", "here.json"))).size);
    },
    env: {},
    cwd: folder,
    cacheDir: folder,
    // Nothing is kept of the lines of rounds: what is held in the end is then the watch's own.
    out: (line) => {
      const at = /^(\S+Z) {2}here/.exec(line)?.[1];
      if (at === undefined) told.push(line);
      else if (Date.parse(at) !== midnight + rounds++ * 15 * second) late++;
    },
    err: (line) => told.push(line),
    style: { color: false, width: 100 },
    nonce: () => `nonce-${clock}`,
    clientFor: async () => client,
    exit: () => undefined,
    interrupted: interrupt.signal,
  };
  const notify = onlySlack(buildTerminalSlack(deps));
  await followSchedule(buildLocalRounds({ config: compiled, stateDir: folder, notify }, deps), deps);

  expect({ rounds, late }).toEqual({ rounds: hours * 60 * 4, late: 0 });
  const each = ["Warning", "Critical", "Resolved", "Recovered", "Resolved", "Recovered"];
  const beginnings = Array.from({ length: hours }, () => each).flat();
  expect(told.map((line) => beginnings.find((word) => line.includes(word)))).toEqual(beginnings);
  expect((heap.at(-1) ?? 0) - (heap[2] ?? 0)).toBeLessThan(500_000);
  expect(state.at(-1)).toBe(state[1]);
}, 60_000);
