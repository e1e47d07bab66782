import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";

/** Values under their metric names, of one target, one of its transactions, or of the whole function. */
export interface EmittedMetrics {
  readonly target?: string;
  readonly transaction?: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Writes metrics in CloudWatch's embedded format, by dimension `service` and, where there are any, `target` and `transaction`. */
export function buildEmit(namespace: string): (metrics: EmittedMetrics) => void {
  const metrics = new Metrics({ namespace });
  return ({ target, transaction, values }) => {
    if (target !== undefined) metrics.addDimension("target", target);
    if (transaction !== undefined) metrics.addDimension("transaction", transaction);
    for (const [name, value] of Object.entries(values)) metrics.addMetric(name, unitOf(name), value);
    metrics.publishStoredMetrics();
  };
}

function unitOf(name: string) {
  if (name.endsWith("Seconds")) return MetricUnit.Seconds;
  return name.endsWith("Duration") ? MetricUnit.Milliseconds : MetricUnit.Count;
}
