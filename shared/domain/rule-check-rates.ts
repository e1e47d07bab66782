import type { SyntaxNode } from "@lezer/common";

import { parseDuration } from "./duration.ts";
import {
  argumentOf,
  calledFunction,
  findNodes,
  matchersIn,
  metricsIn,
  numberOf,
  sidesOf,
  textOf,
  unwrap,
} from "./promql-tree.ts";
import { countsFailures, type RuleCheck } from "./rule-check.ts";

const halfHour = 30 * 60_000;

/**
 * A rate compared with a number that was meant for the window: `rate(x[5m]) > 5` is five a second. Told of
 * failures and of windows of half an hour or more; other rates are compared with numbers a second on purpose.
 */
export const rateMeantAsCount: RuleCheck = ({ rule, tree, expr }) => {
  if (rule.kind === "alert" && saysPerSecond(Object.values(rule.annotations).join("\n"))) return [];
  return findNodes(tree, "BinaryExpr").flatMap((node) => {
    const sides = sidesOf(node);
    if ((sides?.op !== "Gtr" && sides?.op !== "Gte") || node.getChild("BoolModifier")) return [];
    const bound = numberOf(sides.right, expr);
    const call = unaggregated(unwrap(sides.left));
    if (bound === null || bound < 1 || !call || calledFunction(call) !== "Rate") return [];
    const window = windowOf(call, expr);
    const range = parseDuration(window);
    if (!failing(call, expr) && range < halfHour) return [];
    const total = bound * (range / 1000);
    return [
      `rate() is a second, so this asks for ${total} in ${window}: write increase(…[${window}]) > ${textOf(sides.right, expr)} if the number in ${window} is meant`,
    ];
  });
};

function saysPerSecond(text: string): boolean {
  return /per second|a second|\/s(ec)?\b/i.test(text);
}

/** What a sum, a maximum or a mean is taken of. */
function unaggregated(node: SyntaxNode): SyntaxNode | null {
  if (node.name === "FunctionCall") return node;
  const inner = node.name === "AggregateExpr" ? argumentOf(node) : undefined;
  return inner ? unaggregated(unwrap(inner)) : null;
}

function windowOf(call: SyntaxNode, expr: string): string {
  const [duration] = findNodes(call, "NumberDurationLiteralInDurationContext");
  return duration ? textOf(duration, expr) : "5m";
}

/** Whether only what went wrong is counted: by the metric's name, or by a matcher on a status. */
function failing(call: SyntaxNode, expr: string): boolean {
  return (
    metricsIn(call, expr).some(countsFailures) ||
    matchersIn(call, expr).some(
      ({ label, op, value }) =>
        /status|code|reason|outcome|result/i.test(label) &&
        (op.startsWith("!") ? /^2|ok|success/i.test(value) : /^[45]|error|fail/i.test(value)),
    )
  );
}

/** Gauges that guides take for counters: their `rate` is noise around nothing. */
const gauges =
  /hourly|per_hour|^node_gpu_count$|cache_usage_perc$|num_requests_(running|waiting)$|^DCGM_FI_DEV_(GPU_TEMP|MEMORY_TEMP|GPU_UTIL|MEM_COPY_UTIL|FB_USED|FB_FREE|POWER_USAGE|SM_CLOCK|MEM_CLOCK)$/;

export const rateOfGauge: RuleCheck = ({ tree, expr }) =>
  findNodes(tree, "FunctionCall").flatMap((call) => {
    if (!/^(Rate|Irate|Increase)$/.test(calledFunction(call) ?? "")) return [];
    const [gauge] = metricsIn(call, expr).filter((name) => gauges.test(name));
    return gauge
      ? [
          `${gauge} is a gauge, of which ${textOf(call, expr).split("(")[0]}() is no more than noise: write avg_over_time(${gauge}[…])`,
        ]
      : [];
  });
