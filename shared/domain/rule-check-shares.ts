import type { SyntaxNode } from "@lezer/common";

import { findNodes, metricsIn, sidesOf } from "./promql-tree.ts";
import { countsFailures, type RuleCheck } from "./rule-check.ts";

/** Failures over successes: 50 % of failed requests look like 100 %. */
export const successesAsDenominator: RuleCheck = ({ tree, expr }) =>
  shares(tree, expr).flatMap(({ failed, all }) => {
    if (all.length === 0 || !all.every((name) => /success/i.test(name))) return [];
    const write = all.some((name) => /^vllm[_:]request_success_total$/.test(name))
      ? 'vllm:request_success_total{finished_reason="error"} over vllm:request_success_total, which counts every finished request'
      : `${failed[0]} over failures and successes together`;
    return [`failures are divided by ${all[0]}, not by all requests: write ${write}`];
  });

/** A share whose numerator is a counter that may not exist: empty, for want of errors or for a wrong name. */
export const silentShare: RuleCheck = ({ tree, expr }) =>
  shares(tree, expr).flatMap(({ failed, all, guarded }) =>
    guarded || all.length === 0
      ? []
      : [
          `the share is empty, not 0, while ${failed[0]} does not exist, so it cannot tell no errors from a wrong name: write (sum(rate(${failed[0]}[5m])) or 0 * sum(rate(${all[0]}[5m]))) / sum(rate(${all[0]}[5m]))`,
        ],
  );

interface Share {
  readonly failed: readonly string[];
  readonly all: readonly string[];
  /** Says itself what stands in for a numerator that is not there. */
  readonly guarded: boolean;
}

/** Divisions of a counter of failures by another counter. */
function shares(tree: SyntaxNode, expr: string): Share[] {
  return findNodes(tree, "BinaryExpr").flatMap((node) => {
    const sides = sidesOf(node);
    if (sides?.op !== "Div") return [];
    const failed = metricsIn(sides.left, expr);
    const all = metricsIn(sides.right, expr);
    if (!failed.some(countsFailures) || failed.some((name) => all.includes(name))) return [];
    return [{ failed, all, guarded: findNodes(sides.left, "Or").length > 0 }];
  });
}
