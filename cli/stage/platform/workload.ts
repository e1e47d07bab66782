import { meanOf } from "./distribution.ts";
import { chance, during, type Flow, hour, minute, scale, traffic } from "./flow.ts";
import { type ByKind, models } from "./models.ts";
import { plot } from "./storyline.ts";
import { type VllmPod, vllmPods } from "./topology.ts";

/** A stretch during which one process of a pod answers; its counters start at zero. */
interface Life {
  readonly from: number;
  readonly to: number;
}

/** Light, heavy and slow requests, as in ByKind. */
export type Counts = readonly [number, number, number];

/** The requests of one vLLM pod over time. */
export interface Workload {
  readonly pod: VllmPod;
  readonly flows: readonly [Flow, Flow, Flow];
  /** Requests per second over its daily mean; 1 is an average moment. */
  load(t: number): number;
  /** 0 normally, up to 1 while the pod is overloaded. */
  strain(t: number): number;
  /** The start of the process that answers at a time, or null while there is none. */
  startedAt(t: number): number | null;
  /** Requests since that process started. */
  served(t: number): Counts;
  /** Requests between two times, whichever process served them. */
  servedBetween(from: number, to: number): Counts;
  /** Container restarts up to a time. */
  restarts(t: number): number;
}

export function buildWorkloads(seed: number, epoch: number): Workload[] {
  return vllmPods.map((pod) => buildWorkload(seed, epoch, pod));
}

function buildWorkload(seed: number, epoch: number, pod: VllmPod): Workload {
  const { rate } = models[pod.model];
  const light = traffic(seed, epoch, pod.name, rate * (0.92 + 0.1 * chance(seed, `${pod.name}/share`)));
  const heavy = traffic(seed, epoch, `${pod.name}/heavy`, rate * 0.045);
  const regression = pod.model === "llama" ? plot(epoch).regressionFrom : Number.POSITIVE_INFINITY;
  const flows: [Flow, Flow, Flow] = [
    reducedFrom(light, regression),
    reducedFrom(heavy, regression),
    scale(during(light, regression, Number.POSITIVE_INFINITY), slowShare),
  ];
  const lives = livesOf(epoch, pod, seed);
  const lifeAt = (t: number) => lives.find((life) => t >= life.from && t < life.to);
  const totals = (from: number, to: number): Counts => [
    flows[0].total(from, to),
    flows[1].total(from, to),
    flows[2].total(from, to),
  ];
  return {
    pod,
    flows,
    load: (t) => light.rate(t) / rate,
    strain: (t) => Math.max(0, Math.min(1, (t - regression) / (5 * minute))),
    startedAt: (t) => lifeAt(t)?.from ?? null,
    served: (t) => {
      const life = lifeAt(t);
      return life ? totals(life.from, t) : [0, 0, 0];
    },
    servedBetween: (from, to) =>
      lives
        .map((life) => totals(Math.max(from, life.from), Math.min(to, life.to)))
        .reduce<Counts>((a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]], [0, 0, 0]),
    restarts: (t) => lives.filter((life) => life.from <= t).length - 1,
  };
}

const slowShare = 0.75;

function reducedFrom(flow: Flow, from: number): Flow {
  const before = during(flow, Number.NEGATIVE_INFINITY, from);
  const after = scale(during(flow, from, Number.POSITIVE_INFINITY), 1 - slowShare);
  return {
    rate: (t) => before.rate(t) + after.rate(t),
    total: (a, b) => before.total(a, b) + after.total(a, b),
  };
}

function livesOf(epoch: number, pod: VllmPod, seed: number): Life[] {
  const restarts = plot(epoch)
    .restarts.filter((restart) => restart.pod.name === pod.name)
    .sort((a, b) => a.down - b.down);
  const born = epoch - (40 + 50 * chance(seed, `${pod.name}/age`)) * hour;
  const starts = [born, ...restarts.map((restart) => restart.up)];
  return starts.map((from, index) => ({
    from: Math.round(from / 1000) * 1000,
    to: restarts[index]?.down ?? Number.POSITIVE_INFINITY,
  }));
}

/** A quantity added up over requests, each counting its kind's mean. */
export function weighed(counts: Counts, kinds: ByKind): number {
  return counts[0] * meanOf(kinds[0]) + counts[1] * meanOf(kinds[1]) + counts[2] * meanOf(kinds[2]);
}
