import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";

import { findPrometheus } from "../../cli/stage/find-prometheus.ts";
import { listen } from "../../cli/stage/loopback.ts";
import { type RunningPrometheus, startPrometheus } from "../../cli/stage/prometheus.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildPrometheusClient } from "../../shared/adapters/prometheus.ts";
import { compileRuleFile } from "../../shared/domain/compile-rules.ts";
import { planWindow } from "../../shared/domain/detection.ts";
import { evaluateProbe } from "../../shared/domain/evaluate.ts";
import type { Probe } from "../../shared/domain/probe.ts";
import type { QueryRange } from "../../shared/domain/prometheus.ts";
import { seriesKey } from "../../shared/domain/series.ts";
import type { ProbeState } from "../../shared/domain/state.ts";

const second = 1000;
const runFor = 24 * second;

/** What the exporter shows `s` seconds after the start; null is an exporter that answers 500. */
function exposition(s: number): string | null {
  if (s >= 16 && s < 18.5) return null;
  const gone = s >= 11 && s < 14;
  return [
    ...(gone ? [] : [`temp{gpu="0"} ${s % 7 < 4 ? 90 : 70}`]),
    ...(s < 9 ? [`temp{gpu="1"} 85`] : []),
    `temp{gpu="2"} ${s % 3 < 1 ? 81 : "NaN"}`,
    `requests_total{code="200"} ${Math.floor(s < 12 ? s * 10 : (s - 12) * 10)}`,
    `requests_total{code="500"} ${Math.floor(Math.max(0, s - 5) * 3)}`,
    `pod_ready{pod="vllm-${Math.floor(s / 5)}"} ${s % 5 < 3 ? 0 : 1}`,
    `queue ${Math.round(10 * Math.sin(s / 2))}`,
  ].join("\n");
}

const rules = [
  { alert: "Always", expr: "vector(1)" },
  { alert: "Hot", expr: "temp > 80" },
  { alert: "HotFor", expr: "temp > 80", for: "2s" },
  { alert: "HotKept", expr: "temp > 80", for: "1s", keep_firing_for: "3s" },
  { alert: "NotANumber", expr: "temp != temp", for: "1s", keep_firing_for: "1s" },
  { alert: "Gone", expr: 'absent(temp{gpu="0"})', for: "1s" },
  { alert: "Down", expr: "up == 0", for: "1s", keep_firing_for: "2s" },
  { alert: "Errors", expr: 'rate(requests_total{code="500"}[4s]) > 2', for: "2s" },
  { alert: "Restarted", expr: "resets(requests_total[10s]) > 0" },
  { alert: "NotReady", expr: "pod_ready == 0", for: "1s", keep_firing_for: "2s" },
  { alert: "Churn", expr: "count(count_over_time(pod_ready[6s])) > 1", for: "2s" },
  { alert: "Queue", expr: "queue > 3 or queue < -6", for: "1s" },
];

/** Several groups, because each has a phase of its own and only some are good to compare. */
const groups = [1, 1, 1, 1, 2, 2, 2].map((interval, at) => ({
  name: `group-${at}`,
  interval: `${interval}s`,
  rules: rules.map((rule) => ({ ...rule, labels: { group: String(at) } })),
}));

const rulesAnswer = z.object({
  data: z.object({
    groups: z.array(
      z.object({
        name: z.string(),
        interval: z.number(),
        lastEvaluation: z.string(),
        rules: z.array(
          z.object({
            name: z.string(),
            health: z.string(),
            alerts: z.array(
              z.object({ labels: z.record(z.string(), z.string()), state: z.string(), activeAt: z.string() }),
            ),
          }),
        ),
      }),
    ),
  }),
});
type Group = z.infer<typeof rulesAnswer>["data"]["groups"][number];
type Alerts = z.infer<typeof rulesAnswer>["data"]["groups"][number]["rules"][number]["alerts"];

let directory: string;
let exporter: Server;
let prometheus: RunningPrometheus;
let queryRange: QueryRange;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "sonde-live-"));
  const started = Date.now();
  exporter = createServer((_, response) => {
    const text = exposition((Date.now() - started) / second);
    response.writeHead(text === null ? 500 : 200).end(`${text}\n`);
  });
  const port = await listen(exporter);
  const ruleFile = join(directory, "rules.json");
  await writeFile(ruleFile, JSON.stringify({ groups }));
  const binaries = await findPrometheus({
    cacheDir: join(tmpdir(), "sonde-test-cache"),
    env: process.env,
    progress: () => undefined,
    allowInstall: false,
  });
  prometheus = await startPrometheus({
    binaries,
    dataDir: join(directory, "data"),
    scrape: [{ job: "demo", address: `127.0.0.1:${port}`, intervalSeconds: 1 }],
    ruleFiles: [ruleFile],
    evaluationIntervalSeconds: 1,
  });
  const now = () => Date.now();
  const send = buildSend({ auth: { kind: "none" }, now });
  ({ queryRange } = buildPrometheusClient({
    url: prometheus.url,
    send,
    amp: false,
    now,
    sleep: async (ms) => {
      await sleep(ms);
    },
    random: Math.random,
  }));
});

afterAll(async () => {
  await prometheus?.stop();
  exporter?.close();
  if (directory) await rm(directory, { recursive: true, force: true });
});

async function loadedGroups(): Promise<Group[]> {
  const response = await fetch(`${prometheus.url}/api/v1/rules`);
  return rulesAnswer.parse(await response.json()).data.groups;
}

/** The alerts of one group after its evaluation at `at`, as Prometheus shows them. */
interface Snapshot {
  readonly group: string;
  readonly at: number;
  readonly alerts: readonly string[];
}

function show(
  name: string,
  labels: Readonly<Record<string, string>>,
  state: string,
  activeAt: number,
): string {
  const { alertname: _, group: __, ...own } = labels;
  return `${name} ${seriesKey(own)} ${state} since ${activeAt}`;
}

/** Without when they began, which a look back from nothing may not know. */
function undated(shown: readonly string[]): string[] {
  return shown.map((text) => text.replace(/ since \d+$/, ""));
}

function shownByPrometheus(alerts: Alerts): string[] {
  return alerts.map(({ labels, state, activeAt }) =>
    show(labels.alertname ?? "", labels, state, Math.floor(Date.parse(activeAt))),
  );
}

/** When a group is evaluated: its always-firing rule says since when, and evaluations keep to that grid. */
interface Grid {
  readonly interval: number;
  readonly first: number;
  readonly phase: number;
}

function gridOf({ interval, rules: loaded }: Group): Grid | null {
  const always = loaded.find(({ name }) => name === "Always")?.alerts[0];
  if (!always) return null;
  const first = Date.parse(always.activeAt);
  return { interval: interval * second, first, phase: first % (interval * second) };
}

/** Polls the rules until the time is up; what is read while a group is being evaluated is left out. */
async function watch(until: number, seen: (snapshot: Snapshot, grid: Grid) => Promise<void>) {
  const last = new Map<string, number>();
  while (Date.now() < until) {
    const before = Date.now();
    const loaded = await loadedGroups();
    for (const group of loaded) {
      const grid = gridOf(group);
      const evaluated = Date.parse(group.lastEvaluation);
      const settled = before - evaluated > 50 && Date.now() - evaluated < (grid?.interval ?? 0) - 100;
      if (!grid || !settled || last.get(group.name) === evaluated) continue;
      last.set(group.name, evaluated);
      const at = Math.floor((evaluated - grid.phase) / grid.interval) * grid.interval + grid.phase;
      const alerts = group.rules.flatMap((rule) => shownByPrometheus(rule.alerts)).sort();
      await seen({ group: group.name, at, alerts }, grid);
    }
    await sleep(60);
  }
}

/** Sonde's probes of one group, evaluated round by round on the group's own grid. */
function buildSonde(grid: Grid) {
  const probes = compileRuleFile("rules.json", { groups: groups.slice(0, 1) }, []).map(
    (probe): Probe => ({
      ...probe,
      every: grid.interval,
      step: grid.interval,
      variants: probe.variants.map(({ query }) => ({ query, guard: { kind: "none" } })),
    }),
  );
  const states = new Map<string, ProbeState>();
  const begin = (probe: Probe): ProbeState => ({
    query: probe.variants[0]?.query ?? "",
    evaluatedTo: grid.first - grid.interval,
    series: {},
    blindRounds: 0,
    blindSince: null,
    everFresh: false,
  });
  return async (at: number, from?: "from nothing"): Promise<string[]> => {
    const shown = await Promise.all(
      probes.map(async (probe) => {
        const state = from ? undefined : (states.get(probe.id) ?? begin(probe));
        const window = planWindow(probe, state, at, grid.phase);
        if (!window) return [];
        const query = probe.variants[0]?.query ?? "";
        const { data: series } = await queryRange({ query, ...window });
        const answer = {
          kind: "answered",
          query,
          window,
          series,
          guard: { kind: "none" },
          newest: new Map(),
        } as const;
        const next = evaluateProbe(probe, "live", answer, state, at).state;
        if (!from) states.set(probe.id, next);
        return Object.values(next.series).flatMap(({ labels, levels }) =>
          Object.values(levels).map((level) => show(probe.id, labels, level.state, level.activeAt)),
        );
      }),
    );
    return shown.flat().sort();
  };
}

/** The scrape's place in the second: evaluations that follow it closely may not have seen its samples. */
async function scrapePhase(): Promise<number> {
  const at = Math.floor(Date.now() / second) * second;
  const { data } = await queryRange({ query: "timestamp(up)", start: at, end: at, step: second });
  return ((data[0]?.samples[0]?.v ?? 0) * second) % second;
}

describe("detection, beside a Prometheus that is running", () => {
  it("shows at Prometheus's evaluation times the alerts that Prometheus shows", async () => {
    const snapshots: (Snapshot & { readonly live: readonly string[] })[] = [];
    const grids = new Map<string, Grid>();
    const sondes = new Map<string, ReturnType<typeof buildSonde>>();
    await watch(Date.now() + runFor, async (snapshot, grid) => {
      const sonde = sondes.get(snapshot.group) ?? buildSonde(grid);
      sondes.set(snapshot.group, sonde);
      grids.set(snapshot.group, grid);
      snapshots.push({ ...snapshot, live: await sonde(snapshot.at) });
    });
    const scraped = await scrapePhase();
    const settledGroups = [...grids].filter(([, { phase }]) => {
      const behind = (((phase - scraped) % second) + second) % second;
      return behind > 250 && behind < 990;
    });
    expect(settledGroups.length).toBeGreaterThan(0);
    const lived = new Set<string>();
    for (const [group, grid] of settledGroups) {
      const own = snapshots.filter((snapshot) => snapshot.group === group);
      expect(own.length).toBeGreaterThan((runFor / grid.interval) * 0.5);
      const afterwards = buildSonde(grid);
      const seldom = buildSonde(grid);
      for (const [index, { at, alerts, live }] of own.entries()) {
        const place = `${group} at ${at}, ${(at - grid.first) / second} s after its first evaluation`;
        expect(live, `live: ${place}`).toEqual(alerts);
        for (let before = (own[index - 1]?.at ?? at) + grid.interval; before < at; before += grid.interval)
          await afterwards(before);
        expect(await afterwards(at), `at every evaluation: ${place}`).toEqual(alerts);
        if (index % 5 === 4) expect(await seldom(at), `after missed rounds: ${place}`).toEqual(alerts);
        if (index % 7 === 6)
          expect(undated(await buildSonde(grid)(at, "from nothing")), `from nothing: ${place}`).toEqual(
            undated(alerts),
          );
        for (const alert of undated(alerts)) lived.add(alert.replace(/ .* /, " "));
      }
    }
    // Every rule was put to the test in each state that it can have.
    const states = rules.flatMap((rule) => [
      `${rule.alert} firing`,
      ...("for" in rule ? [`${rule.alert} pending`] : []),
    ]);
    expect(states.filter((state) => !lived.has(state))).toEqual([]);
  }, 60_000);
});
