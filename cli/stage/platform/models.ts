import { type Distribution, logNormal } from "./distribution.ts";
import type { ModelName } from "./topology.ts";

/** One distribution for each kind of request: light, heavy, and slow ones of an overloaded server. */
export type ByKind = readonly [light: Distribution, heavy: Distribution, slow: Distribution];

/** What a model's requests are like. Times in seconds, sizes in tokens. */
export interface ModelProfile {
  readonly servedName: string;
  /** Requests per second and pod, as a daily mean. */
  readonly rate: number;
  readonly firstToken: ByKind;
  readonly queue: ByKind;
  readonly prefill: ByKind;
  readonly decode: ByKind;
  readonly inference: ByKind;
  readonly endToEnd: ByKind;
  readonly interToken: ByKind;
  readonly promptTokens: ByKind;
  readonly outputTokens: ByKind;
  /** Tokens of one engine step, and how many steps a request takes of the shared batch. */
  readonly stepTokens: Distribution;
  readonly stepsPerRequest: number;
  /** Share of prompt tokens found in the prefix cache. */
  readonly prefixHits: number;
  readonly cacheBlocks: number;
  readonly parameters: number;
  /** What tenants are charged, in USD for a million tokens. */
  readonly price: { readonly input: number; readonly output: number };
}

type Pair = readonly [median: number, sigma: number];
function kinds(light: Pair, heavy: Pair, slow: Pair = heavy): ByKind {
  return [logNormal(...light), logNormal(...heavy), logNormal(...slow)];
}

export const models: Readonly<Record<ModelName, ModelProfile>> = {
  llama: {
    servedName: "meta-llama/Llama-3.1-70B-Instruct",
    rate: 1.6,
    firstToken: kinds([0.27, 0.45], [1.05, 0.4], [5.6, 0.45]),
    queue: kinds([0.004, 0.9], [0.3, 0.6], [4.3, 0.5]),
    prefill: kinds([0.25, 0.4], [0.65, 0.35], [1.15, 0.35]),
    decode: kinds([2.1, 0.44], [3.3, 0.32], [4.3, 0.34]),
    inference: kinds([2.35, 0.42], [3.9, 0.3], [5.5, 0.32]),
    // Below 10 s at the 99th percentile on a good day, and below 30 s on a bad one.
    endToEnd: kinds([2.4, 0.42], [4.2, 0.3], [10.3, 0.32]),
    interToken: kinds([0.024, 0.3], [0.038, 0.35], [0.046, 0.4]),
    promptTokens: kinds([850, 0.8], [3200, 0.5], [1000, 0.8]),
    outputTokens: kinds([88, 0.5], [130, 0.5], [90, 0.5]),
    stepTokens: logNormal(18, 1.17),
    stepsPerRequest: 40,
    prefixHits: 0.46,
    cacheBlocks: 58_214,
    parameters: 70.6e9,
    price: { input: 0.28, output: 0.42 },
  },
  qwen: {
    servedName: "Qwen/Qwen2.5-7B-Instruct",
    rate: 4.2,
    firstToken: kinds([0.085, 0.45], [0.36, 0.4]),
    queue: kinds([0.002, 0.9], [0.12, 0.6]),
    prefill: kinds([0.08, 0.4], [0.24, 0.35]),
    decode: kinds([1.5, 0.55], [2.9, 0.45]),
    inference: kinds([1.6, 0.54], [3.2, 0.43]),
    endToEnd: kinds([1.65, 0.54], [3.3, 0.43]),
    interToken: kinds([0.011, 0.3], [0.018, 0.35]),
    promptTokens: kinds([420, 0.8], [2100, 0.5]),
    outputTokens: kinds([130, 0.6], [190, 0.6]),
    stepTokens: logNormal(17, 1.05),
    stepsPerRequest: 26,
    prefixHits: 0.58,
    cacheBlocks: 265_402,
    parameters: 7.6e9,
    price: { input: 0.09, output: 0.27 },
  },
};
