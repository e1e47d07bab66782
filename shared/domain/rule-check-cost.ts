import type { SyntaxNode } from "@lezer/common";

import { calledFunction, findNodes, metricsIn, numberOf, parseTree, sidesOf } from "./promql-tree.ts";
import type { RuleCheck } from "./rule-check.ts";
import type { RuleFile } from "./rule-file.ts";

/** A price of an hour over tokens of a second: off by 3600. */
export const hourlyPriceOverRate: RuleCheck = ({ tree, expr }) =>
  findNodes(tree, "BinaryExpr").flatMap((node) => {
    const sides = sidesOf(node);
    if (sides?.op !== "Div") return [];
    const [price] = metricsIn(sides.left, expr).filter((name) => /hourly|per_hour/.test(name));
    if (!price || !isPerSecond(sides.right) || namesSeconds(tree, expr)) return [];
    return [
      `${price} is for an hour and the rate below it for a second, so the result is 3600 times too high: write … / (3600 * sum(rate(…)))`,
    ];
  });

function isPerSecond(node: SyntaxNode): boolean {
  return findNodes(node, "FunctionCall").some((call) => /^I?rate$/i.test(calledFunction(call) ?? ""));
}

function namesSeconds(tree: SyntaxNode, expr: string): boolean {
  return findNodes(tree, "NumberDurationLiteral").some((number) => numberOf(number, expr) === 3600);
}

const pricedByTable = /^(llm_cost_dollars_total|ai_request_cost_dollars_(sum|count|bucket))$/;

/** Cost that an application counts from a table of prices: a model that is not in it costs nothing, silently. */
export const unpricedModels: RuleCheck = ({ rule, tree, expr }, file) => {
  const [cost] = metricsIn(tree, expr).filter((name) => pricedByTable.test(name));
  if (rule.kind !== "alert" || !cost || asksForUnpriced(file)) return [];
  return [
    `${cost} counts only models whose price the application knows, and others as free: add a rule such as sum by (model) (rate(llm_tokens_total[1h])) > 0 unless on (model) ${cost}`,
  ];
};

/** Whether some rule looks for tokens that have no cost. */
function asksForUnpriced({ groups }: RuleFile): boolean {
  return groups.some(({ rules }) =>
    rules.some(({ expr }) => {
      const tree = parseTree(expr);
      return (tree ? findNodes(tree, "BinaryExpr") : []).some((node) => {
        const sides = sidesOf(node);
        return (
          sides?.op === "Unless" &&
          metricsIn(sides.left, expr).some((name) => /token/.test(name)) &&
          metricsIn(sides.right, expr).some((name) => pricedByTable.test(name))
        );
      });
    }),
  );
}
