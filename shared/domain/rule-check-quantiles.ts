import type { SyntaxNode } from "@lezer/common";

import { argumentOf, calledFunction, findNodes, metricsIn, textOf, unwrap } from "./promql-tree.ts";
import type { RuleCheck } from "./rule-check.ts";

/** A quantile of buckets that were not summed: one noisy value for each pod, which fires for one slow request. */
export const unsummedQuantile: RuleCheck = ({ tree, expr }) =>
  quantiles(tree, expr).flatMap(({ rank, buckets }) => {
    const [bucket] = metricsIn(buckets, expr);
    if (!bucket?.endsWith("_bucket") || findNodes(buckets, "AggregateExpr").length > 0) return [];
    return [
      `the quantile is taken of each series of ${bucket} alone, one noisy value for each pod: write histogram_quantile(${rank}, sum by (le, …) (${textOf(buckets, expr)}))`,
    ];
  });

/** A quantile of a sum that has lost the buckets' bounds: NaN, which fires never. */
export const quantileWithoutBounds: RuleCheck = ({ tree, expr }) =>
  quantiles(tree, expr).flatMap(({ buckets }) => {
    const [bucket] = metricsIn(buckets, expr);
    if (!bucket?.endsWith("_bucket") || buckets.name !== "AggregateExpr") return [];
    return keepsBounds(buckets, expr)
      ? []
      : [
          `the aggregation of ${bucket} drops the label le, so the quantile is empty: write sum by (le, …) (…)`,
        ];
  });

function quantiles(tree: SyntaxNode, expr: string): { rank: string; buckets: SyntaxNode }[] {
  return findNodes(tree, "FunctionCall").flatMap((call) => {
    const rank = call.getChild("FunctionCallBody")?.firstChild;
    const buckets = argumentOf(call);
    if (calledFunction(call) !== "HistogramQuantile" || !rank || !buckets) return [];
    return [{ rank: textOf(rank, expr), buckets: unwrap(buckets) }];
  });
}

function keepsBounds(aggregation: SyntaxNode, expr: string): boolean {
  const modifier = aggregation.getChild("AggregateModifier");
  if (!modifier) return false;
  const named = findNodes(modifier, "LabelName").some((label) => textOf(label, expr) === "le");
  return modifier.getChild("Without") ? !named : named;
}
