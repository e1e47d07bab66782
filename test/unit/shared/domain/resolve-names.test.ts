import fc from "fast-check";
import { describe, expect, it, test } from "vitest";

import type { Probe } from "../../../../shared/domain/probe.ts";
import { planLookup, readLookup, resolveProbe } from "../../../../shared/domain/resolve-names.ts";
import { aProbe } from "../../../support/builders.ts";
import { findNames, packProbe, packProbes, queryOn, resolveOn } from "../../../support/pack.ts";

const v0 = [
  "vllm:num_requests_running",
  "vllm:num_requests_waiting",
  "vllm:gpu_cache_usage_perc",
  "vllm:time_per_output_token_seconds_bucket",
  "vllm:num_preemptions_total",
  "vllm:gpu_prefix_cache_hit_rate",
];
const v1 = [
  "vllm:num_requests_running",
  "vllm:num_requests_waiting",
  "vllm:kv_cache_usage_perc",
  "vllm:inter_token_latency_seconds_bucket",
  "vllm:num_preemptions_total",
  "vllm:prefix_cache_hits_total",
  "vllm:prefix_cache_queries_total",
];

describe("one pack serves every spelling of vLLM's metrics", () => {
  it.each([
    ["V0", v0, "vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds_bucket"],
    ["V1", v1, "vllm:kv_cache_usage_perc", "vllm:inter_token_latency_seconds_bucket"],
    [
      "Ray's prefix",
      v1.map((name) => name.replace("vllm:", "ray_vllm_")),
      "ray_vllm_kv_cache_usage_perc",
      "ray_vllm_inter_token_latency_seconds_bucket",
    ],
    [
      "Ray's older prefix",
      v0.map((name) => `ray_${name}`),
      "ray_vllm:gpu_cache_usage_perc",
      "ray_vllm:time_per_output_token_seconds_bucket",
    ],
    [
      "the guides' names, where a pipeline renames",
      v0.map((name) => name.replace("vllm:", "vllm_")),
      "vllm_gpu_cache_usage_perc",
      "vllm_time_per_output_token_seconds_bucket",
    ],
  ])("%s", (_, names, cache, interToken) => {
    expect(queryOn("vllm-kv-cache", names)).toContain(`(${cache}{`);
    expect(queryOn("vllm-inter-token-p99", names)).toContain(`rate(${interToken}[5m])`);
  });

  it("asks V0 for its hit-rate gauge and V1 for its counters", () => {
    expect(queryOn("vllm-prefix-cache-hits", v0)).toContain(
      'vllm:gpu_prefix_cache_hit_rate{model_name!=""} >= 0',
    );
    expect(queryOn("vllm-prefix-cache-hits", v1)).toContain("vllm:prefix_cache_hits_total");
  });

  it("takes the new name alone where an exporter emits old and new, and never sums them", () => {
    const both = [...new Set([...v0, ...v1])];
    for (const id of ["vllm-kv-cache", "vllm-inter-token-p99", "vllm-prefix-cache-hits"]) {
      const query = queryOn(id, both);
      expect(query).not.toMatch(/gpu_cache_usage_perc|time_per_output_token|gpu_prefix_cache/);
    }
  });
});

describe("labels that are spelled in two ways", () => {
  it.each(["Hostname", "hostname"])("the query groups by %s where the series carry it", (label) => {
    const series = ["DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_SM_CLOCK"].map((__name__) => ({
      __name__,
      gpu: "0",
      [label]: "ip-10-0-0-1",
    }));
    expect(queryOn("gpu-temperature", series)).toBe(
      `max by (cluster, ${label}, gpu, UUID) (DCGM_FI_DEV_GPU_TEMP < 1e6)`,
    );
  });

  it("a label that no series carries keeps its first spelling, and the probe is asked", () => {
    expect(queryOn("gpu-temperature", ["DCGM_FI_DEV_GPU_TEMP"])).toContain("Hostname");
  });

  it("the workload's labels are found where the scrape has moved them aside", () => {
    const moved = { __name__: "DCGM_FI_DEV_SM_CLOCK", pod: "dcgm-x", exported_pod: "vllm-x" };
    const kept = { __name__: "DCGM_FI_DEV_SM_CLOCK", pod: "vllm-x" };
    expect(queryOn("gpu-pod-utilization", [moved, "DCGM_FI_DEV_GPU_UTIL"])).toContain('exported_pod!=""');
    expect(queryOn("gpu-pod-utilization", [kept, "DCGM_FI_DEV_GPU_UTIL"])).toContain('{pod!=""');
  });
});

describe("a counter that is not born yet", () => {
  const requests = "inference_objective_request_total";
  const pool = "inference_pool_ready_pods";

  it("does not keep its probe from being asked, and is called like its family", () => {
    const query = queryOn("epp-errors", [requests, pool]);
    expect(query).toContain("rate(inference_objective_request_error_total[5m])");
    expect(query).toContain(`or 0 * sum by (cluster, namespace, model_name) (rate(${requests}[5m]))`);
  });

  it("changes nothing in the query when it is born", () => {
    const born = [requests, pool, "inference_objective_request_error_total"];
    expect(queryOn("epp-errors", born)).toBe(queryOn("epp-errors", [requests, pool]));
  });

  it("is zero only where its guard exists", () => {
    const resolved = resolveOn("epp-errors", [pool]);
    expect("missing" in resolved && resolved.missing.map(({ alias }) => alias)).toEqual(["requests"]);
    expect(resolveOn("bifrost-errors", ["bifrost_upstream_requests_total"])).toHaveProperty("missing");
  });
});

describe("a metric that is missing", () => {
  it("is named, with what would bring it", () => {
    const resolved = resolveOn("gpu-ecc-double-bit", ["DCGM_FI_DEV_GPU_TEMP"]);
    expect("missing" in resolved && resolved.hint).toBe(
      "not on this target: DCGM_FI_DEV_ECC_DBE_VOL_TOTAL. Not monitored: add DCGM_FI_DEV_ECC_DBE_VOL_TOTAL to dcgm-exporter's counters file; it is off by default.",
    );
  });

  it("leaves a target with Envoy alone blind for agentgateway, and the other way round", () => {
    const envoy = ["envoy_server_live", "envoy_http_downstream_rq_completed"];
    const agentgateway = ["agentgateway_build_info", "agentgateway_requests_total"];
    expect(resolveOn("gateway-5xx", envoy)).toHaveProperty("query");
    expect(resolveOn("gateway-5xx", agentgateway)).toHaveProperty("missing");
    expect(resolveOn("agentgateway-5xx", agentgateway)).toHaveProperty("query");
    expect(resolveOn("agentgateway-5xx", envoy)).toHaveProperty("missing");
  });

  it("tells of the variant that lacks least", () => {
    const resolved = resolveOn("vllm-engine-hang", ["vllm:num_requests_running"]);
    expect("missing" in resolved && resolved.missing.map(({ alias }) => alias)).toEqual([
      "generation_tokens",
    ]);
  });
});

describe("the lookup", () => {
  const probes = packProbes();

  it("asks in queries of a few KB, each name once", () => {
    const { queries } = planLookup(probes);
    for (const query of queries) expect(query.length).toBeLessThan(3_200);
    const asked = queries.filter((query) => query.startsWith("count by (__name__)")).join("|");
    for (const name of [
      "vllm:kv_cache_usage_perc",
      "ray_vllm_kv_cache_usage_perc",
      "envoy_http_downstream_rq_xx",
    ])
      expect(asked.split(new RegExp(`["|(]${name}["|)]`))).toHaveLength(2);
  });

  it("escapes what a regex or a string would take for itself", () => {
    const probe = aProbe({ aliases: { odd: { kind: "metric", names: ['a.b"c'] } } });
    expect(planLookup([probe]).queries).toEqual(['count by (__name__) ({__name__=~"a\\\\.b\\"c"})']);
  });

  it("remembers for a day what an exporter that is down has exposed", () => {
    const probe = packProbe("vllm-kv-cache");
    const hour = 3_600_000;
    const before = findNames([probe], [{ __name__: "vllm:gpu_cache_usage_perc", pod: "a" }], undefined, hour);
    const later = (at: number) => findNames([probe], [{ __name__: "up" }], before, at);
    expect(resolveProbe(probe, later(20 * hour))).toHaveProperty("query");
    expect(resolveProbe(probe, later(26 * hour))).toHaveProperty("missing");
  });

  it("prefers what is there now to what was there before, a downgrade included", () => {
    const probe = packProbe("vllm-kv-cache");
    const before = findNames([probe], [{ __name__: "vllm:kv_cache_usage_perc" }], undefined, 1);
    const after = findNames([probe], [{ __name__: "vllm:gpu_cache_usage_perc" }], before, 2);
    expect(resolveProbe(probe, after)).toHaveProperty(
      "query",
      expect.stringContaining("vllm:gpu_cache_usage_perc"),
    );
  });

  it("forgets nothing where the target answers nothing at all", () => {
    const probe = packProbe("vllm-kv-cache");
    const before = findNames([probe], [{ __name__: "vllm:kv_cache_usage_perc" }], undefined, 5);
    expect(readLookup(planLookup([probe]), [], before)).toEqual(before);
  });

  it("is plain JSON", () => {
    const found = findNames(probes, [{ __name__: "DCGM_FI_DEV_SM_CLOCK", hostname: "a" }], undefined, 7);
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });
});

test("a probe without aliases is asked as it is", () => {
  const probe = aProbe({ variants: [{ query: "sum(up)", guard: { kind: "selector", selector: "up" } }] });
  expect(resolveProbe(probe, { foundAt: 0, metrics: {}, labels: {} })).toEqual({
    query: "sum(up)",
    guard: { kind: "selector", selector: "up" },
  });
});

test("whatever names a target has, a query holds at most one name of each metric and no alias", () => {
  const probes = packProbes().filter(
    ({ source }) => source.kind === "pack" && ["vllm", "epp"].includes(source.component),
  );
  const names = [...new Set(probes.flatMap(allNames))];
  fc.assert(
    fc.property(fc.subarray(names), (present) => {
      const found = findNames(
        probes,
        present.map((__name__) => ({ __name__ })),
      );
      for (const probe of probes) {
        const resolved = resolveProbe(probe, found);
        if ("missing" in resolved) continue;
        expect(resolved.query).not.toMatch(/\$[a-z]/);
        const words = new Set(resolved.query.match(/[\w:]+/g));
        for (const { kind, names: spellings } of Object.values(probe.aliases))
          if (kind === "metric") expect(spellings.filter((name) => words.has(name)).length).toBeLessThan(2);
      }
    }),
    { numRuns: 60 },
  );
});

function allNames({ aliases }: Probe): string[] {
  return Object.values(aliases).flatMap(({ kind, names }) => (kind === "metric" ? names : []));
}
