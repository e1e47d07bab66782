import { describe, expect, it } from "vitest";

import type { WrittenSeries } from "../../shared/adapters/remote-write.ts";
import type { Labels } from "../../shared/domain/series.ts";
import { at, counting, histogram, type PackTarget, withTarget, written } from "../support/pack-target.ts";

const minute = 60_000;
const hour = 60 * minute;

/** A counter over days, in scrapes of a minute; `perSecond` is given how long ago. */
function counted(
  name: string,
  labels: Labels,
  days: number,
  perSecond: (ago: number) => number,
): WrittenSeries {
  const samples = [{ t: at - days * 24 * hour, v: 0 }];
  for (let t = at - days * 24 * hour + minute; t <= at; t += minute) {
    const before = samples.at(-1)?.v ?? 0;
    samples.push({ t, v: before + perSecond(at - t) * 60 });
  }
  return { labels: { __name__: name, ...labels }, samples };
}

/** A counter as it is now and was at the same time yesterday, in scrapes of 15 s. */
function today(
  name: string,
  labels: Labels,
  perSecond: { readonly now: number; readonly yesterday: number },
): WrittenSeries {
  const samples = [];
  const spans = [
    { end: at - 24 * hour, rate: perSecond.yesterday },
    { end: at, rate: perSecond.now },
  ];
  let total = 0;
  for (const { end, rate } of spans)
    for (let t = end - 2.5 * hour; t <= end; t += 15_000) {
      total += rate * 15;
      samples.push({ t, v: total });
    }
  return { labels: { __name__: name, ...labels }, samples };
}

/** Statuses by the value of one label, in its order. */
async function statuses(target: PackTarget, probe: string, label: string): Promise<Record<string, string>> {
  const verdicts = await target.check(probe);
  return Object.fromEntries(verdicts.map(({ status, labels }) => [labels[label] ?? "", status]).sort());
}

/** The value of a probe that has one series. */
async function value(target: PackTarget, probe: string): Promise<number> {
  const verdicts = await target.check(probe);
  expect(verdicts).toHaveLength(1);
  return Number(verdicts[0]?.value?.toPrecision(4));
}

describe("the endpoint picker", () => {
  const ready = written("llm_d_epp_ready_endpoints", { name: "pool" }, 2);
  const request = (model: string) => ({ model_name: model, target_model_name: model, fairness_id: "t" });

  it("names the codes of its failures, and shows nothing where there are none", () =>
    withTarget(
      [
        ready,
        counting("llm_d_epp_request_total", request("m"), 5),
        counting("llm_d_epp_request_error_total", { ...request("m"), error_code: "Internal" }, 0.5),
      ],
      async (target) => {
        expect(await statuses(target, "epp-errors-by-code", "error_code")).toEqual({ Internal: "ok" });
        expect(await value(target, "epp-errors-by-code")).toBe(0.5);
        await withTarget([ready, counting("llm_d_epp_request_total", request("m"), 5)], async (quiet) => {
          expect(await quiet.check("epp-errors-by-code")).toMatchObject([{ status: "ok", value: null }]);
        });
      },
    ));

  it("tells an hour that is slow from one that is not", () =>
    withTarget(
      [
        ready,
        ...histogram("llm_d_epp_request_duration_seconds", request("slow"), [1, 5, 20], [1, 0, 1]),
        ...histogram("llm_d_epp_request_duration_seconds", request("fast"), [1, 5, 20], [1]),
      ],
      async (target) => {
        expect(await statuses(target, "epp-latency-p99-hour", "model_name")).toEqual({
          fast: "ok",
          slow: "warn",
        });
        expect(await statuses(target, "epp-latency-p50", "model_name")).toEqual({ fast: "ok", slow: "ok" });
      },
    ));

  it("warns of what flow control turns away, not of what clients gave up", () => {
    const flow = (priority: string, outcome: string, perSecond: number) =>
      counting(
        "inference_extension_flow_control_request_queue_duration_seconds_count",
        { priority, outcome, fairness_id: "t" },
        perSecond,
      );
    return withTarget(
      [
        written("inference_pool_ready_pods", { name: "pool" }, 2),
        flow("0", "Dispatched", 1),
        flow("0", "EvictedTTL", 0.2),
        flow("1", "Dispatched", 1),
        flow("1", "EvictedContextCancelled", 0.5),
        flow("2", "Dispatched", 0),
        flow("2", "RejectedCapacity", 0),
      ],
      async (target) => {
        expect(await statuses(target, "epp-flow-rejections", "priority")).toEqual({
          "0": "warn",
          "1": "ok",
          "2": "unknown",
        });
      },
    );
  });

  it("warns of model servers whose metrics it does not get", () =>
    withTarget(
      [
        ready,
        written("llm_d_epp_flow_control_stale_endpoints", { detector: "utilization" }, 1),
        written("llm_d_epp_flow_control_stale_endpoints", { detector: "concurrency" }, 0),
        written("llm_d_epp_std_dev_queue_size", { name: "pool" }, 7),
        written("llm_d_epp_prefix_indexer_size", { plugin_name: "p" }, 4096),
        ...histogram("llm_d_epp_prefix_indexer_hit_bytes", { plugin_name: "p" }, [64, 1024, 4096], [0, 0, 1]),
      ],
      async (target) => {
        expect(await statuses(target, "epp-stale-endpoints", "detector")).toEqual({
          concurrency: "ok",
          utilization: "warn",
        });
        expect(await value(target, "epp-queue-spread")).toBe(7);
        expect(await value(target, "epp-prefix-indexer-size")).toBe(4096);
        expect(await value(target, "epp-prefix-indexer-bytes")).toBe(2560);
      },
    ));

  it("sees the mix of decisions turn over, and not that it is the same", () => {
    const decided = (type: string, now: number, yesterday: number) =>
      today("llm_d_epp_disagg_decision_total", { decision_type: type }, { now, yesterday });
    return withTarget(
      [ready, decided("prefill-decode", 0.2, 0.9), decided("decode-only", 0.8, 0.1)],
      async (target) => {
        expect(await statuses(target, "epp-disaggregation-shift", "decision_type")).toEqual({
          "decode-only": "warn",
          "prefill-decode": "warn",
        });
        await withTarget(
          [ready, decided("prefill-decode", 2, 1), decided("decode-only", 2, 1)],
          async (steady) => {
            expect(await statuses(steady, "epp-disaggregation-shift", "decision_type")).toEqual({
              "decode-only": "ok",
              "prefill-decode": "ok",
            });
          },
        );
      },
    );
  });
});

describe("agents", () => {
  it("warn where model calls are slow on average, and fail where requests take over 15 s", () =>
    withTarget(
      [
        ...["slow", "fast"].flatMap((model_name) => [
          counting("llm_call_latency_seconds_count", { model_name, status_code: "200" }, 1),
          counting(
            "llm_call_latency_seconds_sum",
            { model_name, status_code: "200" },
            model_name === "slow" ? 7 : 1,
          ),
        ]),
        ...histogram("agent_request_latency_seconds", {}, [1, 10, 20, 60], [1, 0, 0, 1]),
        counting("agent_request_latency_seconds_count", {}, 2),
      ],
      async (target) => {
        expect(await statuses(target, "agent-llm-call-mean", "model_name")).toEqual({
          fast: "ok",
          slow: "warn",
        });
        expect((await target.check("agent-latency-p99")).map(({ status }) => status)).toEqual(["fail"]);
        expect(await value(target, "agent-llm-calls")).toBe(1);
        expect(await value(target, "agent-requests")).toBe(2);
      },
    ));

  it("count failing tools under either of the guides' names", () =>
    withTarget(
      [
        counting("agent_tool_call_success_total", { tool_name: "search" }, 1),
        counting("agent_tool_call_success_total", { tool_name: "mail" }, 1),
        counting("agent_tool_call_failure_total", { tool_name: "mail" }, 0.1),
      ],
      async (target) => {
        expect(await statuses(target, "agent-tool-failures", "tool_name")).toEqual({
          mail: "warn",
          search: "ok",
        });
        await withTarget(
          [counting("agent_tool_calls_total", { tool_name: "search", status: "failure" }, 0.1)],
          async (other) => {
            expect(await statuses(other, "agent-tool-failures", "tool_name")).toEqual({ search: "warn" });
          },
        );
      },
    ));

  it("compare what cannot have a threshold with the week or the day before", () =>
    withTarget(
      [
        counted("llm_safety_violations_total", {}, 8, (ago) => (ago < 24 * hour ? 0.07 : 0.01)),
        counted("llm_hallucinations_detected_total", {}, 8, () => 0.01),
        today("llm_agent_requests_total", {}, { now: 1, yesterday: 2 }),
      ],
      async (target) => {
        // Seven times as many since a day ago, asked at the last full hour.
        const jump = await value(target, "agent-safety-violations");
        expect(jump).toBeGreaterThan(3.4);
        expect(jump).toBeLessThan(3.9);
        expect(await value(target, "agent-hallucinations")).toBeCloseTo(1, 1);
        expect(await value(target, "agent-requests-vs-yesterday")).toBeCloseTo(0.5, 2);
      },
    ));

  it("show what agents do, and that some of it is not exported", () =>
    withTarget(
      [
        written("agent_active_sessions", { agent_name: "a", tenant_id: "x" }, 3),
        written("agent_active_sessions", { agent_name: "a", tenant_id: "y" }, 4),
        ...histogram("agent_iteration_steps_count", {}, [1, 5, 20], [0, 0, 1]),
        ...histogram("llm_prompt_processing_seconds", {}, [0.1, 1], [1]),
        ...histogram("llm_response_generation_seconds", {}, [1, 10], [0, 1]),
      ],
      async (target) => {
        expect(await value(target, "agent-active-sessions")).toBe(7);
        expect(await value(target, "agent-steps-p95")).toBeGreaterThan(5);
        expect(await value(target, "agent-prompt-processing-p99")).toBeLessThan(0.1);
        expect(await value(target, "agent-response-generation-p99")).toBeGreaterThan(1);
        expect(await target.check("agent-safety-violations")).toMatchObject([
          { status: "unknown", cause: "missing" },
        ]);
      },
    ));

  it("warn where answers have grown by half within a day", () => {
    const model = (model_name: string, yesterday: number) => [
      today("llm_call_latency_seconds_count", { model_name, status_code: "200" }, { now: 1, yesterday: 1 }),
      today("llm_output_tokens_total", { model_name }, { now: 200, yesterday }),
    ];
    return withTarget([...model("verbose", 100), ...model("same", 190)], async (target) => {
      expect(await statuses(target, "agent-output-growth", "model_name")).toEqual({
        same: "ok",
        verbose: "warn",
      });
    });
  });
});

describe("cost", () => {
  const tokens = (model: string, token_type: string, perSecond: number) =>
    counting("llm_tokens_total", { model, token_type, tenant_id: "acme" }, perSecond);

  it("finds the model that the price table does not know", () =>
    withTarget(
      [
        written("up", { job: "app" }, 1),
        tokens("known", "input", 10),
        tokens("known", "output", 5),
        tokens("new", "output", 5),
        tokens("unused", "output", 0),
        counting("llm_cost_dollars_total", { model: "known", tenant_id: "acme" }, 0.01),
      ],
      async (target) => {
        expect(await statuses(target, "app-unpriced-models", "model")).toEqual({ new: "warn" });
        expect(await value(target, "app-tokens-per-tenant")).toBe(20);
        expect(await statuses(target, "app-tokens", "model")).toEqual({
          known: "ok",
          new: "ok",
          unused: "ok",
        });
        await withTarget(
          [
            tokens("known", "output", 5),
            counting("llm_cost_dollars_total", { model: "known", tenant_id: "acme" }, 0.01),
          ],
          async (priced) => {
            expect(await priced.check("app-unpriced-models")).toMatchObject([{ status: "ok", value: null }]);
          },
        );
      },
    ));

  it("reads tokens from two counters as well as from one", () =>
    withTarget(
      [
        written("up", { job: "app" }, 1),
        counting("llm_input_tokens_total", { model_name: "m", app: "chat", namespace: "n" }, 10),
        counting("llm_output_tokens_total", { model_name: "m", app: "chat", namespace: "n" }, 2000),
      ],
      async (target) => {
        expect(await statuses(target, "app-tokens", "token_type")).toEqual({ input: "ok", output: "ok" });
        expect(await statuses(target, "app-output-tokens-per-hour", "app")).toEqual({ chat: "warn" });
      },
    ));

  it("compares the GPUs' cost with last week's", () => {
    const node = (name: string, days: number) =>
      ["node_gpu_hourly_cost", "node_gpu_count"].map((metric) => {
        const samples = [];
        for (let t = at - days * 24 * hour; t <= at; t += minute) samples.push({ t, v: 4 });
        return { labels: { __name__: metric, node: name }, samples };
      });
    return withTarget([...node("old", 8.5), ...node("new", 2)], async (target) => {
      expect(await value(target, "gpu-cost-vs-last-week")).toBeCloseTo(2, 1);
    });
  });
});

describe("Kubernetes and Langfuse", () => {
  const container = (pod: string, name = "vllm") => ({ namespace: "llm", pod, container: name });
  const restarted = (pod: string, name = "vllm") =>
    written("kube_pod_container_status_restarts_total", container(pod, name), (seconds) =>
      seconds < 600 ? 0 : Math.floor((seconds - 600) / 60),
    );
  const killed = (pod: string) =>
    written(
      "kube_pod_container_status_last_terminated_reason",
      { ...container(pod), reason: "OOMKilled" },
      1,
    );
  const backOff = (pod: string, name = "vllm") =>
    written(
      "kube_pod_container_status_waiting_reason",
      { ...container(pod, name), reason: "CrashLoopBackOff" },
      1,
    );
  const info = (pod: string, node: string) => written("kube_pod_info", { namespace: "llm", pod, node }, 1);
  const places = async (target: PackTarget, probe: string) =>
    (await target.check(probe)).map(({ status, labels }) => [labels.pod, status, labels.node]).sort();

  it("say on which node a pod is, where that is known", () =>
    withTarget(
      [
        ...["a", "b"].flatMap((pod) => [restarted(pod), killed(pod), backOff(pod)]),
        backOff("langfuse-worker-0", "langfuse-worker"),
        restarted("langfuse-worker-0", "langfuse-worker"),
        info("a", "n1"),
        info("langfuse-worker-0", "n2"),
      ],
      async (target) => {
        const both = [
          ["a", "fail", "n1"],
          ["b", "fail", undefined],
        ];
        expect(await places(target, "pod-out-of-memory")).toEqual(both);
        expect(await places(target, "pod-crash-loop")).toEqual([
          ...both,
          ["langfuse-worker-0", "fail", "n2"],
        ]);
        expect(await places(target, "langfuse-crash-loop")).toEqual([["langfuse-worker-0", "fail", "n2"]]);
        expect((await places(target, "pod-restarts")).map(([pod, , node]) => [pod, node])).toEqual([
          ["a", "n1"],
          ["b", undefined],
          ["langfuse-worker-0", "n2"],
        ]);
      },
    ));

  it("do without kube_pod_info, and with a pod that two nodes claim", () =>
    withTarget([restarted("a"), killed("a"), restarted("well")], async (target) => {
      expect(await places(target, "pod-out-of-memory")).toEqual([["a", "fail", undefined]]);
      await withTarget([restarted("a"), killed("a"), info("a", "n1"), info("a", "n2")], async (moved) => {
        const [[pod, status, node] = []] = await places(moved, "pod-out-of-memory");
        expect([pod, status]).toEqual(["a", "fail"]);
        expect(["n1", "n2"]).toContain(node);
      });
    }));

  it("miss replicas of databases, in the stack's namespaces only", () => {
    const set = (namespace: string, statefulset: string, ready: number) => [
      written("kube_statefulset_replicas", { namespace, statefulset }, 3),
      written("kube_statefulset_status_replicas_ready", { namespace, statefulset }, ready),
    ];
    return withTarget(
      [
        ...set("llm", "langfuse-clickhouse", 2),
        ...set("llm", "langfuse-postgresql", 3),
        ...set("shop", "orders", 0),
        restarted("a"),
      ],
      async (target) => {
        expect(await statuses(target, "statefulset-replicas", "statefulset")).toEqual({
          "langfuse-clickhouse": "warn",
          "langfuse-postgresql": "ok",
        });
      },
    );
  });

  it("show a container's share of its CPU limit, and none without a limit", () =>
    withTarget(
      [
        counting("container_cpu_usage_seconds_total", { ...container("a"), cpu: "total" }, 1.5),
        counting("container_cpu_usage_seconds_total", { ...container("free"), cpu: "total" }, 1.5),
        written("container_spec_cpu_quota", container("a"), 200_000),
        ...["a", "free"].map((pod) => written("container_spec_cpu_period", container(pod), 100_000)),
      ],
      async (target) => {
        expect(await value(target, "pod-cpu")).toBe(0.75);
      },
    ));

  it("see Langfuse's URL answer badly", () => {
    const asked = (instance: string, success: number) =>
      written("probe_success", { job: "blackbox", instance }, success);
    return withTarget(
      [asked("https://langfuse.example.com/api/public/health", 0), asked("https://shop.example.com", 0)],
      async (target) => {
        expect(await statuses(target, "langfuse-answers", "instance")).toEqual({
          "https://langfuse.example.com/api/public/health": "fail",
        });
        await withTarget([asked("https://langfuse.example.com", 1)], async (well) => {
          expect(await statuses(well, "langfuse-answers", "instance")).toEqual({
            "https://langfuse.example.com": "ok",
          });
        });
      },
    );
  });
});

describe("traces on their way", () => {
  const spans = (name: string, exporter: string, perSecond: number) =>
    counting(`otelcol_exporter_${name}`, { exporter, instance: "10.0.0.1:8888" }, perSecond);

  it.each(["", "_total", "__spans__total"])("are seen to fail under names that end in %j", (suffix) =>
    withTarget(
      [
        spans(`sent_spans${suffix}`, "otlphttp/langfuse", 9),
        spans(`send_failed_spans${suffix}`, "otlphttp/langfuse", 1),
        spans(`sent_spans${suffix}`, "debug", 9),
        spans(`sent_spans${suffix}`, "otlphttp/dead", 0),
        spans(`send_failed_spans${suffix}`, "otlphttp/dead", 9),
      ],
      async (target) => {
        expect(await statuses(target, "trace-export-failures", "exporter")).toEqual({
          debug: "ok",
          "otlphttp/dead": "fail",
          "otlphttp/langfuse": "warn",
        });
      },
    ),
  );

  it("queue up before they are lost", () =>
    withTarget(
      [
        written("otelcol_exporter_queue_size", { exporter: "a", data_type: "traces" }, 900),
        written("otelcol_exporter_queue_size", { exporter: "b", data_type: "traces" }, 9),
        written("otelcol_exporter_queue_capacity", { exporter: "a" }, 1000),
        written("otelcol_exporter_queue_capacity", { exporter: "b" }, 1000),
      ],
      async (target) => {
        expect(await statuses(target, "trace-export-queue", "exporter")).toEqual({ a: "warn", b: "ok" });
      },
    ));

  it("have stopped where there were some a day and an hour ago", () => {
    const received = (cluster: string, last: number) =>
      counted("otelcol_receiver_accepted_spans_total", { cluster, receiver: "otlp" }, 1.2, (ago) =>
        ago < last ? 0 : 5,
      );
    return withTarget([received("stopped", 45 * minute), received("flowing", 0)], async (target) => {
      expect(await statuses(target, "traces-stopped", "cluster")).toEqual({
        flowing: "ok",
        stopped: "warn",
      });
    });
  });
});

describe("gateways, engines and targets", () => {
  it("warn of attempts that Bifrost repeats", () => {
    const tried = (provider: string, number_of_retries: string, perSecond: number) =>
      counting("bifrost_upstream_requests_total", { provider, number_of_retries }, perSecond);
    return withTarget([tried("a", "0", 4), tried("a", "2", 1), tried("b", "0", 4)], async (target) => {
      expect(await statuses(target, "bifrost-retries", "provider")).toEqual({ a: "warn", b: "ok" });
    });
  });

  it("count agentgateway's requests by route", () => {
    const asked = (route: string, perSecond: number) =>
      counting("agentgateway_requests_total", { gateway: "g", route, status: "200" }, perSecond);
    return withTarget([asked("chat", 3), asked("idle", 0)], async (target) => {
      expect(await statuses(target, "agentgateway-requests", "route")).toEqual({ chat: "ok", idle: "ok" });
    });
  });

  it("count vLLM's finished requests", () => {
    const engine = { namespace: "llm", pod: "a", model_name: "m", engine: "0" };
    return withTarget(
      [
        written("vllm:num_requests_running", engine, 1),
        counting("vllm:request_success_total", { ...engine, finished_reason: "stop" }, 2),
        counting("vllm:request_success_total", { ...engine, finished_reason: "abort" }, 1),
      ],
      async (target) => {
        expect(await value(target, "vllm-requests")).toBe(3);
      },
    );
  });

  it("see an application's target down that is known by what it has exposed", () =>
    withTarget(
      [
        written("up", { job: "llm-agent-app", instance: "gone" }, 0, { from: 12 }),
        written("up", { job: "shop", instance: "x" }, 0, { from: 12 }),
        written("up", { job: "llm-agent-app", instance: "here" }, 1),
        counting("agent_request_latency_seconds_count", { job: "llm-agent-app", instance: "here" }, 1),
      ],
      async (target) => {
        expect(await statuses(target, "target-down", "instance")).toEqual({ gone: "fail" });
      },
    ));
});
