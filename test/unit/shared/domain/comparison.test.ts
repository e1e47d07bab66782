import { describe, expect, it } from "vitest";

import { breaches, parseComparison } from "../../../../shared/domain/comparison.ts";

describe("thresholds", () => {
  it.each([
    ["> 85", 85.1, true],
    ["> 85", 85, false],
    [">=1e2", 100, true],
    ["< .5", 0.4, true],
    ["<= -1", -1, true],
    ["== 0", 0, true],
    ["!= 1", 1, false],
    ["> 85", Number.POSITIVE_INFINITY, true],
  ])("%s of %d is %s", (text, value, breach) => {
    expect(breaches(parseComparison(text), value)).toBe(breach);
  });

  it.each([">", "85", "=> 85", "> 85 C", "> NaN", "~ 3"])("refuses %j and names it", (text) => {
    expect(() => parseComparison(text)).toThrow(`"${text}"`);
  });

  it("compares NaN as PromQL does: unequal to all, and nothing else", () => {
    const breached = [">", ">=", "<", "<=", "==", "!="].filter((op) =>
      breaches(parseComparison(`${op} 1`), Number.NaN),
    );
    expect(breached).toEqual(["!="]);
  });
});
