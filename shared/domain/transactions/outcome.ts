import type { Labels } from "../series.ts";
import { byGravity } from "./finding.ts";
import type { TransactionPlan, TransactionResult } from "./transaction.ts";

/** One run as graphs show it: what it found now, whatever its incident waits for. */
export interface Outcome {
  /** The platform did what it is for; null where the run could not tell, which burns no error budget. */
  readonly success: boolean | null;
  /** What the transaction is about; null where it was not reached. */
  readonly lagSeconds: number | null;
  readonly seconds: number;
}

export function outcomeOf({ findings, value }: TransactionResult, durationMs: number): Outcome {
  const gravest = byGravity(findings)[0]?.verdict ?? null;
  return {
    success: gravest === "unknown" ? null : gravest !== "fail",
    lagSeconds: value,
    seconds: durationMs / 1000,
  };
}

/** A series of one sample, as remote write takes it. */
export interface ResultSeries {
  readonly labels: Labels;
  readonly samples: readonly [{ readonly t: number; readonly v: number }];
}

/**
 * A run as gauges, in Prometheus's conventions: base units in the names, and names that differ where the thing that is
 * measured does. `at` in Unix milliseconds.
 */
export function resultSeries(
  { id, kind, target }: Pick<TransactionPlan, "id" | "kind" | "target">,
  { measures }: Pick<TransactionResult, "measures">,
  { success, lagSeconds, seconds }: Outcome,
  at: number,
): readonly ResultSeries[] {
  const shared = { transaction: id, kind, target };
  const values: readonly (readonly [name: string, value: number | null])[] = [
    ["success", success === null ? null : Number(success)],
    ["unknown", Number(success === null)],
    ["duration_seconds", seconds],
    ["lag_seconds", lagSeconds],
    ...measures.map(({ name, value }) => [`${kind.replaceAll("-", "_")}_${name}`, value] as const),
  ];
  return values.flatMap(([name, v]) =>
    v === null || !Number.isFinite(v)
      ? []
      : [{ labels: { __name__: `sonde_transaction_${name}`, ...shared }, samples: [{ t: at, v }] as const }],
  );
}
