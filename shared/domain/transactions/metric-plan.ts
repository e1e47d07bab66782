/** Metrics in CloudWatch cost by name and dimensions: a target has ten at the most, of which the rounds take six. */
export const metricsOfTarget = 10;
export const metricsOfRounds = 6;

export type TransactionMetric = "TransactionSuccess" | "TransactionLagSeconds" | "TransactionSeconds";

export interface MetricPlan {
  /** The dimension; `other` for those that a target has too many of. */
  readonly transaction: string;
  readonly metrics: readonly TransactionMetric[];
}

/**
 * What CloudWatch gets of one transaction, where `ids` are all of its target's in config's order: of each whether
 * it went well, then as far as the budget goes of the first ones their lag, then how long they took.
 */
export function planMetrics(id: string, ids: readonly string[], budget: number): MetricPlan {
  const own = ids.length <= budget ? ids.length : budget - 1;
  const index = ids.indexOf(id);
  if (index >= own) return { transaction: "other", metrics: ["TransactionSuccess"] };
  const left = budget - Math.min(ids.length, budget);
  return {
    transaction: id,
    metrics: [
      "TransactionSuccess",
      ...(index < left ? (["TransactionLagSeconds"] as const) : []),
      ...(index < left - own ? (["TransactionSeconds"] as const) : []),
    ],
  };
}
