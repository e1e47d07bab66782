import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

import { aliasPattern } from "./aliases.ts";
import type { Guard } from "./probe.ts";

/** What can be known of a query without running it. */
export interface QueryFacts {
  /** Instant selectors that the query reads, without ranges and offsets, each once. */
  readonly selectors: readonly string[];
  /** Metric names that are written as names (not matched by a regex), each once. */
  readonly metrics: readonly string[];
  readonly guard: Guard;
}

/** Where a query does not parse; `at` is an offset in characters. */
export interface QueryFault {
  readonly at: number;
  readonly message: string;
}

const standIn = "sonde_alias__";

/** Parses a query, `$aliases` included, and says what it reads; or where it does not parse. */
export function inspectQuery(query: string): { facts: QueryFacts } | { fault: QueryFault } {
  // An alias is not PromQL; a name of its own stands in for it while the parser looks.
  const text = query.replace(aliasPattern, (_, alias: string) => standIn + alias);
  const tree = parser.parse(text);
  const fault = findFault(tree.topNode, text);
  if (fault) return { fault };
  const restored = (node: SyntaxNode) => text.slice(node.from, node.to).replaceAll(standIn, "$");
  const selectors = new Set<string>();
  const metrics = new Set<string>();
  tree.iterate({
    enter: ({ node }) => {
      if (node.name !== "VectorSelector") return;
      selectors.add(restored(node));
      const identifier = node.getChild("Identifier");
      if (identifier) metrics.add(restored(identifier));
    },
  });
  const guard = guardOf(tree.topNode, restored) ?? { kind: "none" };
  return { facts: { selectors: [...selectors], metrics: [...metrics], guard } };
}

/** The functions that a query applies to ranges, each once: `rate` of `sum(rate(x[5m]))`. */
export function rangeFunctions(query: string): string[] {
  const text = query.replace(aliasPattern, (_, alias: string) => standIn + alias);
  const names = new Set<string>();
  parser.parse(text).iterate({
    enter: ({ node }) => {
      if (node.name !== "MatrixSelector" && node.name !== "SubqueryExpr") return;
      const called = node.parent?.parent?.getChild("FunctionIdentifier");
      if (called) names.add(text.slice(called.from, called.to));
    },
  });
  return [...names];
}

/** The labels that a query's outermost aggregation keeps, sorted; null where it is none, or one by `without`. */
export function groupingLabels(query: string): readonly string[] | null {
  const text = query.replace(aliasPattern, (_, alias: string) => standIn + alias);
  let node = parser.parse(text).topNode.firstChild;
  while (node?.name === "ParenExpr") node = node.firstChild;
  if (node?.name !== "AggregateExpr") return null;
  const modifier = node.getChild("AggregateModifier");
  if (!modifier) return [];
  if (!modifier.getChild("By")) return null;
  const labels = modifier.getChild("GroupingLabels")?.getChildren("LabelName") ?? [];
  return labels.map(({ from, to }) => text.slice(from, to).replace(standIn, "$")).sort();
}

function findFault(top: SyntaxNode, text: string): QueryFault | null {
  if (!top.firstChild) return { at: 0, message: "the query is empty" };
  const cursor = top.cursor();
  do {
    if (!cursor.type.isError) continue;
    const found = text.slice(cursor.from, cursor.to).trim() || text.slice(cursor.from).trim().split(/\s/)[0];
    const shown = found?.replaceAll(standIn, "$").slice(0, 40);
    const at = text.slice(0, cursor.from).replaceAll(standIn, "$").length;
    return { at, message: shown ? `unexpected "${shown}"` : "the query ends too early" };
  } while (cursor.next());
  return null;
}

/**
 * The default guard. Both sides of an operator must be fresh, but of `or` one side is enough, and the right
 * side of `unless` may be silent. `absent()` asks about silence itself and is exempt: an `or` with it is too.
 * Null where nothing is read (`vector(0)`), so that `x or vector(0)` is still guarded by x.
 */
function guardOf(node: SyntaxNode, text: (node: SyntaxNode) => string): Guard | null {
  if (node.name === "VectorSelector") return { kind: "selector", selector: text(node) };
  if (node.name === "FunctionCall") {
    const called = node.getChild("FunctionIdentifier")?.firstChild?.name;
    if (called === "Absent" || called === "AbsentOverTime") return { kind: "none" };
  }
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  if (node.name === "BinaryExpr" && node.getChild("Unless")) {
    const left = children[0];
    return left ? guardOf(left, text) : null;
  }
  const guards = children.map((child) => guardOf(child, text)).filter((guard) => guard !== null);
  const isOr = node.name === "BinaryExpr" && node.getChild("Or") !== null;
  return isOr ? anyOf(guards) : allOf(guards);
}

function anyOf(guards: readonly Guard[]): Guard | null {
  if (guards.some((guard) => guard.kind === "none")) return { kind: "none" };
  return combine("any", guards);
}

function allOf(guards: readonly Guard[]): Guard | null {
  const asking = guards.filter((guard) => guard.kind !== "none");
  return asking.length === 0 ? (guards[0] ?? null) : combine("all", asking);
}

function combine(kind: "all" | "any", guards: readonly Guard[]): Guard | null {
  const flat = guards.flatMap((guard) => (guard.kind === kind ? guard.of : [guard]));
  const unique = [...new Map(flat.map((guard) => [JSON.stringify(guard), guard])).values()];
  const [first] = unique;
  if (!first) return null;
  return unique.length === 1 ? first : { kind, of: unique };
}
