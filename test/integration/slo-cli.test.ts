import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";

import { runTestFile } from "../../cli/rule-test/run-file.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { remoteWriteUrl } from "../../shared/adapters/prometheus-request.ts";
import { buildRemoteWrite } from "../../shared/adapters/remote-write.ts";
import { runCli } from "../support/cli.ts";
import { at, counting, histogram, withTarget, written } from "../support/pack-target.ts";
import { runPromtool, withFiles } from "../support/promtool.ts";
import { type RealPrometheus, startPrometheus } from "../support/real-prometheus.ts";
import { startServerForTests } from "../support/test-server.ts";

let prometheus: RealPrometheus;
let folder: string;

const engine = { namespace: "llm", pod: "a", model_name: "m", engine: "0" };
const requests = (code: string, perSecond: number) =>
  counting("requests_total", { route: "chat", code }, perSecond);

beforeAll(async () => {
  prometheus = await startPrometheus();
  folder = await mkdtemp(join(tmpdir(), "sonde-slo-"));
  const write = buildRemoteWrite({
    url: remoteWriteUrl(prometheus.url, false),
    send: buildSend({ auth: { kind: "none" }, now: Date.now }),
    now: Date.now,
  });
  await write([
    requests("200", 9),
    requests("500", 1),
    written("vllm:num_requests_running", engine, 3),
    ...histogram("vllm:time_to_first_token_seconds", engine, [1, 2.5, 5, 60], [8, 1, 1]),
  ]);
});
afterAll(async () => {
  await prometheus.stop();
  await rm(folder, { recursive: true, force: true });
});

async function sonde(command: string, probes: readonly object[], args: readonly string[] = []) {
  const file = join(folder, "sonde.yaml");
  const config = {
    targets: [{ name: "local", prometheus: prometheus.url }],
    packs: [{ name: "llm-on-eks", components: ["vllm"] }],
    probes,
  };
  await writeFile(file, stringify(config));
  return runCli([command, "--config", file, ...args], { now: () => at });
}

const chat = {
  id: "chat-errors",
  slo: {
    objective: 99,
    errors: 'sum by (route) (rate(requests_total{code=~"5.."}[$window]))',
    total: "sum by (route) (rate(requests_total[$window]))",
  },
};

describe("sonde probe", () => {
  it("gives one verdict for each series of an SLO, with its budget", async () => {
    const { code, out } = await sonde(
      "probe",
      [{ ...chat, slo: { ...chat.slo, objective: 99.5 } }],
      ["--json", "--probe", "chat-errors"],
    );
    const [verdict, summary, ...more] = out.map((line) => JSON.parse(line));
    expect([code, more]).toEqual([1, []]);
    expect(summary.summary).toMatchObject({ fail: 1, queries: 3 });
    expect(verdict).toMatchObject({
      probe: "chat-errors",
      status: "fail",
      unit: "x",
      threshold: "> 6",
      labels: { route: "chat" },
      budget: { exhaustedIn: 0, at: new Date(Math.floor(at / 60_000) * 60_000).toISOString() },
    });
    expect(verdict.value).toBeCloseTo(20, 6);
    expect(verdict.budget.left).toBeCloseTo(-19, 6);
    expect(verdict.reason).toMatch(
      /^99\.5 % over 30d burns 20 × over .*; the budget of 30d is overspent by 1900 %$/,
    );
  });

  it("shows burn rates to people, without an hour of them", async () => {
    const { out } = await sonde("probe", [chat], ["--probe", "chat-errors"]);
    expect(out.join("\n")).toMatch(/chat-errors +10 ×/);
  });

  it("runs the pack's SLOs where config names them, with the target's names", async () => {
    const { out } = await sonde(
      "probe",
      [{ id: "slo-ttft", slo: { objective: 95, minimumEvents: 0 } }],
      ["--json", "--probe", "slo-ttft"],
    );
    const verdict = JSON.parse(out[0] ?? "");
    // One of ten first tokens comes after more than 2.5 s, where one of twenty may.
    expect(verdict).toMatchObject({ status: "warn", labels: { namespace: "llm", model_name: "m" } });
    expect(verdict.value).toBeCloseTo(2, 6);
    expect(verdict.query).toContain("vllm:time_to_first_token_seconds_bucket");
  });
});

describe("sonde validate", () => {
  const latency = (under: number) => ({
    id: "ttft",
    slo: { objective: 99, latency: { histogram: "vllm:time_to_first_token_seconds", under } },
  });

  it.each([
    [3, "3 lies between the buckets of vllm:time_to_first_token_seconds_bucket that end at 2.5 and 5"],
    [90, "90 lies beyond the last bucket of vllm:time_to_first_token_seconds_bucket, which ends at 60"],
    [0.5, "0.5 lies below the first bucket of vllm:time_to_first_token_seconds_bucket, which ends at 1"],
  ])("refuses a latency threshold of %d s that no bucket ends at", async (under, message) => {
    const { code, err } = await sonde("validate", [latency(under)], ["--target"]);
    expect(code).toBe(2);
    expect(err.join("\n")).toContain(message);
  });

  it("accepts one that a bucket ends at, and tells what a round costs", async () => {
    const { code, out, err } = await sonde("validate", [latency(2.5)], ["--target"]);
    expect([code, err.filter((line) => !line.startsWith("note"))]).toEqual([0, []]);
    expect(out.join("\n")).toMatch(/local: ttft: a round reads \d+ samples, .*`sonde render --only rules`/);
  });

  it("refuses errors whose labels no events have", async () => {
    const slo = {
      ...chat.slo,
      errors: 'rate(requests_total{code=~"5.."}[$window])',
      total: "sum(rate(requests_total[$window]))",
    };
    const { code, err } = await sonde("validate", [{ ...chat, slo }], ["--target"]);
    expect(code).toBe(2);
    expect(err.join("\n")).toContain("slo.errors returns 1 series whose labels no series of slo.total has");
  });

  it("refuses what does not parse without asking a target", async () => {
    const { code, err } = await sonde("validate", [
      { ...chat, slo: { ...chat.slo, total: "sum(rate(a[5m]))" } },
    ]);
    expect(code).toBe(2);
    expect(err.join("\n")).toMatch(/slo\.total: has no \$window/);
  });
});

describe("sonde render", () => {
  it("writes rules that promtool accepts, for SLOs of the pack and of config", async () => {
    const { out, err } = await sonde(
      "render",
      [chat, { id: "slo-ttft" }, { id: "slo-e2e" }],
      ["--only", "rules"],
    );
    const text = out.join("\n");
    expect(await runPromtool({ "rules.yaml": text }, ["check", "rules", "rules.yaml"])).toEqual({
      code: 0,
      output: expect.stringContaining("SUCCESS"),
    });
    const groups: { name: string; rules: { alert?: string }[] }[] = parse(text).groups;
    const slos = groups.filter(({ name }) => name.startsWith("sonde-slo-"));
    expect(slos.map(({ name }) => name).sort()).toEqual(["sonde-slo-chat-errors", "sonde-slo-slo-ttft"]);
    expect(slos.map(({ rules }) => rules.length)).toEqual([17, 17]);
    expect(text).not.toMatch(/\$[a-z_]+_bucket|\$window/);
    // The end-to-end histogram is not on this target.
    expect(err.join("\n")).toMatch(/rules; \d+ probes ask for metrics that are not there/);
  });
});

describe("sonde init", () => {
  it("offers the SLOs of what it found, and turns none on", async () => {
    const file = join(folder, "starter.yaml");
    await runCli(["init", "--target", prometheus.url, "--output", file, "--force"], { now: () => at });
    const { readFile } = await import("node:fs/promises");
    const text = await readFile(file, "utf8");
    expect(text).toContain("# - { id: slo-ttft, slo: { objective: 99 } }");
    expect(text).not.toContain("slo-gateway-5xx");
    expect(JSON.stringify(parse(text))).not.toContain("slo-ttft");
  });
});

describe("sonde test", () => {
  it("tests an SLO as any probe", () =>
    withFiles(
      {
        "sonde.yaml": stringify({ probes: [chat] }),
        "test.yml": stringify({
          config: "sonde.yaml",
          tests: [
            {
              interval: "1m",
              input_series: [
                { series: 'requests_total{route="chat",code="200"}', values: "0+54x60" },
                { series: 'requests_total{route="chat",code="500"}', values: "0+0x30 6+6x30" },
              ],
              probe_test: [
                {
                  eval_time: "30m",
                  probe: "chat-errors",
                  exp_verdicts: [{ labels: { route: "chat" }, status: "ok", value: 0 }],
                },
                {
                  eval_time: "50m",
                  probe: "chat-errors",
                  exp_verdicts: [{ labels: { route: "chat" }, status: "warn", cause: "breach" }],
                },
              ],
            },
          ],
        }),
      },
      async (directory) => {
        const { results } = await runTestFile(join(directory, "test.yml"), {
          startServer: startServerForTests(),
          concurrency: 1,
        });
        expect(results).toMatchObject([{ checks: 2, failures: [] }]);
      },
    ));
});

describe("the pack's SLOs on a target", () => {
  const listener = { namespace: "gw", envoy_http_conn_manager_prefix: "http" };

  it("count the gateway's 5xx, also before there was any", () =>
    withTarget(
      [
        written("envoy_server_live", { namespace: "gw", pod: "proxy", instance: "10.0.0.1:9091" }, 1),
        counting("envoy_http_downstream_rq_completed", listener, 10),
      ],
      async ({ check }) => {
        expect(await check("slo-gateway-5xx")).toMatchObject([
          { status: "ok", value: 0, budget: { left: 1 } },
        ]);
      },
    ));

  it("count an agent's errors", () =>
    withTarget(
      [
        counting("agent_request_duration_seconds_count", { agent_name: "helper" }, 1),
        counting("agent_errors_total", { agent_name: "helper", error_type: "tool" }, 0.2),
      ],
      async ({ check }) => {
        const [verdict] = await check("slo-agent-errors");
        expect(verdict).toMatchObject({ status: "fail", labels: { agent_name: "helper" } });
        expect(verdict?.value).toBeCloseTo(20, 6);
      },
    ));

  it("find a bucket in the other spelling of its bound", () =>
    withTarget(
      [
        written("vllm:num_requests_running", engine, 3),
        counting("vllm:e2e_request_latency_seconds_bucket", { ...engine, le: "30.0" }, 9),
        counting("vllm:e2e_request_latency_seconds_bucket", { ...engine, le: "+Inf" }, 10),
      ],
      async ({ check }) => {
        const [verdict] = await check("slo-e2e");
        expect(verdict?.value).toBeCloseTo(10, 6);
      },
    ));

  it("cannot be told where no bucket ends at the threshold", () =>
    withTarget(
      [
        written("vllm:num_requests_running", engine, 3),
        ...histogram("vllm:inter_token_latency_seconds", engine, [0.1, 0.5], [9, 1]),
      ],
      async ({ check }) => {
        expect(await check("slo-inter-token")).toMatchObject([
          {
            status: "unknown",
            cause: "no-data",
            reason: expect.stringContaining("no bucket that ends at 0.2"),
          },
        ]);
      },
    ));
});
