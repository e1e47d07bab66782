import type { Guard } from "./probe.ts";

/** An alias as a pack's query writes it. */
export const aliasPattern = /\$([a-z][a-z0-9_]*)/g;

/** The names of the `$aliases` that a query or selector holds, each once. */
export function aliasesIn(query: string): string[] {
  return [...new Set([...query.matchAll(aliasPattern)].flatMap((match) => match[1] ?? []))];
}

/** The query with every `$alias` replaced; an alias that `names` does not know stays as it is. */
export function replaceAliases(query: string, names: Readonly<Record<string, string>>): string {
  return query.replace(aliasPattern, (whole, alias: string) => names[alias] ?? whole);
}

/** The selectors of a guard, each once. */
export function guardSelectors(guard: Guard): string[] {
  if (guard.kind === "selector") return [guard.selector];
  return guard.kind === "none" ? [] : [...new Set(guard.of.flatMap(guardSelectors))];
}

/** The guard with `$aliases` replaced in its selectors. */
export function replaceGuardAliases(guard: Guard, names: Readonly<Record<string, string>>): Guard {
  if (guard.kind === "none") return guard;
  if (guard.kind === "selector") return { kind: "selector", selector: replaceAliases(guard.selector, names) };
  return { kind: guard.kind, of: guard.of.map((inner) => replaceGuardAliases(inner, names)) };
}
