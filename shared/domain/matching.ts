import type { Labels } from "./series.ts";

/** Label patterns, all of which must match; several values of one label are alternatives, `*` is any text. */
export type Match = Readonly<Record<string, string | readonly string[]>>;

/** A label that is not there has the empty value, as in Alertmanager. */
export function matches(match: Match, labels: Labels): boolean {
  return Object.entries(match).every(([name, wanted]) => {
    const value = Object.hasOwn(labels, name) ? (labels[name] ?? "") : "";
    return [wanted].flat().some((pattern) => matchesPattern(pattern, value));
  });
}

/** The pattern's pieces between its stars must stand in the value, in order, the outer ones at its ends. */
export function matchesPattern(pattern: string, value: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === value;
  if (!value.startsWith(first)) return false;
  let from = first.length;
  for (const piece of rest) {
    const found = value.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return value.length - last.length >= from && value.endsWith(last);
}
