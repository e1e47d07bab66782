/** A log-normal distribution: what request sizes and latencies look like. */
export interface Distribution {
  readonly median: number;
  /** Of the logarithm: 0.5 puts the 99th percentile at 3.2 times the median. */
  readonly sigma: number;
}

export function logNormal(median: number, sigma: number): Distribution {
  return { median, sigma };
}

export function meanOf({ median, sigma }: Distribution): number {
  return median * Math.exp((sigma * sigma) / 2);
}

/** The share of values at or below each bound; bounds ascend, and so do the shares. */
export function sharesBelow({ median, sigma }: Distribution, bounds: readonly number[]): number[] {
  let floor = 0;
  return bounds.map((bound) => {
    const share = bound === Number.POSITIVE_INFINITY ? 1 : normalBelow(Math.log(bound / median) / sigma);
    floor = Math.max(floor, Math.min(1, share));
    return floor;
  });
}

/** Abramowitz and Stegun 7.1.26, good to 1.5e-7. */
function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const k = 1 / (1 + 0.3275911 * x);
  const poly =
    k * (0.254829592 + k * (-0.284496736 + k * (1.421413741 + k * (-1.453152027 + k * 1.061405429))));
  const erf = 1 - poly * Math.exp(-x * x);
  return z < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}
