import { access, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import protobuf from "protobufjs";
import { compress } from "snappyjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod/mini";

import { findPrometheus } from "../../cli/stage/find-prometheus.ts";
import { plot } from "../../cli/stage/platform/storyline.ts";
import { startPrometheus } from "../../cli/stage/prometheus.ts";
import { type Stage, startStage } from "../../cli/stage/stage.ts";

const point = z.tuple([z.number(), z.string()]);
const answerSchema = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.optional(point),
        values: z.optional(z.array(point)),
      }),
    ),
  }),
});

async function ask(url: string, query: string, at?: number) {
  const time = at === undefined ? "" : `&time=${at / 1000}`;
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}${time}`);
  expect(await answer.clone().text()).toContain('"status":"success"');
  return answerSchema.parse(await answer.json()).data.result.map(({ metric, value, values }) => ({
    labels: metric,
    value: Number(value?.[1]),
    points: values?.map(([t, v]) => ({ t: t * 1000, v: Number(v) })) ?? [],
  }));
}

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "sonde-test-"));
});
afterAll(() => rm(scratch, { recursive: true }));

const common = () => ({
  cacheDir: join(scratch, "cache"),
  env: process.env,
  now: Date.now,
  hours: 3,
  allowInstall: false,
});

describe("a stage of three hours", () => {
  let stage: Stage;
  const progress: string[] = [];
  beforeAll(async () => {
    stage = await startStage({ ...common(), progress: (line) => progress.push(line) });
  }, 90_000);
  afterAll(() => stage?.stop());
  const query = (text: string, at = Date.now()) => ask(stage.prometheusUrl, text, at);

  test("says what it does", () => {
    expect(progress[0]).toMatch(/^Prometheus \d+\.\d+/);
    expect(progress.join("\n")).toMatch(/history: 2\.\d million samples of \d{4} series in/);
  });

  test("has one GPU over 85 °C for five minutes, and the storyline names it", async () => {
    const hot = await query("min_over_time(DCGM_FI_DEV_GPU_TEMP[5m]) > 85", stage.now);
    expect(hot).toHaveLength(1);
    const told = stage.storyline.find(({ name }) => name === "gpu-heat");
    expect(hot[0]?.labels).toMatchObject(told?.labels ?? { missing: "story" });
    expect(hot[0]?.value).toBeLessThan(93);
    expect(await query("DCGM_FI_DEV_GPU_TEMP > 80", stage.now - 21 * 60_000)).toEqual([]);
  });

  test("has late first tokens of the large model only", async () => {
    const p99 = `histogram_quantile(0.99, sum by (le, namespace, model_name) (rate(vllm:time_to_first_token_seconds_bucket[5m])))`;
    const late = await query(`${p99} > 5`, stage.now);
    expect(late.map(({ labels }) => labels)).toEqual([
      { namespace: "inference", model_name: "meta-llama/Llama-3.1-70B-Instruct" },
    ]);
    expect(late[0]?.value).toBeLessThan(40);
    expect(await query(`${p99} > 5`, stage.now - 26 * 60_000)).toEqual([]);
    expect(await query(p99, stage.now - 26 * 60_000)).toHaveLength(2);
  });

  test("has nine percent of 5xx at the gateway, from one cluster", async () => {
    const share = (kind: string, by: string) =>
      `sum by (${by}) (rate(envoy_${kind}_rq_xx{envoy_response_code_class="5"}[5m])) / sum by (${by}) (rate(envoy_${kind}_rq_completed{envoy_http_conn_manager_prefix!="prometheus"}[5m]))`;
    const [gateway] = await query(share("http_downstream", "namespace"), stage.now);
    expect(gateway?.value).toBeCloseTo(0.09, 2);
    const bad = await query(`${share("cluster_upstream", "envoy_cluster_name")} > 0.05`, stage.now);
    expect(bad.map(({ labels }) => labels)).toEqual([
      stage.storyline.find(({ name }) => name === "gateway-5xx")?.labels,
    ]);
    const [before] = await query(share("http_downstream", "namespace"), stage.now - 13 * 60_000);
    expect(before?.value).toBeLessThan(0.01);
  });

  test("has one XID and the restart that came with it", async () => {
    const { xid } = plot(stage.now);
    const codes = await query("DCGM_FI_DEV_XID_ERRORS", stage.now);
    expect(codes.map(({ value, labels }) => [value, labels.UUID])).toEqual([[94, xid.gpu.uuid]]);
    const reset = await query("resets(vllm:prompt_tokens_total[3h]) > 0", stage.now);
    expect(reset.map(({ value, labels }) => [value, labels.pod])).toEqual([[1, xid.gpu.pod.name]]);
    expect(await query("up == 0", xid.at + 60_000)).toHaveLength(1);
    expect(await query("up == 0", stage.now)).toEqual([]);
  });

  test("goes on live where the history ends: same series, no gap, no step", { timeout: 90_000 }, async () => {
    for (let tries = 0; tries < 60; tries++) {
      const now = Date.now();
      const sinceHistory = Math.floor((now - stage.now) / 1000) - 1;
      const live = await query(`count_over_time(vllm:generation_tokens_total[${sinceHistory}s])`, now);
      if (live.length === 6) break;
      await sleep(1000);
    }
    const now = Date.now();
    // The look-back still holds the history's series: one under other labels would count twice.
    const [known] = await query('count({job!=""})', stage.now);
    const [counted] = await query('count({job!=""})', now);
    expect(counted?.value).toBe(known?.value);
    expect(await query("up == 0", now)).toEqual([]);

    const series = await query("vllm:generation_tokens_total[5m]", now);
    expect(series).toHaveLength(6);
    for (const { points } of series) {
      expect(points.filter(({ t }) => t <= stage.now).length).toBeGreaterThan(5);
      expect(points.filter(({ t }) => t > stage.now).length).toBeGreaterThan(0);
      const steps = points.slice(1).map((next, index) => {
        const { t, v } = points[index] ?? next;
        return { gap: next.t - t, slope: (1000 * (next.v - v)) / (next.t - t) };
      });
      expect(Math.max(...steps.map(({ gap }) => gap))).toBeLessThan(120_000);
      const slopes = steps.map(({ slope }) => slope).sort((a, b) => a - b);
      expect(slopes[0]).toBeGreaterThan(0);
      expect(slopes.at(-1)).toBeLessThan(1.5 * (slopes[0] ?? 0));
    }
    const counters = await query('{__name__=~".+_(total|count|bucket)"}[5m]', now);
    expect(counters.length).toBeGreaterThan(2500);
    const backwards = counters.filter(({ points }) =>
      points.some(({ v }, index) => v < (points[index - 1]?.v ?? 0)),
    );
    expect(backwards.map(({ labels }) => labels)).toEqual([]);
  });

  test("leaves nothing when it stops", async () => {
    const root = stage.files.root ?? "";
    await access(root);
    await Promise.all([stage.stop(), stage.stop()]);
    await expect(access(root)).rejects.toThrow("ENOENT");
    await expect(fetch(`${stage.prometheusUrl}/-/ready`)).rejects.toThrow();
  });
});

const stageFolders = async () =>
  (await readdir(tmpdir())).filter((name) => name.startsWith("sonde-stage-")).sort();

test("a stage that is aborted while it starts leaves nothing", async () => {
  const before = await stageFolders();
  const controller = new AbortController();
  const progress = (line: string) => {
    if (line.startsWith("Prometheus")) setTimeout(() => controller.abort(new Error("Ctrl-C")), 500);
  };
  const starting = startStage({ ...common(), progress, signal: controller.signal });
  await expect(starting).rejects.toThrow("Ctrl-C");
  expect(await stageFolders()).toEqual(before);
});

test("aborting a stage that is there stops it", async () => {
  const controller = new AbortController();
  const stage = await startStage({
    ...common(),
    hours: 0.2,
    progress: () => undefined,
    signal: controller.signal,
  });
  controller.abort();
  await stage.stop();
  await expect(access(stage.files.root ?? "")).rejects.toThrow("ENOENT");
  await expect(fetch(`${stage.prometheusUrl}/-/ready`)).rejects.toThrow();
});

test("a stage without an Alertmanager says in a line that there are no drills, and goes on", async () => {
  const binaries = await findPrometheus({ ...common(), progress: () => undefined });
  const path = join(scratch, "only-prometheus");
  await mkdir(path);
  for (const program of [binaries.prometheus, binaries.promtool])
    await symlink(program, join(path, basename(program)));
  const progress: string[] = [];
  const stage = await startStage({
    ...common(),
    hours: 0.2,
    env: { ...process.env, PATH: path },
    alertsOf: "stage",
    progress: (line) => progress.push(line),
  });
  await stage.stop();
  expect(stage.alerting).toBeNull();
  expect(progress).toContainEqual(
    expect.stringMatching(/^no drill of the alert path: no Alertmanager was found: [^\n]+$/),
  );
});

describe("a Prometheus of its own", () => {
  const binaries = () => findPrometheus({ ...common(), progress: () => undefined });

  test("that cannot start says why, with the end of its log", async () => {
    const rules = join(scratch, "broken.yml");
    await writeFile(
      rules,
      JSON.stringify({ groups: [{ name: "g", rules: [{ record: "a", expr: "sum(" }] }] }),
    );
    const failed = startPrometheus({
      binaries: await binaries(),
      dataDir: join(scratch, "broken"),
      ruleFiles: [rules],
    });
    await expect(failed).rejects.toThrow(
      /Prometheus did not start: it ended with exit code \d[\s\S]*broken\.yml/,
    );
    expect((await readdir(scratch)).filter((name) => name.startsWith("broken-config"))).toEqual([]);
  });

  test("takes and gives back samples at Unix time 0 with a window of a hundred years", async () => {
    const prometheus = await startPrometheus({
      binaries: await binaries(),
      dataDir: join(scratch, "zero"),
      remoteWriteReceiver: true,
      outOfOrderWindow: "100y",
      retention: "100y",
    });
    try {
      const { url } = prometheus;
      const samples = [0, 60_000, 120_000].map((timestamp, index) => ({ timestamp, value: index + 1 }));
      expect(await write(url, "late", [{ timestamp: 40 * 86_400_000, value: 9 }])).toBe(204);
      expect(await write(url, "early", samples)).toBe(204);
      const values = async (query: string, at: number) =>
        (await ask(url, query, at)).map(({ value }) => value);
      expect(await values("early", 0)).toEqual([1]);
      expect(await values("early", 61_000)).toEqual([2]);
      expect(await values("count_over_time(early[5m])", 120_000)).toEqual([3]);
    } finally {
      await prometheus.stop();
    }
    expect(() => process.kill(prometheus.pid, 0)).toThrow("ESRCH");
  });
});

const { root } = protobuf.parse(`
  syntax = "proto3";
  message WriteRequest { repeated TimeSeries timeseries = 1; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
`);
const writeRequest = root.lookupType("WriteRequest");

async function write(url: string, name: string, samples: readonly { timestamp: number; value: number }[]) {
  const timeseries = [{ labels: [{ name: "__name__", value: name }], samples }];
  const answer = await fetch(`${url}/api/v1/write`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", "content-encoding": "snappy" },
    body: Buffer.from(compress(writeRequest.encode(writeRequest.create({ timeseries })).finish())),
  });
  return answer.status;
}
