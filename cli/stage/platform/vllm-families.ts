import { type Distribution, meanOf } from "./distribution.ts";
import type { EngineState } from "./engine.ts";
import {
  counter,
  counters,
  type Family,
  gauge,
  type HistogramShape,
  histogram,
  pythonNumber,
} from "./family.ts";
import type { ByKind, ModelProfile } from "./models.ts";
import { cacheConfig } from "./vllm-process.ts";
import { weighed } from "./workload.ts";

type Families = Family<EngineState>[];

const bounds = {
  firstToken: [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160,
    640, 2560,
  ],
  perToken: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  request: [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680],
  tokens: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
  stepTokens: [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384],
  candidates: [1, 2, 5, 10, 20],
} as const;

/** The engine's own families, as vLLM's V1 engine exposes them since 0.11. */
export function vllmFamilies(model: ModelProfile): Families {
  const labels = { engine: "0", model_name: model.servedName };
  return [...gauges(model, labels), ...tokenCounters(model, labels), ...histograms(model, labels)];
}

type Own = Readonly<Record<string, string>>;

function gauges(model: ModelProfile, labels: Own): Families {
  const asleep = ["weights_offloaded", "discard_all"].map((state) =>
    gauge<EngineState>("vllm:engine_sleep_state", { ...labels, sleep_state: state }, () => 0),
  );
  return [
    gauge("vllm:num_requests_running", labels, (engine) => engine.running),
    gauge("vllm:num_requests_waiting", labels, (engine) => engine.waiting),
    gauge("vllm:engine_sleep_state", { ...labels, sleep_state: "awake" }, () => 1),
    ...asleep,
    gauge("vllm:kv_cache_usage_perc", labels, (engine) => Math.round(engine.cacheUsage * 1e4) / 1e4),
    gauge("vllm:cache_config_info", cacheConfig(model), () => 1),
  ];
}

function tokenCounters(model: ModelProfile, labels: Own): Families {
  const prompt = (share: number) => (engine: EngineState) => engine.promptTokens * share;
  const none = () => 0;
  const finished = (share: number) => (engine: EngineState) => requests(engine) * share;
  const plain: Readonly<Record<string, (engine: EngineState) => number>> = {
    "vllm:estimated_flops_per_gpu_total": (engine) =>
      (2 * model.parameters * (engine.promptTokens + engine.outputTokens)) / 4,
    "vllm:estimated_read_bytes_per_gpu_total": (engine) => (2 * model.parameters * engine.outputTokens) / 40,
    "vllm:estimated_write_bytes_per_gpu_total": (engine) =>
      81_920 * (engine.promptTokens + engine.outputTokens),
    "vllm:prefix_cache_queries_total": prompt(1),
    "vllm:prefix_cache_hits_total": prompt(model.prefixHits),
    "vllm:external_prefix_cache_queries_total": none,
    "vllm:external_prefix_cache_hits_total": none,
    "vllm:mm_cache_queries_total": none,
    "vllm:mm_cache_hits_total": none,
    "vllm:num_preemptions_total": (engine) => engine.served[2] * 0.05,
    "vllm:prompt_tokens_total": prompt(1),
    "vllm:prompt_tokens_cached_total": prompt(model.prefixHits),
    "vllm:prompt_tokens_recomputed_total": none,
    "vllm:generation_tokens_total": (engine) => engine.outputTokens,
  };
  const bySource = {
    local_compute: prompt(1 - model.prefixHits),
    local_cache_hit: prompt(model.prefixHits),
    external_kv_transfer: none,
  };
  const byReason = {
    stop: finished(0.826),
    length: finished(0.145),
    abort: finished(0.0285),
    error: finished(0.0005),
    repetition: none,
  };
  return [
    ...Object.entries(plain).flatMap(([name, value]) => withTwin(name, counter(name, labels, value))),
    ...withTwins(counters("vllm:prompt_tokens_by_source_total", "source", bySource, labels)),
    ...withTwins(counters("vllm:request_success_total", "finished_reason", byReason, labels)),
  ];
}

function histograms(model: ModelProfile, labels: Own): Families {
  const each = (name: string, shape: Omit<HistogramShape<EngineState>, "writeBound">) =>
    withTwin(name, histogram(name, labels, { ...shape, writeBound: pythonNumber }));
  const perRequest = (name: string, kinds: ByKind, steps: readonly number[]) =>
    each(name, { bounds: steps, kinds, counts: (engine) => engine.served });
  const sizes = (name: string, kinds: ByKind) =>
    each(name, {
      bounds: bounds.tokens,
      kinds,
      counts: (engine) => engine.served,
      sum: (engine) => Math.floor(weighed(engine.served, kinds)),
    });
  const gaps = model.outputTokens.map((kind) => meanOf(kind) - 1);
  const all = (kind: Distribution, factor = 1) => ({
    kinds: [kind],
    counts: (engine: EngineState) => [requests(engine) * factor],
  });
  return [
    ...sizes("vllm:request_prompt_tokens", model.promptTokens),
    ...sizes("vllm:request_generation_tokens", model.outputTokens),
    ...each("vllm:iteration_tokens_total", {
      bounds: bounds.stepTokens,
      ...all(model.stepTokens, model.stepsPerRequest),
      sum: (engine) => Math.floor(engine.promptTokens) + Math.floor(engine.outputTokens),
    }),
    ...sizes("vllm:request_max_num_generation_tokens", model.outputTokens),
    ...each("vllm:request_params_n", {
      bounds: bounds.candidates,
      ...all(justBelowOne),
      sum: (engine) => Math.floor(requests(engine)),
    }),
    ...each("vllm:request_params_max_tokens", { bounds: bounds.tokens, ...all({ median: 700, sigma: 0.5 }) }),
    ...perRequest("vllm:time_to_first_token_seconds", model.firstToken, bounds.firstToken),
    ...each("vllm:inter_token_latency_seconds", {
      bounds: bounds.perToken,
      kinds: model.interToken,
      counts: (engine) => engine.served.map((count, kind) => count * (gaps[kind] ?? 0)),
    }),
    ...perRequest("vllm:request_time_per_output_token_seconds", model.interToken, bounds.perToken),
    ...perRequest("vllm:e2e_request_latency_seconds", model.endToEnd, bounds.request),
    ...perRequest("vllm:request_queue_time_seconds", model.queue, bounds.request),
    ...perRequest("vllm:request_inference_time_seconds", model.inference, bounds.request),
    ...perRequest("vllm:request_prefill_time_seconds", model.prefill, bounds.request),
    ...perRequest("vllm:request_decode_time_seconds", model.decode, bounds.request),
    ...sizes("vllm:request_prefill_kv_computed_tokens", model.promptTokens),
  ];
}

/** Everybody asks for one completion; the bound itself would halve the bucket. */
const justBelowOne: Distribution = { median: 0.9999, sigma: 1e-6 };

function requests(engine: EngineState): number {
  return engine.served[0] + engine.served[1] + engine.served[2];
}

/** Python's client writes beside every counter and histogram when it was created. */
function withTwin(name: string, family: Family<EngineState>): Families {
  const own = family.cells[0]?.labels ?? {};
  const { le: _, ...labels } = own;
  const created = `${name.replace(/_total$/, family.type === "counter" ? "" : "_total")}_created`;
  return [family, gauge(created, labels, (engine) => engine.startedAt / 1000 - 5)];
}

function withTwins(families: Families): Families {
  return families.flatMap((family) => withTwin(family.name, family));
}
