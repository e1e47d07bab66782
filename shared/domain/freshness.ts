import type { Guard } from "./probe.ts";
import type { Series } from "./series.ts";

/** Unix milliseconds of the newest sample of each selector at each grid point. Absent where nothing was in sight. */
export type NewestSamples = ReadonlyMap<string, ReadonlyMap<number, number>>;

const guardLabel = "sonde_guard";

/**
 * One query that asks for the newest sample's time of many selectors at once; each answers under its index.
 * `timestamp()` of a bare selector is the time of the scrape, where a range point is the time of evaluation.
 */
export function freshnessQuery(selectors: readonly string[]): string {
  return selectors
    .map(
      (selector, index) => `label_replace(max(timestamp(${selector})), "${guardLabel}", "${index}", "", "")`,
    )
    .join(" or ");
}

/** Reads the answer of `freshnessQuery` for the same selectors. */
export function readFreshness(selectors: readonly string[], answer: readonly Series[]): NewestSamples {
  const newest = new Map(selectors.map((selector) => [selector, new Map<number, number>()]));
  for (const series of answer) {
    const selector = selectors[Number(series.labels[guardLabel])];
    const times = selector === undefined ? undefined : newest.get(selector);
    for (const { t, v } of series.samples) times?.set(t, v * 1000);
  }
  return newest;
}

/** What a guard says at one point in time. */
export type Freshness =
  | { readonly kind: "fresh" }
  /** Seen, but `age` milliseconds ago. */
  | { readonly kind: "stale"; readonly selector: string; readonly age: number }
  /** Not in sight: older than the server's look-back, or never there. */
  | { readonly kind: "absent"; readonly selector: string };

/** Whether what a query reads is fresh at `t`: of `all` the worst counts, of `any` the best. */
export function judgeFreshness(
  guard: Guard,
  newest: NewestSamples,
  t: number,
  staleAfter: number,
): Freshness {
  switch (guard.kind) {
    case "none":
      return { kind: "fresh" };
    case "selector": {
      const seen = newest.get(guard.selector)?.get(t);
      if (seen === undefined) return { kind: "absent", selector: guard.selector };
      const age = t - seen;
      return age <= staleAfter ? { kind: "fresh" } : { kind: "stale", selector: guard.selector, age };
    }
    case "all":
    case "any": {
      const judged = guard.of.map((inner) => judgeFreshness(inner, newest, t, staleAfter));
      const fresh = judged.find((one) => one.kind === "fresh");
      const other = judged.find((one) => one.kind !== "fresh");
      return (guard.kind === "any" ? (fresh ?? other) : (other ?? fresh)) ?? { kind: "fresh" };
    }
  }
}
