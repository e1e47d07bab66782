import fc from "fast-check";
import { expect, it } from "vitest";
import { buildLimiter } from "../../../../shared/adapters/rate-limit.ts";

it("lets the first ten go at once, and the next ten a second later", () => {
  const reserve = buildLimiter(10, () => 0);
  expect(Array.from({ length: 25 }, reserve)).toEqual([
    ...Array.from({ length: 10 }, () => 0),
    ...Array.from({ length: 10 }, () => 1_000),
    ...Array.from({ length: 5 }, () => 2_000),
  ]);
});

it("never lets more than its number start within one second, in the order they asked", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.nat(700), { maxLength: 80 }),
      (perSecond, gaps) => {
        let clock = 0;
        const reserve = buildLimiter(perSecond, () => clock);
        const starts = gaps.map((gap) => {
          clock += gap;
          return clock + reserve();
        });
        for (const [i, start] of starts.entries()) {
          expect(start).toBeGreaterThanOrEqual(starts[i - 1] ?? 0);
          expect(start - (starts[i - perSecond] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(1_000);
        }
      },
    ),
  );
});

it("does not hold back callers that keep below it", () => {
  let clock = 0;
  const reserve = buildLimiter(10, () => clock);
  const waits = Array.from({ length: 50 }, () => {
    clock += 100;
    return reserve();
  });
  expect(new Set(waits)).toEqual(new Set([0]));
});
