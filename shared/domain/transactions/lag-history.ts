/** How many runs are remembered: a day at every ten minutes. */
const kept = 150;
/** With fewer runs nobody knows what is usual. */
const enough = 5;

/** The lags of the last runs in milliseconds, oldest first. */
export type LagHistory = readonly number[];

export function addLag(history: LagHistory, lagMs: number): LagHistory {
  return [...history, Math.round(lagMs)].slice(-kept);
}

/** The nearest-rank quantile; null without any run. */
export function quantile(history: LagHistory, q: number): number | null {
  const sorted = history.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}

/** The lag above which a run is slow: three times what 95 % of the runs needed, and seconds more. Null: not known. */
export function slowAbove(history: LagHistory): number | null {
  const p95 = history.length < enough ? null : quantile(history, 0.95);
  return p95 === null ? null : 3 * p95 + 5_000;
}
