const bars = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
const middle = bars[3];

/**
 * Values as a row of bars, lowest to highest, at most `width` characters. Gaps are spaces. Where there are more
 * values than characters, each stands for several and shows the one farthest from the mean, so that a spike
 * stays a spike.
 */
export function sparkline(values: readonly (number | null)[], width: number): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || width <= 0) return "";
  const [low, high] = extent(known);
  const mean = known.reduce((sum, value) => sum + value / known.length, 0);
  return buckets(values, Math.min(width, values.length))
    .map((bucket) => farthest(bucket, mean))
    .map((value) => (value === null ? " " : barOf(value, low, high)))
    .join("");
}

/** The lowest and the highest of some values, of which there is at least one. */
export function extent(values: readonly number[]): readonly [low: number, high: number] {
  return values.reduce<readonly [number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

function barOf(value: number, low: number, high: number): string {
  if (low === high) return middle;
  // Halved first: the distance of two finite numbers may be infinite.
  const share = (value / 2 - low / 2) / (high / 2 - low / 2);
  return bars[Math.min(bars.length - 1, Math.floor(share * bars.length))] ?? middle;
}

function buckets<T>(values: readonly T[], count: number): T[][] {
  return Array.from({ length: count }, (_, index) =>
    values.slice(
      Math.floor((index * values.length) / count),
      Math.floor(((index + 1) * values.length) / count),
    ),
  );
}

function farthest(bucket: readonly (number | null)[], mean: number): number | null {
  return bucket.reduce<number | null>((best, value) => {
    if (value === null) return best;
    return best === null || Math.abs(value - mean) >= Math.abs(best - mean) ? value : best;
  }, null);
}
