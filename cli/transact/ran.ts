import { byGravity } from "../../shared/domain/transactions/finding.ts";
import { judgeRun } from "../../shared/domain/transactions/judge.ts";
import type { TransactionPlan, TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";
import { fit, paint, paintStatus, type Style } from "../output/style.ts";

/** A transaction's run, and what it means. */
export interface Ran {
  readonly verdict: Verdict;
  readonly result: TransactionResult;
}

/** The verdict of a run that stands for itself: nobody waits for a `for`, what is found is said. */
export function judgeAtOnce(
  { probe, target }: Pick<TransactionPlan, "probe" | "target">,
  result: TransactionResult,
  at: number,
): Ran {
  const levels = probe.levels.map((level) => ({ ...level, for: 0 }));
  const [verdict] = judgeRun({ target, probe: { ...probe, levels } }, result, undefined, at).verdicts;
  if (!verdict) throw new Error(`the transaction ${probe.id} has no verdict`);
  return { verdict, result };
}

const indent = " ".repeat(12);

/** A line for the transaction, and under it each finding with its fix. */
export function renderRan({ verdict, result }: Ran, style: Style): string[] {
  const found = byGravity(result.findings).flatMap(({ cause, seen, fix }) => [
    `${indent}${cause}${seen ? ` (${seen})` : ""}`,
    `${indent}${paint(style, "dim", `→ ${fix}`)}`,
  ]);
  const left = result.leftovers.map(
    (id) => `${indent}left behind, until it can be read and deleted: trace ${id}`,
  );
  const says = result.says || verdict.query;
  return [
    `  ${paintStatus(style, verdict.status)} ${verdict.probe}  ${fit(says, style.width)}`,
    ...found,
    ...left,
  ];
}
