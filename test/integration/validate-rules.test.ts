import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";

import { type CliRun, runCli } from "../support/cli.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-validate-"));
  mkdirSync(join(folder, "rules"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What `sonde validate` says of one rule file. */
async function validate(rules: object, more: object = {}): Promise<CliRun> {
  writeFileSync(join(folder, "rules", "mine.yml"), stringify(rules));
  const config = { targets: [{ name: "t", prometheus: "https://p.example.com" }], rules: ["rules/*.yml"] };
  writeFileSync(join(folder, "sonde.yaml"), stringify({ ...config, ...more }));
  return runCli(["validate", "--config", join(folder, "sonde.yaml")]);
}

const group = (...rules: object[]) => ({ groups: [{ name: "guide", rules }] });

/** Group and rule of each warning, as often as there is one. */
const warnedRules = ({ err }: CliRun) =>
  err.flatMap((line) => /^warning: rules\/mine\.yml: group "(.+?)", \w+ "(.+?)": /.exec(line)?.[2] ?? []);

describe("sonde validate, on rules of the guides", () => {
  it("warns of the setup guide's alerts, and exits well all the same", async () => {
    const run = await validate({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { name: "vllm-gpu-alerts" },
      spec: group(
        { alert: "HighGPUTemperature", expr: "DCGM_FI_DEV_GPU_TEMP > 85", for: "5m" },
        {
          alert: "GPUMemoryFull",
          expr: "(DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) * 100) > 95",
          for: "3m",
        },
        {
          alert: "HighVLLMLatency",
          expr: "histogram_quantile(0.99, rate(vllm_e2e_request_latency_seconds_bucket[5m])) > 30",
          for: "5m",
        },
        {
          alert: "HighGatewayErrorRate",
          expr: "sum(rate(kgateway_upstream_rq_5xx[5m])) /\nsum(rate(kgateway_requests_total[5m])) > 0.05",
          for: "5m",
        },
      ),
    });
    expect(run.code).toBe(0);
    expect(run.out).toEqual([expect.stringMatching(/sonde\.yaml is valid: 1 target, 4 probes/)]);
    expect(warnedRules(run)).toEqual([
      "GPUMemoryFull",
      "HighVLLMLatency",
      "HighVLLMLatency",
      "HighGatewayErrorRate",
      "HighGatewayErrorRate",
      "HighGatewayErrorRate",
    ]);
    for (const line of run.err) expect(line).not.toContain("\n");
  });

  it("warns of the metrics guide's recordings and alerts", async () => {
    const run = await validate(
      group(
        {
          record: "ai:ttft_seconds:p99",
          expr: "histogram_quantile(0.99, rate(vllm_time_to_first_token_seconds_bucket[5m]))",
        },
        { record: "ai:gpu_utilization:avg", expr: "avg(DCGM_FI_DEV_GPU_UTIL)" },
        { alert: "HighTimeToFirstToken", expr: "ai:ttft_seconds:p99 > 5", for: "2m" },
        {
          alert: "GPUMemoryNearFull",
          expr: "(DCGM_FI_DEV_FB_USED / DCGM_FI_DEV_FB_TOTAL) > 0.95",
          for: "5m",
        },
        {
          alert: "HighInferenceErrorRate",
          expr: "sum(rate(vllm_request_failure_total[5m])) / sum(rate(vllm_request_success_total[5m])) > 0.05",
          for: "3m",
        },
      ),
    );
    expect(run.code).toBe(0);
    expect(warnedRules(run)).toEqual([
      "ai:ttft_seconds:p99",
      "ai:ttft_seconds:p99",
      "GPUMemoryNearFull",
      "GPUMemoryNearFull",
      "HighInferenceErrorRate",
      "HighInferenceErrorRate",
      "HighInferenceErrorRate",
      "HighInferenceErrorRate",
    ]);
  });

  it("warns of llm-d's rules that cannot fire", async () => {
    const run = await validate(
      group(
        { alert: "LLMDNoHealthyBackends", expr: 'sum(up{job=~".*vllm.*"}) == 0', for: "1m" },
        { alert: "LLMDHighPreemptions", expr: "sum by(pod) (rate(vllm:num_preemptions[5m])) > 1", for: "5m" },
        {
          alert: "LLMDHighLatencyP99",
          expr: "histogram_quantile(0.99, sum by(le) (rate(inference_model_request_duration_seconds_bucket[5m]))) > 10",
          for: "10m",
        },
        {
          alert: "LLMDHighTTFT",
          expr: "histogram_quantile(0.99, sum by(le, model_name) (rate(vllm:time_to_first_token_seconds_bucket[5m]))) > 10",
          for: "10m",
        },
      ),
    );
    expect(run.code).toBe(0);
    expect(warnedRules(run)).toEqual(["LLMDNoHealthyBackends", "LLMDHighPreemptions", "LLMDHighLatencyP99"]);
  });
});

describe("what validate says of rules", () => {
  it("is nothing where they say what they mean", async () => {
    const run = await validate(group({ alert: "Hot", expr: "DCGM_FI_DEV_GPU_TEMP > 85", for: "5m" }));
    expect(run).toMatchObject({ code: 0, err: [] });
  });

  it("is a fault, and 2, where Prometheus would refuse them", async () => {
    const run = await validate(group({ alert: "Broken", expr: "sum(up" }));
    expect(run.code).toBe(2);
    expect(run.err.join("\n")).toMatch(
      /rules\/mine\.yml: groups\[0\]\.rules\[0\]\.expr: PromQL does not parse/,
    );
  });

  it("is a fault, and 2, where they are Grafana's own alerts, with what is wrong in those", async () => {
    const run = await validate({
      apiVersion: 1,
      groups: [
        {
          orgId: 1,
          name: "AI Agent Alerts",
          rules: [
            {
              uid: "llm-rate-limit",
              title: "LLM Rate Limit Errors",
              condition: "C",
              data: [
                { refId: "A", datasourceUid: "prometheus", model: { expr: "up" } },
                { refId: "B", datasourceUid: "__expr__", model: { type: "threshold" } },
                { refId: "C", datasourceUid: "__expr__", model: { type: "reduce", expression: "B" } },
              ],
            },
          ],
        },
      ],
    });
    expect(run.code).toBe(2);
    expect(run.err.join("\n")).toMatch(/mine\.yml: holds alerts of Grafana's own/);
    expect(run.err.join("\n")).toMatch(
      /alert "LLM Rate Limit Errors": C reduces B, which is a threshold already/,
    );
  });

  it("is not repeated by every round of sonde probe", async () => {
    await validate(group({ alert: "None", expr: 'sum(up{job="x"}) == 0' }), {
      targets: [{ name: "t", prometheus: "http://127.0.0.1:9" }],
    });
    const run = await runCli(["probe", "--config", join(folder, "sonde.yaml")]);
    expect(run.err.join("\n")).not.toContain("warning:");
  });
});
