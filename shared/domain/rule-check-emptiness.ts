import type { SyntaxNode } from "@lezer/common";

import {
  argumentOf,
  calledFunction,
  findNodes,
  metricsIn,
  numberOf,
  sidesOf,
  textOf,
  unwrap,
} from "./promql-tree.ts";
import type { RuleCheck } from "./rule-check.ts";

/** `sum(up) == 0`: the sum of no target is empty, so the rule is silent where all of them are gone. */
export const sumOfNothing: RuleCheck = ({ tree, expr }) =>
  lowest(tree, expr, "Sum").flatMap((argument) => {
    const metrics = metricsIn(argument, expr);
    if (metrics.length !== 1 || metrics[0] !== "up") return [];
    return [`the sum is empty, not 0, once no target is left: add or absent(${textOf(argument, expr)})`];
  });

/** `count(…) < 2`: the count of nothing is empty, so the worst case does not fire. */
export const countOfNothing: RuleCheck = ({ tree, expr }) =>
  lowest(tree, expr, "Count").map((argument) => {
    const [selector] = findNodes(argument, "VectorSelector");
    const what = selector ? textOf(selector, expr) : "…";
    return `the count is empty, not 0, where there is none: add or absent(${what})`;
  });

/** What sums or counts are taken of that a rule wants low, where nothing says what stands in for none. */
function lowest(tree: SyntaxNode, expr: string, aggregation: "Sum" | "Count"): SyntaxNode[] {
  if (asksForAbsence(tree)) return [];
  return findNodes(tree, "BinaryExpr").flatMap((node) => {
    const sides = sidesOf(node);
    const bound = sides && numberOf(sides.right, expr);
    if (!sides || bound === null || bound === undefined) return [];
    const low = sides.op === "Lss" || sides.op === "Lte" || (sides.op === "Eql" && bound === 0);
    const left = unwrap(sides.left);
    const argument = argumentOf(left);
    const aggregated = left.getChild("AggregateOp")?.firstChild?.name;
    return low && aggregated === aggregation && argument ? [unwrap(argument)] : [];
  });
}

function asksForAbsence(tree: SyntaxNode): boolean {
  return (
    findNodes(tree, "Or").length > 0 ||
    findNodes(tree, "FunctionCall").some((call) => /^Absent/.test(calledFunction(call) ?? ""))
  );
}
