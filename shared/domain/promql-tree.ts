import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

/** The parsed form of a query, or null where nothing stands in it. */
export function parseTree(text: string): SyntaxNode | null {
  return parser.parse(text).topNode.firstChild;
}

export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

export function textOf(node: SyntaxNode, text: string): string {
  return text.slice(node.from, node.to);
}

/** The nodes of one kind in a part of a query, the part itself included, outermost first. */
export function findNodes(node: SyntaxNode, name: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  node.cursor().iterate(({ node: inner }) => {
    if (inner.name === name) found.push(inner);
  });
  return found;
}

/** The part without parentheses around it. */
export function unwrap(node: SyntaxNode): SyntaxNode {
  const [inner] = node.name === "ParenExpr" ? childrenOf(node) : [];
  return inner ? unwrap(inner) : node;
}

/** `Rate`, `HistogramQuantile`…; undefined where the node calls no function. */
export function calledFunction(node: SyntaxNode): string | undefined {
  return node.getChild("FunctionIdentifier")?.firstChild?.name;
}

/** The last argument of a call or an aggregation: what it is about. */
export function argumentOf(node: SyntaxNode): SyntaxNode | undefined {
  return node.getChild("FunctionCallBody")?.lastChild ?? undefined;
}

/** The number that a part is; null where it is none. */
export function numberOf(node: SyntaxNode, text: string): number | null {
  const inner = unwrap(node);
  if (inner.name !== "NumberDurationLiteral") return null;
  const value = Number(textOf(inner, text));
  return Number.isFinite(value) ? value : null;
}

/** Names written as names, and names in a plain alternation of `__name__=~"a|b"`, each once. */
export function metricsIn(node: SyntaxNode, text: string): string[] {
  const metrics = new Set(findNodes(node, "Identifier").map((name) => textOf(name, text)));
  for (const { label, op, value } of matchersIn(node, text)) {
    if (label !== "__name__" || op.startsWith("!")) continue;
    for (const name of value.split("|")) if (/^[a-zA-Z_:][\w:]*$/.test(name)) metrics.add(name);
  }
  return [...metrics];
}

/** A label matcher as it is written, its quotes taken off. */
export interface Matcher {
  readonly label: string;
  readonly op: string;
  readonly value: string;
}

export function matchersIn(node: SyntaxNode, text: string): Matcher[] {
  return findNodes(node, "UnquotedLabelMatcher").flatMap((matcher) => {
    const [label, op, value] = childrenOf(matcher).map((part) => textOf(part, text));
    return label && op && value ? [{ label, op, value: value.slice(1, -1) }] : [];
  });
}

/** Both sides of a binary expression and its operator's name, `Div` or `Gtr`; null for anything else. */
export function sidesOf(node: SyntaxNode): { left: SyntaxNode; op: string; right: SyntaxNode } | null {
  const { firstChild: left, lastChild: right } = node;
  const op = left?.nextSibling?.name;
  return node.name === "BinaryExpr" && left && right && op ? { left, op, right } : null;
}
