import { type LagHistory, quantile } from "./lag-history.ts";

/** With fewer runs a quantile of 99 % is the slowest of a few. */
const enough = 20;
const grain = 5_000;

/**
 * The target's `delay`, as far as the target itself decides it: twice the lag that 99 % of the runs stay under,
 * in steps of five seconds. What scrapes and collectors take comes on top. Null: not known yet.
 */
export function recommendedDelay(lags: LagHistory): number | null {
  const p99 = lags.length < enough ? null : quantile(lags, 0.99);
  return p99 === null ? null : Math.ceil((2 * p99) / grain) * grain;
}
