import { expect, test } from "vitest";

import { minute } from "../../../../cli/stage/platform/flow.ts";
import { buildPlatform } from "../../../../cli/stage/platform/platform.ts";
import { plot, storyline } from "../../../../cli/stage/platform/storyline.ts";
import { storedLabels } from "../../../../cli/stage/platform/target.ts";

const epoch = 1_790_000_100_000;
const platform = buildPlatform(1, epoch);

const expected: Readonly<Record<string, readonly string[]>> = {
  vllm: [
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
    "vllm:engine_sleep_state",
    "vllm:cache_config_info",
    "vllm:num_preemptions_total",
    "vllm:prompt_tokens_total",
    "vllm:prompt_tokens_created",
    "vllm:prompt_tokens_by_source_total",
    "vllm:prompt_tokens_cached_total",
    "vllm:generation_tokens_total",
    "vllm:request_success_total",
    "vllm:request_success_created",
    "vllm:prefix_cache_hits_total",
    "vllm:prefix_cache_queries_total",
    "vllm:external_prefix_cache_hits_total",
    "vllm:external_prefix_cache_queries_total",
    "vllm:iteration_tokens_total",
    "vllm:iteration_tokens_total_created",
    "vllm:time_to_first_token_seconds",
    "vllm:inter_token_latency_seconds",
    "vllm:request_time_per_output_token_seconds",
    "vllm:e2e_request_latency_seconds",
    "vllm:request_queue_time_seconds",
    "vllm:request_prefill_time_seconds",
    "vllm:request_decode_time_seconds",
    "vllm:request_inference_time_seconds",
    "vllm:request_prompt_tokens",
    "vllm:request_generation_tokens",
    "vllm:estimated_flops_per_gpu_total",
    "http_requests_total",
    "process_start_time_seconds",
  ],
  "dcgm-exporter": [
    "DCGM_FI_DEV_SM_CLOCK",
    "DCGM_FI_DEV_MEM_CLOCK",
    "DCGM_FI_DEV_MEMORY_TEMP",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_DEV_XID_ERRORS",
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
    "DCGM_FI_DEV_ROW_REMAP_FAILURE",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    "DCGM_FI_PROF_DRAM_ACTIVE",
  ],
  "kgateway-proxy": [
    "envoy_http_downstream_rq_total",
    "envoy_http_downstream_rq_completed",
    "envoy_http_downstream_rq_xx",
    "envoy_http_downstream_rq_time",
    "envoy_cluster_upstream_rq_total",
    "envoy_cluster_upstream_rq_completed",
    "envoy_cluster_upstream_rq_xx",
    "envoy_cluster_upstream_rq",
    "envoy_cluster_upstream_rq_time",
    "envoy_cluster_upstream_rq_timeout",
    "envoy_cluster_upstream_rq_pending_active",
    "envoy_cluster_upstream_cx_active",
    "envoy_cluster_upstream_cx_connect_fail",
    "envoy_cluster_upstream_cx_none_healthy",
    "envoy_cluster_membership_healthy",
    "envoy_cluster_membership_total",
    "envoy_cluster_circuit_breakers_default_cx_open",
    "envoy_server_live",
    "envoy_server_days_until_first_cert_expiring",
  ],
  kgateway: [
    "kgateway_resources_managed",
    "kgateway_controller_reconciliations_total",
    "kgateway_translator_translations_total",
    "kgateway_status_syncer_status_syncs_total",
    "kgateway_resources_updates_dropped_total",
  ],
  bifrost: [
    "bifrost_upstream_requests_total",
    "bifrost_success_requests_total",
    "bifrost_error_requests_total",
    "bifrost_upstream_latency_seconds",
    "bifrost_stream_first_token_latency_seconds",
    "bifrost_stream_inter_token_latency_seconds",
    "bifrost_input_tokens_total",
    "bifrost_output_tokens_total",
    "bifrost_cost_total",
    "bifrost_cache_hits_total",
  ],
  "llm-api": ["llm_tokens_total", "llm_cost_dollars_total"],
  opencost: ["node_gpu_hourly_cost", "node_gpu_count", "node_total_hourly_cost", "container_gpu_allocation"],
  "kube-state-metrics": [
    "kube_node_status_allocatable",
    "kube_node_status_capacity",
    "kube_node_status_condition",
    "kube_node_spec_unschedulable",
    "kube_pod_status_phase",
    "kube_pod_container_info",
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_waiting_reason",
    "kube_pod_container_status_last_terminated_reason",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
  ],
  kubelet: ["container_memory_working_set_bytes", "kubelet_volume_stats_available_bytes"],
  prometheus: [
    "prometheus_remote_storage_queue_highest_timestamp_seconds",
    "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
    "prometheus_remote_storage_samples_failed_total",
    "prometheus_remote_storage_shards_desired",
    "prometheus_remote_storage_shards_max",
    "prometheus_rule_evaluation_failures_total",
  ],
};

test.each(Object.entries(expected))("%s exposes the families that probes ask for", (job, families) => {
  const targets = platform.filter((target) => target.job === job);
  expect(targets.length).toBeGreaterThan(0);
  const names = new Set(targets.flatMap((target) => target.families.map(({ name }) => name)));
  expect(families.filter((name) => !names.has(name))).toEqual([]);
});

test("the exporter of GPUs is attributed apart from the pods that use them", () => {
  const target = platform.find(({ job }) => job === "dcgm-exporter");
  const labels = target && storedLabels(target, target.families[0]?.series[0]?.labels ?? {});
  expect(labels).toMatchObject({
    job: "dcgm-exporter",
    namespace: "gpu-operator",
    exported_namespace: "inference",
    exported_container: "vllm",
    modelName: "NVIDIA H100 80GB HBM3",
    gpu: "0",
  });
  expect(labels?.exported_pod).toMatch(/^llama-/);
});

test("an XID has no series before it happens, and keeps its code afterwards", () => {
  const { xid } = plot(epoch);
  const target = platform.find(({ labels }) => labels.pod === xid.gpu.node.exporterPod);
  const series = target?.families.flatMap((family) => family.series) ?? [];
  const index = series.findIndex(({ name }) => name === "DCGM_FI_DEV_XID_ERRORS");
  const at = (t: number) => target?.read(t)?.[index];
  expect(series[index]?.labels).toMatchObject({ UUID: xid.gpu.uuid, err_code: "94" });
  expect([at(xid.at - minute), at(xid.at + minute), at(epoch + minute)]).toEqual([Number.NaN, 94, 94]);
});

test("the storyline tells everything in order and names what it happens to", () => {
  const events = storyline(epoch);
  expect(events.map(({ name }) => name)).toEqual([
    "pod-restart",
    "pod-restart",
    "pod-restart",
    "xid",
    "ttft-regression",
    "gpu-heat",
    "gateway-5xx",
  ]);
  expect(events.every(({ from }, index) => from >= (events[index - 1]?.from ?? 0))).toBe(true);
  expect(events.filter(({ to }) => to === null).map(({ from }) => (epoch - from) / minute)).toEqual([
    40, 25, 20, 12,
  ]);
});
