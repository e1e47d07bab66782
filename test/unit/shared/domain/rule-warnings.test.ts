import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { compileRuleFile } from "../../../../shared/domain/compile-rules.ts";
import type { ConfigFault } from "../../../../shared/domain/faults.ts";
import { resolveProbe } from "../../../../shared/domain/resolve-names.ts";
import { warningsOf } from "../../../../shared/domain/rule-warnings.ts";
import { findNames, packProbes } from "../../../support/pack.ts";

interface RuleData {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function warned(...rules: (string | RuleData)[]): string[] {
  const written = rules.map((rule) => (typeof rule === "string" ? { alert: "A", expr: rule } : rule));
  return warningsOf("rules/mine.yml", { groups: [{ name: "g", rules: written }] });
}

/** One fault of published rules, what its warning says, and the rule that says what was meant. */
type Case = readonly [fault: string, rule: string | RuleData, says: RegExp, clean: string | RuleData];

const share = (failed: string, all: string) => `sum(rate(${failed}[5m])) / sum(rate(${all}[5m])) > 0.05`;
const runFields = (fields: string) => ({
  alert: "GpuOutOfMemory",
  expr: "max by (Hostname, gpu) (DCGM_FI_DEV_FB_FREE) < 100",
  annotations: { description: `Look with dcgmi dmon -e ${fields}.` },
});

const cases: readonly Case[] = [
  [
    "a quantile of each series alone",
    "histogram_quantile(0.99, rate(vllm:e2e_request_latency_seconds_bucket[5m])) > 30",
    /one noisy value for each pod: write histogram_quantile\(0\.99, sum by \(le, …\) \(rate\(vllm:e2e_request/,
    "histogram_quantile(0.99, sum by (le, model_name) (rate(vllm:e2e_request_latency_seconds_bucket[5m]))) > 30",
  ],
  [
    "the same in a recording rule",
    {
      record: "ai:ttft_seconds:p99",
      expr: "histogram_quantile(0.99, rate(vllm:time_to_first_token_seconds_bucket[5m]))",
    },
    /^rules\/mine\.yml: group "g", record "ai:ttft_seconds:p99": the quantile is taken of each series/,
    {
      record: "ai:ttft_seconds:p99",
      expr: "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
    },
  ],
  [
    "a quantile of a sum without bounds",
    "histogram_quantile(0.99, sum by (model_name) (rate(x_seconds_bucket[5m]))) > 1",
    /drops the label le, so the quantile is empty/,
    "histogram_quantile(0.99, sum without (pod) (rate(x_seconds_bucket[5m]))) > 1",
  ],
  [
    "a share that is empty for want of errors",
    share("envoy_errors_total", "envoy_http_downstream_rq_total"),
    /empty, not 0, while envoy_errors_total does not exist.*or 0 \* sum\(rate\(envoy_http_downstream_rq_total/,
    "(sum(rate(envoy_errors_total[5m])) or 0 * sum(rate(envoy_http_downstream_rq_total[5m]))) / sum(rate(envoy_http_downstream_rq_total[5m])) > 0.05",
  ],
  [
    "failures over successes",
    share("app_failures_total", "app_success_total"),
    /divided by app_success_total, not by all requests: write app_failures_total over failures and successes/,
    "(sum(rate(app_failures_total[5m])) or vector(0)) / (sum(rate(app_failures_total[5m])) + sum(rate(app_success_total[5m]))) > 0.05",
  ],
  [
    "failures over vLLM's finished requests, which are called successes",
    share("vllm:request_failure_total", "vllm:request_success_total"),
    /write vllm:request_success_total\{finished_reason="error"\} over vllm:request_success_total, which counts every/,
    share('vllm:request_success_total{finished_reason="error"}', "vllm:request_success_total"),
  ],
  [
    "an alarm at a full framebuffer",
    "(DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) * 100) > 95",
    /vLLM reserves 90 % .* leave those out/,
    '(DCGM_FI_DEV_FB_USED{exported_container!~".*vllm.*"} / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) * 100) > 95',
  ],
  [
    "fields of dcgmi that are not the framebuffer's",
    runFields("155,156"),
    /dcgmi dmon -e 155,156 reads power and energy: write -e 250,251,252/,
    runFields("250,251,252"),
  ],
  [
    "a price of an hour over tokens of a second",
    "1e6 * sum(node_gpu_hourly_cost) / sum(rate(vllm:generation_tokens_total[1h])) > 5",
    /node_gpu_hourly_cost is for an hour.*3600 times too high: write … \/ \(3600 \* sum\(rate\(…\)\)\)/,
    "1e6 * sum(node_gpu_hourly_cost) / (3600 * sum(rate(vllm:generation_tokens_total[1h]))) > 5",
  ],
  [
    "the rate of a price",
    "sum(rate(node_gpu_hourly_cost[24h])) * 24 > 1000",
    /node_gpu_hourly_cost is a gauge, of which rate\(\) is no more than noise: write avg_over_time/,
    "sum(avg_over_time(node_gpu_hourly_cost[24h])) * 24 > 1000",
  ],
  [
    "failures a second that were meant in five minutes",
    'sum(rate(llm_call_latency_seconds_count{status_code!="200"}[5m])) > 5',
    /asks for 1500 in 5m: write increase\(…\[5m\]\) > 5 if the number in 5m is meant/,
    'sum(increase(llm_call_latency_seconds_count{status_code!="200"}[5m])) > 5',
  ],
  [
    "tokens a second that were meant in an hour",
    "sum(rate(llm_output_tokens_total[1h])) > 1000000",
    /asks for 3600000000 in 1h: write increase/,
    "sum(increase(llm_output_tokens_total[1h])) > 1000000",
  ],
  [
    "failing tools a second that were meant in five minutes",
    'sum by (tool_name) (rate(agent_tool_calls_total{status="failure"}[5m])) > 1',
    /asks for 300 in 5m/,
    'sum by (tool_name) (increase(agent_tool_calls_total{status="failure"}[5m])) > 1',
  ],
  [
    "a count a second that says so",
    "sum(rate(x_errors_total[5m])) > 5",
    /asks for 1500 in 5m/,
    {
      alert: "A",
      expr: "sum(rate(x_errors_total[5m])) > 5",
      annotations: { summary: "{{ $value }} errors per second" },
    },
  ],
  [
    "preemptions under the name that the source declares",
    "sum by (pod) (rate(vllm:num_preemptions[5m])) > 1",
    /vllm:num_preemptions is not there \(counters are exposed with _total\): write vllm:num_preemptions_total$/,
    "sum by (pod) (rate(vllm:num_preemptions_total[5m])) > 1",
  ],
  [
    "the picker's former prefix",
    "sum(rate(inference_model_request_total[5m])) < 1",
    /write inference_objective_request_total, or llm_d_epp_request_total/,
    "sum(rate(inference_objective_request_total[5m])) < 1",
  ],
  [
    "the picker's former label",
    'sum by (pod) (rate(inference_objective_request_total{target_model!=""}[5m])) > 100',
    /no label target_model: write target_model_name/,
    'sum by (pod) (rate(inference_objective_request_total{target_model_name!=""}[5m])) > 100',
  ],
  [
    "the sum of no targets",
    'sum(up{job=~".*vllm.*"}) == 0',
    /the sum is empty, not 0, once no target is left: add or absent\(up\{job=~"\.\*vllm\.\*"\}\)/,
    'sum(up{job=~".*vllm.*"}) == 0 or absent(up{job=~".*vllm.*"})',
  ],
  [
    "the count of nothing",
    'count by (namespace) (up{job=~".*vllm.*"} == 1) < 2',
    /the count is empty, not 0, where there is none: add or absent\(up/,
    'count by (namespace) (up{job=~".*vllm.*"} == 1) < 2 or absent(up{job=~".*vllm.*"})',
  ],
  [
    "throttling that is only heat",
    { alert: "GPUThermalThrottle", expr: "DCGM_FI_DEV_GPU_TEMP > 85" },
    /asks for heat, not for throttling: write rate\(DCGM_FI_DEV_THERMAL_VIOLATION/,
    { alert: "GPUThermalThrottle", expr: "rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m]) / 1e9 > 0.05" },
  ],
  [
    "cost that a table of prices makes",
    "sum by (tenant_id) (increase(llm_cost_dollars_total[24h])) > 100",
    /counts only models whose price the application knows, and others as free: add a rule/,
    {
      alert: "A",
      expr: "sum by (model) (rate(llm_tokens_total[1h])) > 0 unless on (model) llm_cost_dollars_total",
    },
  ],
];

describe("a rule with a known fault", () => {
  it.each(cases)("is warned about: %s", (_, rule, says) => {
    expect(warned(rule)).toContainEqual(expect.stringMatching(says));
    for (const line of warned(rule))
      expect(line).toMatch(/^rules\/mine\.yml: group "g", (alert|record) "[^"]+": .+$/);
  });

  it.each(cases)("and not where it says what it means: %s", (_, __, ___, clean) => {
    expect(warned(clean)).toEqual([]);
  });

  it("is one line, however its expression is written", () => {
    const [line] = warned("histogram_quantile(0.99,\n  rate(x_bucket[5m])\n) > 1");
    expect(line).not.toContain("\n");
  });

  it("is warned about once, where the fault is in it twice", () => {
    const both = `${share("x_errors_total", "x_total")} and ${share("x_errors_total", "x_total")}`;
    expect(warned(both)).toHaveLength(1);
  });
});

describe("a name that no exporter has", () => {
  it.each([
    ["vllm_time_to_first_token_seconds_bucket", "vllm:time_to_first_token_seconds_bucket"],
    ["vllm_generation_tokens_total", "vllm:generation_tokens_total"],
    ["vllm_num_requests_waiting", "vllm:num_requests_waiting"],
    ["vllm_e2e_request_latency_seconds_bucket", "vllm:e2e_request_latency_seconds_bucket"],
    ["vllm_time_per_output_token_seconds_bucket", "vllm:inter_token_latency_seconds_bucket"],
    ["vllm_gpu_cache_usage_perc", "vllm:kv_cache_usage_perc"],
    ["vllm:gpu_cache_usage_perc", "vllm:kv_cache_usage_perc"],
    ["vllm_request_failure_total", 'vllm:request_success_total{finished_reason="error"}'],
    ["vllm:prefix_cache_hits", "vllm:prefix_cache_hits_total"],
    ["DCGM_FI_DEV_FB_TOTAL", "(DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)"],
    ["kgateway_requests_total", "envoy_http_downstream_rq_total"],
    ["kgateway_upstream_rq_5xx", "envoy_http_downstream_rq_xx"],
    ["kgateway_request_duration_seconds_bucket", "envoy_cluster_upstream_rq_time_bucket"],
    ["kgateway_upstream_cx_active", "envoy_cluster_upstream_cx_active"],
    ["bifrost_requests_total", "bifrost_upstream_requests_total"],
    ["node_gpu_cost_per_hour", "node_gpu_hourly_cost * on (node) node_gpu_count"],
    ["node_gpu_cost_hourly", "node_gpu_hourly_cost * on (node) node_gpu_count"],
    ["gpu_utilization_percentage", "DCGM_FI_DEV_GPU_UTIL"],
    ["gpu_memory_usage_bytes", "DCGM_FI_DEV_FB_USED * 1048576"],
    [
      "inference_extension_scheduler_plugin_duration_seconds_bucket",
      "inference_extension_plugin_duration_seconds_bucket",
    ],
    ["nvidia_gpu_duty_cycle", "DCGM_FI_DEV_GPU_UTIL"],
    [
      "inference_model_request_duration_seconds_bucket",
      "inference_objective_request_duration_seconds_bucket",
    ],
  ])("%s is told, and what to write", (name, write) => {
    const lines = warned(`max(${name}) > 7`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`${name} is not there`);
    expect(lines[0]).toContain(`write ${write}`);
  });

  it("is every one of those that docs/metric-names.md lists", () => {
    const [, table = ""] = readFileSync("docs/metric-names.md", "utf8").split("## Names that do not exist");
    const rows = (table.split("\n## ")[0] ?? "").split("\n").map((line) => line.split("|"));
    const names = rows
      .filter(([, , use = ""]) => use.trim() !== "the same")
      .flatMap(([, first = ""]) =>
        [...first.matchAll(/`([a-zA-Z_:][\w:]*)`/g)].flatMap(([, name]) => name ?? []),
      );
    expect(names.length).toBeGreaterThan(14);
    expect(names.filter((name) => warned(`${name} > 7`).length === 0)).toEqual([]);
  });

  it("is found in a plain alternation too, and not where it is left out", () => {
    expect(warned('count({__name__=~"bifrost_requests_total|x"}) > 1')).toHaveLength(1);
    expect(warned('count({job="x",__name__!~"bifrost_requests_total|x"}) > 1')).toEqual([]);
  });
});

it("the pack's own queries give no warning, but for the one that looks for old names", () => {
  const probes = packProbes();
  const newest = probes.flatMap(({ aliases }) =>
    Object.values(aliases).flatMap(({ kind, names }) =>
      kind === "metric" ? names.slice(0, 1).map((name) => ({ __name__: name })) : [],
    ),
  );
  const found = findNames(probes, newest);
  const rules = probes.flatMap((probe) => {
    const resolved = resolveProbe(probe, found);
    return "query" in resolved ? [{ alert: probe.id, expr: resolved.query }] : [];
  });
  expect(rules).toHaveLength(probes.length);
  expect(warned(...rules)).toEqual([
    expect.stringContaining('alert "vllm-old-names": vllm:gpu_cache_usage_perc is not there'),
  ]);
});

it("a file that Prometheus would refuse is not warned about: it has faults", () => {
  expect(warningsOf("rules/x.yml", { groups: [{ name: "g", rules: [{ alert: "A" }] }] })).toEqual([]);
});

describe("alerts of Grafana in a rule file", () => {
  const node = (refId: string, model: object, more: object = { datasourceUid: "__expr__" }) => ({
    refId,
    model,
    ...more,
  });
  const query = node(
    "A",
    { expr: "sum by (model) (increase(llm_rate_limit_errors_total[5m]))" },
    { datasourceUid: "prometheus", relativeTimeRange: { from: 300, to: 0 } },
  );
  const conditions = [{ evaluator: { params: [10], type: "gt" } }];
  const faultsOf = (...data: object[]) => {
    const faults: ConfigFault[] = [];
    const rules = [{ uid: "u", title: "Limited", condition: "C", data }];
    compileRuleFile("g.yml", { apiVersion: 1, groups: [{ orgId: 1, name: "AI", rules }] }, faults);
    return faults.map(({ message }) => message);
  };
  const refused = "g.yml: holds alerts of Grafana's own: write Prometheus rules, or leave it to Grafana";
  const here = 'g.yml: group "AI", alert "Limited": ';

  it("are refused, with what keeps Grafana from evaluating them", () => {
    const faults = faultsOf(
      node("A", { expr: "up" }, {}),
      node("B", { type: "threshold", conditions }),
      node("C", { type: "reduce", expression: "B", reducer: "last" }),
    );
    expect(faults).toEqual([
      refused,
      `${here}C reduces B, which is a threshold already: reduce the query first, and make the threshold on that the condition`,
      `${here}B is a threshold of no node: write expression, with the refId of what it compares`,
      `${here}A names no datasource: write datasourceUid, __expr__ where it is an expression`,
      `${here}A asks for no time: write relativeTimeRange: { from: 300, to: 0 }`,
    ]);
  });

  it("are only refused where Grafana can evaluate them", () => {
    const reduce = node("B", { type: "reduce", expression: "A", reducer: "last" });
    const threshold = node("C", { type: "threshold", expression: "B", conditions });
    expect(faultsOf(query, reduce, threshold)).toEqual([refused]);
  });

  it("are not seen in files without rules", () => {
    const faults: ConfigFault[] = [];
    expect(compileRuleFile("g.yml", { groups: [] }, faults)).toEqual([]);
    expect(compileRuleFile("g.yml", { groups: [{ name: "g", rules: [] }] }, faults)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
