import { describe, expect, it } from "vitest";

import { bucketBoundsQuery, ceilingFaults, readBucketBounds } from "../../shared/domain/ceilings.ts";
import { aLevel } from "../support/builders.ts";
import { at, brief, counting, histogram, withTarget, written } from "../support/pack-target.ts";

const listener = { namespace: "gw", envoy_http_conn_manager_prefix: "http" };
const proxy = written("envoy_server_live", { namespace: "gw", pod: "proxy", instance: "10.0.0.1:9091" }, 1);
const completed = (perSecond: number) => counting("envoy_http_downstream_rq_completed", listener, perSecond);
const fiveHundreds = (perSecond: number) =>
  counting("envoy_http_downstream_rq_xx", { ...listener, envoy_response_code_class: "5" }, perSecond);

describe("the gateway's share of 5xx", () => {
  it("is zero while its error counter is not born", () =>
    withTarget([proxy, completed(10)], async ({ check }) => {
      expect(brief(await check("gateway-5xx"))).toEqual([["ok", "within", 0]]);
    }));

  it("is the share once errors are counted, and fails above 5 %", () =>
    withTarget([proxy, completed(10), fiveHundreds(0.9)], async ({ check }) => {
      expect(brief(await check("gateway-5xx"))).toEqual([["fail", "breach", 0.09]]);
    }));

  it("is idle where nobody asks, and where too few do", () =>
    withTarget([proxy, completed(0)], async ({ check }) => {
      expect(brief(await check("gateway-5xx"))).toEqual([["unknown", "idle", Number.NaN]]);
      await withTarget([proxy, completed(0.01), fiveHundreds(0.01)], async (quiet) => {
        expect(brief(await quiet.check("gateway-5xx"))).toEqual([["unknown", "idle", Number.NaN]]);
      });
    }));

  it("does not fire for one failed request", () => {
    const once = written(
      "envoy_http_downstream_rq_xx",
      { ...listener, envoy_response_code_class: "5" },
      (seconds) => (seconds < 19 * 60 ? 0 : 1),
    );
    return withTarget([proxy, completed(0.03), once], async ({ check }) => {
      const [verdict] = await check("gateway-5xx");
      expect(verdict?.value).toBeGreaterThan(0.05);
      expect(verdict?.status).toBe("ok");
    });
  });

  it("is missing, with advice, where agentgateway serves instead", () =>
    withTarget(
      [
        written("agentgateway_build_info", { tag: "1.4" }, 1),
        counting("agentgateway_requests_total", { gateway: "g", route: "r", status: "200" }, 5),
      ],
      async ({ check }) => {
        expect(brief(await check("agentgateway-5xx"))).toEqual([["ok", "within", 0]]);
        const [envoy] = await check("gateway-5xx");
        expect(envoy).toMatchObject({ status: "unknown", cause: "missing" });
        expect(envoy?.reason).toContain("envoy_http_downstream_rq_completed");
        expect(envoy?.reason).toContain("port 9091");
      },
    ));
});

const engine = (pod: string) => ({ namespace: "llm", pod, model_name: "m", engine: "0" });

describe("vLLM's probes", () => {
  it("count a target that emits old and new names once", () =>
    withTarget(
      [
        written("vllm:num_requests_running", engine("a"), 3),
        written("vllm:kv_cache_usage_perc", engine("a"), 0.4),
        written("vllm:gpu_cache_usage_perc", engine("a"), 0.4),
        counting("vllm:prefix_cache_hits_total", engine("a"), 30),
        counting("vllm:prefix_cache_queries_total", engine("a"), 60),
        counting("vllm:gpu_prefix_cache_hits_total", engine("a"), 30),
        counting("vllm:gpu_prefix_cache_queries_total", engine("a"), 60),
      ],
      async ({ check }) => {
        expect(brief(await check("vllm-kv-cache"))).toEqual([["ok", "within", 0.4]]);
        expect(brief(await check("vllm-prefix-cache-hits"))).toEqual([["ok", "within", 0.5]]);
      },
    ));

  it("name engines that only old names would show", () =>
    withTarget(
      [
        ...["a", "b"].map((pod) => written("vllm:num_requests_running", engine(pod), 3)),
        written("vllm:kv_cache_usage_perc", engine("a"), 0.4),
        written("vllm:gpu_cache_usage_perc", engine("a"), 0.4),
        written("vllm:gpu_cache_usage_perc", engine("b"), 0.99),
      ],
      async ({ check }) => {
        const verdicts = await check("vllm-old-names");
        expect(verdicts.map(({ status, labels }) => [status, labels.pod])).toEqual([["warn", "b"]]);
      },
    ));

  it("tell a slow first token from an idle model", () =>
    withTarget(
      [
        written("vllm:num_requests_running", engine("a"), 3),
        ...histogram("vllm:time_to_first_token_seconds", engine("a"), [1, 10, 40], [1, 0, 1]),
        ...histogram(
          "vllm:time_to_first_token_seconds",
          { ...engine("a"), model_name: "quiet" },
          [1, 10, 40],
          [0, 0, 0],
        ),
      ],
      async ({ check }) => {
        const verdicts = await check("vllm-ttft-p99");
        expect(verdicts.map(({ status, cause, labels }) => [labels.model_name, status, cause])).toEqual([
          ["m", "fail", "breach"],
          ["quiet", "unknown", "idle"],
        ]);
      },
    ));

  it("see an engine that has requests and makes no tokens", () =>
    withTarget(
      [
        written("vllm:num_requests_running", engine("busy"), 3),
        counting("vllm:generation_tokens_total", engine("busy"), 100),
        written("vllm:num_requests_running", engine("hung"), 3),
        written("vllm:generation_tokens_total", engine("hung"), 5000),
        written("vllm:num_requests_running", engine("prefill"), 1),
        written("vllm:generation_tokens_total", engine("prefill"), 5000),
        ...["busy", "prefill"].map((pod) => counting("vllm:iteration_tokens_total_count", engine(pod), 2)),
        written("vllm:iteration_tokens_total_count", engine("hung"), 700),
      ],
      async ({ check }) => {
        const verdicts = await check("vllm-engine-hang");
        expect(verdicts.map(({ status, labels }) => [labels.pod, status]).sort()).toEqual([
          ["busy", "ok"],
          ["hung", "fail"],
          ["prefill", "ok"],
        ]);
      },
    ));

  it("see that no engine is left, though their series are gone", () =>
    withTarget(
      [
        written("up", { job: "prometheus" }, 1),
        written("vllm:num_requests_running", engine("a"), 3, { from: 120, to: 20 }),
        written("vllm:num_requests_running", { ...engine("b"), namespace: "other" }, 3),
      ],
      async ({ check }) => {
        const verdicts = await check("vllm-no-backend");
        expect(verdicts.map(({ status, value, labels }) => [labels.namespace, status, value]).sort()).toEqual(
          [
            ["llm", "fail", 0],
            ["other", "ok", 1],
          ],
        );
      },
    ));

  it("call a full KV cache a failure only where requests suffer", () =>
    withTarget(
      [
        ...["calm", "late"].flatMap((pod) => [
          written("vllm:num_requests_running", engine(pod), 9),
          written("vllm:kv_cache_usage_perc", engine(pod), 0.97),
          written("vllm:num_preemptions_total", engine(pod), 4),
        ]),
        written("vllm:num_requests_waiting", engine("calm"), 0),
        written("vllm:num_requests_waiting", engine("late"), 12),
      ],
      async ({ check }) => {
        expect((await check("vllm-kv-cache")).map(({ status }) => status)).toEqual(["warn", "warn"]);
        const failing = await check("vllm-kv-cache-exhausted");
        expect(failing.map(({ status, labels }) => [status, labels.pod])).toEqual([["fail", "late"]]);
      },
    ));

  it("leave the router's borrowed names out", () =>
    withTarget(
      [
        written("vllm:num_requests_running", engine("a"), 4),
        written("vllm:num_requests_running", { namespace: "llm", server: "http://10.0.0.9:8000" }, 40),
      ],
      async ({ check }) => {
        expect(brief(await check("vllm-running"))).toEqual([["ok", "within", 4]]);
      },
    ));
});

describe("the framebuffer alarm", () => {
  const gpu = (index: number, labels: Record<string, string>) => {
    const own = { gpu: String(index), UUID: `GPU-${index}`, Hostname: "node", ...labels };
    return [
      written("DCGM_FI_DEV_SM_CLOCK", own, 1500),
      written("DCGM_FI_DEV_FB_USED", own, 97_000),
      written("DCGM_FI_DEV_FB_FREE", own, 1_000),
    ];
  };
  const pod = (name: string, container = "main") => ({
    exported_namespace: "llm",
    exported_pod: name,
    exported_container: container,
    pod: "dcgm-exporter-x",
  });
  const firing = async (check: (id: string) => Promise<readonly { status: string; labels: object }[]>) =>
    (await check("gpu-framebuffer")).flatMap(({ status, labels }) => (status === "warn" ? [labels] : []));

  it("is silent on vLLM's GPUs and fires on others'", () =>
    withTarget(
      [
        ...gpu(0, pod("llama-7d9")),
        ...gpu(1, pod("trainer-0")),
        ...gpu(2, pod("qwen-0", "vllm")),
        ...gpu(3, pod("my-vllm-0")),
        written("vllm:num_requests_running", engine("llama-7d9"), 1),
      ],
      async ({ check }) => {
        expect(await firing(check)).toEqual([{ Hostname: "node", UUID: "GPU-1", gpu: "1" }]);
      },
    ));

  it("stays silent while vLLM is not scraped for a moment", () =>
    withTarget(
      [
        ...gpu(0, pod("llama-7d9")),
        written("vllm:num_requests_running", engine("llama-7d9"), 1, { from: 50, to: 8 }),
        written("vllm:num_requests_running", { ...engine("other"), namespace: "x" }, 1),
      ],
      async ({ check }) => {
        expect(await firing(check)).toEqual([]);
      },
    ));

  it("fires everywhere where there is no vLLM", () =>
    withTarget([...gpu(0, {}), ...gpu(1, pod("trainer-0"))], async ({ check }) => {
      expect(await firing(check)).toHaveLength(2);
    }));

  it("judges no GPU where labels cannot tell whose it is", () =>
    withTarget(
      [
        ...gpu(0, pod("trainer-0")),
        written("vllm:num_requests_running", { model_name: "m", instance: "10.0.0.5:8000" }, 1),
      ],
      async ({ check }) => {
        expect(await firing(check)).toEqual([]);
      },
    ));
});

describe("GPU probes", () => {
  const own = { gpu: "0", UUID: "GPU-0", hostname: "node" };

  it("read both spellings of Hostname, and drop blank values", () =>
    withTarget(
      [
        written("DCGM_FI_DEV_SM_CLOCK", own, 1500),
        written("DCGM_FI_DEV_GPU_TEMP", own, 91),
        written("DCGM_FI_DEV_GPU_TEMP", { ...own, gpu: "1", UUID: "GPU-1" }, 9.223372036854776e18),
      ],
      async ({ check }) => {
        const verdicts = await check("gpu-temperature");
        expect(verdicts.map(({ status, value, labels }) => [status, value, labels])).toEqual([
          ["fail", 91, { UUID: "GPU-0", gpu: "0", hostname: "node" }],
        ]);
      },
    ));

  it("keep a fatal XID in sight after a harmless one has taken its place", () =>
    withTarget(
      [
        written("DCGM_FI_DEV_SM_CLOCK", own, 1500),
        written("DCGM_FI_DEV_XID_ERRORS", { ...own, err_code: "79" }, 79, { from: 30, to: 12 }),
        written("DCGM_FI_DEV_XID_ERRORS", { ...own, err_code: "31" }, 31, { from: 12 }),
      ],
      async ({ check }) => {
        expect(brief(await check("gpu-xid-fatal"))).toEqual([["fail", "breach", 79]]);
        expect(brief(await check("gpu-xid-application"))).toEqual([["warn", "breach", 31]]);
      },
    ));

  it("read XID codes by value where old exporters have no label for them", () =>
    withTarget(
      [written("DCGM_FI_DEV_SM_CLOCK", own, 1500), written("DCGM_FI_DEV_XID_ERRORS", own, 48)],
      async ({ check }) => {
        expect(brief(await check("gpu-xid-fatal"))).toEqual([["fail", "breach", 48]]);
      },
    ));

  it("take no XID series for no XID, but a dead exporter for neither", () =>
    withTarget([written("DCGM_FI_DEV_SM_CLOCK", own, 1500)], async ({ check }) => {
      expect((await check("gpu-xid-fatal"))[0]).toMatchObject({ status: "ok", value: null });
      await withTarget([written("DCGM_FI_DEV_SM_CLOCK", own, 1500, { from: 30, to: 4 })], async (dead) => {
        expect((await dead.check("gpu-xid-fatal"))[0]).toMatchObject({ status: "unknown", cause: "stale" });
      });
    }));

  it("say that an opt-in metric is not monitored", () =>
    withTarget([written("DCGM_FI_DEV_SM_CLOCK", own, 1500)], async ({ check }) => {
      const [verdict] = await check("gpu-ecc-double-bit");
      expect(verdict).toMatchObject({ status: "unknown", cause: "missing" });
      expect(verdict?.reason).toContain("Not monitored: add DCGM_FI_DEV_ECC_DBE_VOL_TOTAL");
    }));

  it("miss a GPU that has fallen off the bus, on one spelling of the node", () =>
    withTarget(
      [0, 1].map((index) =>
        written(
          "DCGM_FI_DEV_SM_CLOCK",
          { gpu: String(index), UUID: `GPU-${index}`, Hostname: "node" },
          1500,
          index === 0 ? { from: 90 } : { from: 90, to: 12 },
        ),
      ),
      async ({ check }) => {
        expect(brief(await check("gpu-vanished"))).toEqual([["fail", "breach", 1]]);
      },
    ));
});

describe("the picker and the AI gateways", () => {
  it("count no errors as zero for the endpoint picker, by its own family of names", () =>
    withTarget(
      [
        written("inference_pool_ready_pods", { namespace: "llm", name: "pool" }, 2),
        counting("inference_objective_request_total", { namespace: "llm", model_name: "m" }, 5),
      ],
      async ({ check }) => {
        expect(brief(await check("epp-errors"))).toEqual([["ok", "within", 0]]);
      },
    ));

  it("do not take an early Bifrost, which counts no outcomes, for one without errors", () =>
    withTarget(
      [counting("bifrost_upstream_requests_total", { provider: "openai" }, 5)],
      async ({ check }) => {
        expect((await check("bifrost-errors"))[0]).toMatchObject({ status: "unknown", cause: "missing" });
        expect(brief(await check("bifrost-fallbacks"))).toEqual([["ok", "within", 0]]);
      },
    ));

  it("count what was born with its first event", () =>
    withTarget(
      [
        counting("litellm_proxy_total_requests_metric_total", { team_alias: "a" }, 5),
        written(
          "litellm_deployment_failed_fallbacks_total",
          { requested_model: "m", fallback_model: "n" },
          3,
          { from: 4 },
        ),
      ],
      async ({ check }) => {
        expect(brief(await check("litellm-fallbacks-failed"))).toEqual([["fail", "breach", 3]]);
      },
    ));
});

describe("the pipeline's probes", () => {
  it("see targets of the stack that are down, and leave the control plane's alone", () =>
    withTarget(
      [
        written("up", { job: "kube-proxy", instance: "a" }, 0),
        written("up", { job: "models", instance: "b" }, 0, { from: 12 }),
        written("up", { job: "models", instance: "c" }, 1),
        written("vllm:num_requests_running", { ...engine("c"), job: "models" }, 1),
        written("up", { job: "team/epp-monitor", instance: "d" }, 0),
      ],
      async ({ check }) => {
        const down = await check("target-down");
        expect(down.map(({ status, labels }) => [status, labels.instance]).sort()).toEqual([
          ["fail", "b"],
          ["fail", "d"],
        ]);
      },
    ));

  it("see a job that has no targets any more", () =>
    withTarget(
      [
        written("up", { job: "vllm" }, 1, { from: 90, to: 25 }),
        written("up", { job: "dcgm" }, 1, { from: 90 }),
      ],
      async ({ check }) => {
        const jobs = await check("job-vanished");
        expect(jobs.map(({ status, value, labels }) => [labels.job, status, value]).sort()).toEqual([
          ["dcgm", "ok", 1],
          ["vllm", "fail", 0],
        ]);
      },
    ));

  it("fail, rather than not know, where nothing arrives any more", () =>
    withTarget([written("up", { job: "a" }, 1, { from: 50, to: 11 })], async ({ check }) => {
      const [verdict] = await check("data-age");
      expect(verdict?.status).toBe("fail");
      expect(verdict?.value).toBeGreaterThan(10 * 60);
      await withTarget([written("other", {}, 1)], async (empty) => {
        expect(brief(await empty.check("data-age"))).toEqual([["fail", "breach", 3600]]);
      });
    }));
});

it("a quantile's ceiling is what the target's own buckets say", () =>
  withTarget(
    histogram("vllm:time_to_first_token_seconds", engine("a"), [1, 5, 7.5, 10], [0, 0, 0, 0, 2]),
    async ({ client }) => {
      const metric = "vllm:time_to_first_token_seconds_bucket";
      const query = `histogram_quantile(0.99, sum by (le) (rate(${metric}[5m])))`;
      const { data } = await client.queryInstant({ query, at });
      expect(data[0]?.sample.v).toBe(10);
      const bounds = readBucketBounds(
        (await client.queryInstant({ query: bucketBoundsQuery([metric]), at })).data,
      );
      const faults = ceilingFaults(
        { query, levels: [aLevel("warn", "> 5"), aLevel("fail", "> 30")] },
        bounds,
      );
      expect(faults.map(({ level, bounds: reachable }) => [level, reachable.at(-2)])).toEqual([
        ["fail", 7.5],
      ]);
    },
  ));

describe("replicas that are not de-duplicated", () => {
  const scraped = (job: string, instance: string, replica: string) =>
    written("up", { job, instance, prometheus_replica: replica }, 1);

  it("are told where two of them scrape the same", () =>
    withTarget([scraped("vllm", "a", "p-0"), scraped("vllm", "a", "p-1")], async ({ check }) => {
      expect(brief(await check("duplicate-replicas"))).toEqual([["warn", "breach", 2]]);
    }));

  it("are not servers that share the work", () =>
    withTarget([scraped("vllm", "a", "p-0"), scraped("kubelet", "b", "team-0")], async ({ check }) => {
      expect(brief(await check("duplicate-replicas"))).toEqual([["ok", "within", 1]]);
    }));
});
