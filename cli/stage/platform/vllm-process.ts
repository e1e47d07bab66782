import type { EngineState } from "./engine.ts";
import { amount, counters, type Family, gauge, histogram, pythonNumber } from "./family.ts";
import type { ModelProfile } from "./models.ts";

const highResolution = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60,
];

/** The families of the API server and of its Python process. */
export function apiFamilies(model: ModelProfile): Family<EngineState>[] {
  const share = (part: number) => (engine: EngineState) =>
    (engine.served[0] + engine.served[1] + engine.served[2]) * part;
  const seconds = (engine: EngineState) => (engine.at - engine.startedAt) / 1000;
  const completions = { "2xx": share(0.9855), "4xx": share(0.014), "5xx": share(0.0005) };
  return [
    ...counters("http_requests_total", "status", completions, {
      handler: "/v1/chat/completions",
      method: "POST",
    }),
    ...counters<EngineState>(
      "http_requests_total",
      "status",
      { "2xx": (engine) => seconds(engine) / 30 },
      {
        handler: "/v1/models",
        method: "GET",
      },
    ),
    histogram(
      "http_request_duration_highr_seconds",
      {},
      {
        bounds: highResolution,
        writeBound: pythonNumber,
        kinds: model.endToEnd,
        counts: (engine) => engine.served,
      },
    ),
    gauge("python_info", pythonVersion, () => 1),
    gauge("process_start_time_seconds", {}, (engine) => engine.startedAt / 1000 - 75),
    gauge("process_resident_memory_bytes", {}, () => 9_035_190_272),
    amount("process_cpu_seconds_total", {}, (engine) => 60 + 1.4 * seconds(engine)),
    gauge("process_open_fds", {}, (engine) => 48 + engine.running),
    gauge("process_max_fds", {}, () => 1_048_576),
  ];
}

const pythonVersion = {
  implementation: "CPython",
  major: "3",
  minor: "12",
  patchlevel: "11",
  version: "3.12.11",
};

/** The labels of `vllm:cache_config_info`. */
export function cacheConfig(model: ModelProfile): Record<string, string> {
  return {
    engine: "0",
    block_size: "16",
    cache_dtype: "auto",
    calculate_kv_scales: "False",
    cpu_offload_gb: "0",
    enable_prefix_caching: "True",
    gpu_memory_utilization: "0.9",
    is_attention_free: "False",
    kv_cache_memory_bytes: "None",
    kv_sharing_fast_prefill: "False",
    mamba_cache_dtype: "auto",
    num_cpu_blocks: "None",
    num_gpu_blocks: String(model.cacheBlocks),
    num_gpu_blocks_override: "None",
    prefix_caching_hash_algo: "sha256",
    sliding_window: "None",
    swap_space: "4.0",
  };
}
