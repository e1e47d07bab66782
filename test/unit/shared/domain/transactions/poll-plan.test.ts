import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { addLag, quantile, slowAbove } from "../../../../../shared/domain/transactions/lag-history.ts";
import { langfuseBudget, langfusePlans } from "../../../../../shared/domain/transactions/langfuse-budget.ts";
import { basePause, nextPause } from "../../../../../shared/domain/transactions/poll-plan.ts";

const lags = fc.array(fc.integer({ min: 1, max: 600_000 }), { maxLength: 200 });
const limits = fc.record({ shortest: fc.integer({ min: 50, max: 6_000 }), longest: fc.constant(6_000) });

/** When something that can be seen from `lag` on is seen, and after how many looks. */
function look(lag: number, base: number) {
  let at = 0;
  let looks = 0;
  while (at < lag) {
    at += nextPause(at, base);
    looks += 1;
  }
  return { at, looks };
}

describe("looking at the planned times", () => {
  it("sees a lag at most one pause and a tenth of it late, whatever was usual", () => {
    fc.assert(
      fc.property(lags, limits, fc.integer({ min: 1, max: 600_000 }), (history, bounds, lag) => {
        const base = basePause(history, bounds);
        expect(look(lag, base).at).toBeLessThanOrEqual(lag + base + 0.1 * lag + 1e-6);
      }),
    );
  });

  it("never looks more often than it may", () => {
    fc.assert(
      fc.property(lags, limits, fc.integer({ min: 0, max: 600_000 }), (history, bounds, passed) => {
        expect(nextPause(passed, basePause(history, bounds))).toBeGreaterThanOrEqual(bounds.shortest);
      }),
    );
  });

  it("looks a few dozen times at the most while a usual lag passes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 250, max: 120_000 }), (lag) => {
        expect(
          look(lag, basePause([lag, lag, lag], { shortest: 250, longest: 5_000 })).looks,
        ).toBeLessThanOrEqual(25);
      }),
    );
  });
});

describe("the lags of earlier runs", () => {
  it("are kept for the last 150 runs", () => {
    const history = Array.from({ length: 400 }, (_, index) => index).reduce<readonly number[]>(addLag, []);
    expect(history).toHaveLength(150);
    expect(history.at(-1)).toBe(399);
  });

  it.each([
    { q: 0.5, lags: [30, 10, 20], is: 20 },
    { q: 0.95, lags: [30, 10, 20], is: 30 },
    { q: 0.95, lags: Array.from({ length: 100 }, (_, index) => index + 1), is: 95 },
    { q: 0.5, lags: [], is: null },
  ])("have the nearest rank as quantile $q: $is", ({ q, lags: history, is }) => {
    expect(quantile(history, q)).toBe(is);
  });

  it("say what is slow only once there are five of them", () => {
    expect(slowAbove([1_000, 1_000, 1_000, 1_000])).toBeNull();
    expect(slowAbove([1_000, 1_000, 1_000, 1_000, 2_000])).toBe(11_000);
  });
});

describe("the budget", () => {
  it.each(langfusePlans)("of plan %s lets a day of its shortest schedule delete every trace", (plan) => {
    const { deletesPerDay, shortestEvery } = langfuseBudget(plan, "v2");
    expect(86_400_000 / shortestEvery).toBeLessThanOrEqual(deletesPerDay);
  });

  it("of Hobby does not let a project be probed every minute", () => {
    expect(langfuseBudget("hobby", "v2").shortestEvery).toBe(36 * 60_000);
    expect(langfuseBudget("hobby", "legacy").polls.shortest).toBe(5_000);
  });
});
