import type { SyntaxNode } from "@lezer/common";

import { type Comparison, formatComparison } from "./comparison.ts";
import type { Level, LevelName } from "./probe.ts";
import { calledFunction, childrenOf, metricsIn, numberOf, parseTree } from "./promql-tree.ts";
import type { InstantSeries } from "./series.ts";

/** A `histogram_quantile` whose value reaches the top of its query, times `scale`. */
export interface Quantile {
  readonly metrics: readonly string[];
  readonly scale: number;
  /** Comparisons in the query itself that the quantile must pass, as rules have them. */
  readonly compared: readonly Comparison[];
}

/** Finite bucket bounds of bucket metrics, ascending. */
export type BucketBounds = ReadonlyMap<string, readonly number[]>;

/** A threshold that a quantile can never pass: it never exceeds its highest finite bucket bound. */
export interface CeilingFault {
  /** `query`: the comparison stands in the query. */
  readonly level: LevelName | "query";
  readonly threshold: Comparison;
  readonly metric: string;
  /** In the unit of the query. */
  readonly ceiling: number;
  /** The histogram's finite bounds in the unit of the query, ascending: a threshold below the last one can be passed. */
  readonly bounds: readonly number[];
  readonly message: string;
}

interface Context {
  readonly scale: number;
  readonly compared: readonly Comparison[];
}

/** The quantiles of a query that parses; a part whose scale cannot be told is left out. */
export function findQuantiles(query: string): Quantile[] {
  const top = parseTree(query);
  return top ? quantilesOf(top, { scale: 1, compared: [] }, query) : [];
}

/** The bucket metrics whose bounds `ceilingFaults` needs. */
export function bucketMetrics(query: string): string[] {
  return [...new Set(findQuantiles(query).flatMap(({ metrics }) => metrics))];
}

/** Instant query for the bounds of bucket metrics; one sample for each bound. */
export function bucketBoundsQuery(metrics: readonly string[]): string {
  return `count by (__name__, le) ({__name__=~"${[...metrics].sort().join("|")}",le!="+Inf"})`;
}

/** Reads the answer of `bucketBoundsQuery`. */
export function readBucketBounds(answer: readonly InstantSeries[]): BucketBounds {
  const bounds = new Map<string, number[]>();
  for (const { labels } of answer) {
    const bound = Number(labels.le);
    if (labels.__name__ === undefined || labels.le === undefined || !Number.isFinite(bound)) continue;
    bounds.set(labels.__name__, [...(bounds.get(labels.__name__) ?? []), bound]);
  }
  return new Map([...bounds].map(([metric, all]) => [metric, all.sort((a, b) => a - b)]));
}

/** Thresholds at or above what a query's quantiles can reach, given the target's own bucket bounds. */
export function ceilingFaults(
  { query, levels }: { readonly query: string; readonly levels: readonly Level[] },
  bounds: BucketBounds,
): CeilingFault[] {
  const asked = levels.flatMap(({ level, when }) => (when === "any" ? [] : [{ level, threshold: when }]));
  return findQuantiles(query).flatMap(({ metrics, scale, compared }) => {
    const inQuery = compared.map((threshold) => ({ level: "query" as const, threshold }));
    return metrics.flatMap((metric) => {
      const scaled = (bounds.get(metric) ?? []).map((bound) => bound * scale).sort((a, b) => a - b);
      const ceiling = scaled.at(-1);
      if (ceiling === undefined) return [];
      return [...asked, ...inQuery].flatMap(({ level, threshold }): CeilingFault[] => {
        if (!isDead(threshold, ceiling)) return [];
        const message = describe(level, threshold, metric, scaled);
        return [{ level, threshold, metric, ceiling, bounds: scaled, message }];
      });
    });
  });
}

/** `>=` at the ceiling itself would fire, but says no more than that the value lies beyond the buckets. */
function isDead({ op, bound }: Comparison, ceiling: number): boolean {
  return (op === ">" || op === ">=") && bound >= ceiling;
}

function describe(
  level: CeilingFault["level"],
  threshold: Comparison,
  metric: string,
  bounds: readonly number[],
): string {
  const which = level === "query" ? "the comparison" : `the ${level} threshold`;
  const reachable = bounds.at(-2);
  const advice =
    reachable === undefined
      ? "widen the histogram's buckets"
      : `use at most > ${reachable}, or widen the histogram's buckets`;
  return `${which} ${formatComparison(threshold)} can never be passed: ${metric} has no bucket above ${bounds.at(-1)} here, and a quantile never exceeds its highest bucket; ${advice}`;
}

function quantilesOf(node: SyntaxNode, context: Context, text: string): Quantile[] {
  switch (node.name) {
    case "ParenExpr":
      return childrenOf(node).flatMap((child) => quantilesOf(child, context, text));
    case "FunctionCall":
      return ofFunction(node, context, text);
    case "AggregateExpr": {
      const keeps = /^(?:Max|Min|Avg|Topk|Bottomk|Quantile)$/.test(
        node.getChild("AggregateOp")?.firstChild?.name ?? "",
      );
      const body = node.getChild("FunctionCallBody")?.lastChild;
      return keeps && body ? quantilesOf(body, context, text) : [];
    }
    case "BinaryExpr":
      return ofBinary(node, context, text);
    default:
      return [];
  }
}

function ofFunction(node: SyntaxNode, context: Context, text: string): Quantile[] {
  const name = calledFunction(node);
  const body = node.getChild("FunctionCallBody");
  if (name === "HistogramQuantile" && body) return [{ metrics: metricsIn(body, text), ...context }];
  if ((name === "LabelReplace" || name === "LabelJoin") && body?.firstChild)
    return quantilesOf(body.firstChild, context, text);
  return [];
}

function ofBinary(node: SyntaxNode, context: Context, text: string): Quantile[] {
  const left = node.firstChild;
  const right = node.lastChild;
  const op = left?.nextSibling?.name;
  if (!left || !right) return [];
  const inLeft = (changed: Context = context) => quantilesOf(left, changed, text);
  const inRight = (changed: Context = context) => quantilesOf(right, changed, text);
  const leftNumber = numberOf(left, text);
  const rightNumber = numberOf(right, text);
  switch (op) {
    case "Or":
      return [...inLeft(), ...inRight()];
    case "And":
    case "Unless":
      return inLeft();
    case "Div":
      return rightNumber ? inLeft({ ...context, scale: context.scale / rightNumber }) : [];
    case "Mul":
      if (rightNumber) return inLeft({ ...context, scale: context.scale * rightNumber });
      return leftNumber ? inRight({ ...context, scale: context.scale * leftNumber }) : [];
    case "Add":
      // Packs mark idle series by adding 0 / (traffic > bool floor), which is zero or NaN.
      return isZeroOver(right, text) ? inLeft() : isZeroOver(left, text) ? inRight() : [];
    case "Gtr":
    case "Gte": {
      if (rightNumber === null || node.getChild("BoolModifier")) return [];
      const own: Comparison = { op: op === "Gtr" ? ">" : ">=", bound: rightNumber * context.scale };
      return inLeft({ ...context, compared: [...context.compared, own] });
    }
    case "Lss":
    case "Lte":
    case "Eql":
    case "Neq":
      return node.getChild("BoolModifier") ? [] : inLeft();
    default:
      return [];
  }
}

function isZeroOver(node: SyntaxNode, text: string): boolean {
  if (node.name !== "BinaryExpr" || !node.getChild("Div") || !node.firstChild) return false;
  return numberOf(node.firstChild, text) === 0;
}
