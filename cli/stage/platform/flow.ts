/** Something that happens over time: how fast at a moment, and how much between two. Times are Unix ms. */
export interface Flow {
  /** Per second. */
  rate(t: number): number;
  /** Never negative, and additive: the total of two adjoining spans is the sum of theirs. */
  total(from: number, to: number): number;
}

/** A swing around the mean: `depth` is its share of the mean, `peak` a time at which it is highest. */
interface Wave {
  readonly period: number;
  readonly depth: number;
  readonly peak: number;
}

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/**
 * A flow that swings around a mean. It has a closed integral, so a counter is a pure function of time: any
 * moment can be asked for alone, and the history and the live exporter cannot drift apart.
 */
function waves(mean: number, parts: readonly Wave[]): Flow {
  const angle = (wave: Wave, t: number) => (2 * Math.PI * (t - wave.peak)) / wave.period;
  const swing = (t: number) =>
    parts.reduce(
      (sum, wave) => sum + ((wave.depth * wave.period) / (2 * Math.PI)) * Math.sin(angle(wave, t)),
      0,
    );
  return {
    rate: (t) => mean * parts.reduce((sum, wave) => sum + wave.depth * Math.cos(angle(wave, t)), 1),
    total: (from, to) => (to > from ? (mean / 1000) * (to - from + swing(to) - swing(from)) : 0),
  };
}

export function scale(flow: Flow, factor: number): Flow {
  return { rate: (t) => flow.rate(t) * factor, total: (from, to) => flow.total(from, to) * factor };
}

/** The flow inside [from, to), nothing outside. */
export function during(flow: Flow, from: number, to: number): Flow {
  return {
    rate: (t) => (t >= from && t < to ? flow.rate(t) : 0),
    total: (a, b) => flow.total(Math.max(a, from), Math.min(b, to)),
  };
}

export function sum(flows: readonly Flow[]): Flow {
  return {
    rate: (t) => flows.reduce((total, flow) => total + flow.rate(t), 0),
    total: (from, to) => flows.reduce((total, flow) => total + flow.total(from, to), 0),
  };
}

/** A number in [0, 1) that depends on the seed and the name only, so that adding a series changes no other. */
export function chance(seed: number, name: string): number {
  let hash = 2166136261 ^ seed;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * The day of one stream of requests, with its faster swings. The daily peak lies an hour before the anchor
 * rather than at an hour of the clock, so that the stage is busy whenever it is started.
 */
export function traffic(seed: number, epoch: number, name: string, mean: number): Flow {
  const swings = [
    { period: 3.3 * hour, depth: 0.09 },
    { period: 41 * minute, depth: 0.07 },
    { period: 11 * minute, depth: 0.06 },
    { period: 4.1 * minute, depth: 0.05 },
  ];
  return waves(mean, [
    { period: day, depth: 0.42, peak: epoch - hour },
    ...swings.map((swing, index) => ({
      ...swing,
      peak: epoch - swing.period * chance(seed, `${name}/${index}`),
    })),
  ]);
}
