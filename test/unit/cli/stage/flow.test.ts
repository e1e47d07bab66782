import fc from "fast-check";
import { expect, test } from "vitest";

import { chance, during, hour, minute, scale, sum, traffic } from "../../../../cli/stage/platform/flow.ts";

const epoch = 1_790_000_100_000;
const flow = traffic(7, epoch, "any", 2);
const time = fc.integer({ min: -48 * 60, max: 48 * 60 }).map((offset) => epoch + offset * minute);

test("totals of adjoining spans add up, and none is negative", () => {
  fc.assert(
    fc.property(time, time, time, (...times) => {
      const [a = 0, b = 0, c = 0] = times.sort((x, y) => x - y);
      const parts = flow.total(a, b) + flow.total(b, c);
      expect(Math.min(flow.total(a, b), flow.total(b, c))).toBeGreaterThanOrEqual(0);
      expect(parts).toBeCloseTo(flow.total(a, c), 4);
    }),
  );
});

test("the rate is what the total grows by", () => {
  fc.assert(
    fc.property(time, (t) => {
      expect(flow.total(t, t + 1000)).toBeCloseTo(flow.rate(t + 500), 3);
    }),
  );
});

test("a flow stays positive through the day and is busiest around the anchor", () => {
  const rates = Array.from({ length: 24 * 60 }, (_, index) => flow.rate(epoch - index * minute));
  expect(Math.min(...rates)).toBeGreaterThan(0.4);
  expect(flow.rate(epoch - hour)).toBeGreaterThan(flow.rate(epoch - 13 * hour));
});

test("a window lets nothing through outside of it", () => {
  const window = during(flow, epoch - hour, epoch);
  expect(window.total(epoch - 3 * hour, epoch - hour)).toBe(0);
  expect(window.total(epoch, epoch + hour)).toBe(0);
  expect(window.total(epoch - 2 * hour, epoch + hour)).toBeCloseTo(flow.total(epoch - hour, epoch), 6);
  expect([window.rate(epoch - hour), window.rate(epoch)]).toEqual([flow.rate(epoch - hour), 0]);
});

test("scaling and summing apply to rate and total alike", () => {
  const both = sum([flow, scale(flow, 2)]);
  expect(both.rate(epoch)).toBeCloseTo(3 * flow.rate(epoch), 9);
  expect(both.total(epoch - hour, epoch)).toBeCloseTo(3 * flow.total(epoch - hour, epoch), 6);
});

test("chance depends on the seed and the name only", () => {
  expect(chance(1, "a")).toBe(chance(1, "a"));
  expect(chance(1, "a")).not.toBe(chance(2, "a"));
  expect(chance(1, "a")).not.toBe(chance(1, "b"));
});
