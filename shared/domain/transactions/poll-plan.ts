import { type LagHistory, quantile } from "./lag-history.ts";

export interface PollLimits {
  /** Never shorter than this, so that the server's own limit holds. Milliseconds. */
  readonly shortest: number;
  readonly longest: number;
}

/** Each pause grows to a tenth of the time that has passed: so much later than need be is the answer seen. */
const share = 0.1;

/** The first pause: a tenth of the usual lag, in the bounds. Without history the shortest. */
export function basePause(history: LagHistory, { shortest, longest }: PollLimits): number {
  const usual = quantile(history, 0.5) ?? 0;
  return Math.max(shortest, Math.min(longest, usual * share));
}

/**
 * Milliseconds until the next look, when `passed` have passed since the POST. Looking at these times, a lag L is
 * seen by L + one base pause + 10 % of L.
 */
export function nextPause(passed: number, base: number): number {
  return Math.max(base, passed * share);
}
