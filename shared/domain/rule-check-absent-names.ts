import { matchersIn, metricsIn } from "./promql-tree.ts";
import type { RuleCheck } from "./rule-check.ts";

interface AbsentName {
  readonly name: RegExp;
  readonly why: string;
  /** What to write; `$1` and so on stand for what the name's pattern caught. */
  readonly write: string;
}

const suffix = "(_bucket|_sum|_count)?";

/** Names that guides use and no exporter has, or has no more. The first that fits says it. */
const absentNames: readonly AbsentName[] = [
  {
    name: /^vllm[_:]request_failure_total$/,
    why: "vLLM counts no failures",
    write: 'vllm:request_success_total{finished_reason="error"} over vllm:request_success_total',
  },
  {
    name: RegExp(`^vllm[_:]time_per_output_token_seconds${suffix}$`),
    why: "vLLM 0.12 hides it",
    write: "vllm:inter_token_latency_seconds$1, from 0.10.2 on",
  },
  {
    name: /^vllm[_:]gpu_cache_usage_perc$/,
    why: "vLLM 0.12 has it no more",
    write: "vllm:kv_cache_usage_perc, from 0.9.2 on",
  },
  {
    name: /^vllm[_:](num_preemptions|prefix_cache_hits|prefix_cache_queries)$/,
    why: "counters are exposed with _total",
    write: "vllm:$1_total",
  },
  {
    name: /^vllm_(\w+)$/,
    why: "vLLM writes a colon after its prefix, and only a relabel rule or an agent makes it an underscore",
    write: "vllm:$1",
  },
  {
    name: /^DCGM_FI_DEV_FB_TOTAL$/,
    why: "no default counter list of dcgm-exporter has it",
    write: "(DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)",
  },
  {
    name: /^nvidia_gpu_duty_cycle$/,
    why: "it is GKE's",
    write: "DCGM_FI_DEV_GPU_UTIL",
  },
  {
    name: /^gpu_utilization_percentage$/,
    why: "no exporter has it",
    write: "DCGM_FI_DEV_GPU_UTIL",
  },
  {
    name: /^gpu_memory_usage_bytes$/,
    why: "no exporter has it",
    write: "DCGM_FI_DEV_FB_USED * 1048576",
  },
  {
    name: /^kgateway_requests_total$/,
    why: "kgateway_* is the control plane",
    write: "envoy_http_downstream_rq_total of the proxies",
  },
  {
    name: /^kgateway_upstream_rq_5xx$/,
    why: "kgateway_* is the control plane",
    write:
      'envoy_http_downstream_rq_xx{envoy_response_code_class="5"} over envoy_http_downstream_rq_completed',
  },
  {
    name: RegExp(`^kgateway_request_duration_seconds${suffix}$`),
    why: "kgateway_* is the control plane",
    write: "envoy_cluster_upstream_rq_time$1 of the proxies, in milliseconds",
  },
  {
    name: /^kgateway_upstream_cx_active$/,
    why: "kgateway_* is the control plane",
    write: "envoy_cluster_upstream_cx_active of the proxies",
  },
  {
    name: /^bifrost_requests_total$/,
    why: "Bifrost counts attempts at providers",
    write: "bifrost_upstream_requests_total",
  },
  {
    name: /^node_gpu_cost_(per_hour|hourly)$/,
    why: "OpenCost's price is for one GPU",
    write: "node_gpu_hourly_cost * on (node) node_gpu_count",
  },
  {
    name: RegExp(`^inference_extension_scheduler_plugin_duration_seconds${suffix}$`),
    why: "the inference extension 1.0 renamed it",
    write: "inference_extension_plugin_duration_seconds$1",
  },
  {
    name: /^inference_model_(\w+)$/,
    why: "the inference extension 1.1 renamed it",
    write: "inference_objective_$1, or llm_d_epp_$1 with llm-d's router",
  },
];

/** A metric that is not there: the rule can never fire, and says nothing. */
export const absentMetrics: RuleCheck = ({ tree, expr }) =>
  metricsIn(tree, expr).flatMap((metric) => {
    const known = absentNames.find(({ name }) => name.test(metric));
    if (!known) return [];
    const { name, why, write } = known;
    return [`${metric} is not there (${why}): write ${metric.replace(name, write)}`];
  });

/** A label that its metrics do not have: a matcher on it selects all or nothing. */
export const absentLabels: RuleCheck = ({ tree, expr }) =>
  matchersIn(tree, expr).some(({ label }) => label === "target_model") &&
  metricsIn(tree, expr).some((metric) => /^(inference_(model|objective)|llm_d_epp)_/.test(metric))
    ? ["the endpoint picker has no label target_model: write target_model_name"]
    : [];
