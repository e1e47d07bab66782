import type { ConfigFault } from "./faults.ts";
import type { Guard, Variant } from "./probe.ts";
import { inspectQuery } from "./promql.ts";

/** A query with the guard that config gives it, or else the one that the query itself suggests. */
export function compileVariant(
  variant: { readonly query: string; readonly guard?: string | readonly string[] | undefined },
  path: ConfigFault["path"],
  faults: ConfigFault[],
): Variant | null {
  const inspected = inspectQuery(variant.query);
  if ("fault" in inspected) {
    faults.push({ path: [...path, "query"], message: describeQueryFault(variant.query, inspected.fault) });
    return null;
  }
  if (variant.guard === undefined) return { query: variant.query, guard: inspected.facts.guard };
  const guard = compileGuard(variant.guard, path, faults);
  return guard && { query: variant.query, guard };
}

/** Plain selectors, all of which must be fresh. */
export function compileGuard(
  selectors: string | readonly string[],
  path: ConfigFault["path"],
  faults: ConfigFault[],
): Guard | null {
  const of: Guard[] = [];
  for (const selector of [selectors].flat()) {
    const guard = inspectQuery(selector);
    if (
      "fault" in guard ||
      guard.facts.guard.kind !== "selector" ||
      guard.facts.guard.selector !== selector.trim()
    )
      faults.push({
        path: [...path, "guard"],
        message: `"${selector}" is not a plain selector such as up{job="vllm"}`,
      });
    else of.push(guard.facts.guard);
  }
  const [first] = of;
  if (!first) return null;
  return of.length === 1 ? first : { kind: "all", of };
}

/** One line that shows where a query stops making sense. */
export function describeQueryFault(
  query: string,
  fault: { readonly at: number; readonly message: string },
): string {
  const before = query.slice(Math.max(0, fault.at - 30), fault.at).replace(/\s+/g, " ");
  return `PromQL does not parse at character ${fault.at + 1}${before ? `, after "${before}"` : ""}: ${fault.message}`;
}
