import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { formatDuration } from "../../../../shared/domain/duration.ts";
import type { Slo } from "../../../../shared/domain/probe.ts";
import type { Series } from "../../../../shared/domain/series.ts";
import {
  budgetNow,
  burnsAt,
  levelSeries,
  readBudget,
  readSlo,
  timeToExhaustion,
} from "../../../../shared/domain/slo.ts";
import { sloWindows, windowLabel } from "../../../../shared/domain/slo-query.ts";
import { anSlo } from "../../../support/slo.ts";

const t = 1_700_000_000_000;
const day = 86_400_000;

interface Counted {
  readonly total: number;
  readonly bad: number;
}

/** Whole events, as a query with `increase` returns them. */
function answerOf(counts: ReadonlyMap<number, Counted>): Series[] {
  return [...counts].flatMap(([window, { total, bad }]) =>
    Object.entries({ total, bad }).map(([what, v]) => ({
      labels: { [windowLabel]: `${formatDuration(window)} ${what}` },
      samples: [{ t, v }],
    })),
  );
}

/**
 * The workbook's sentence in whole numbers: more than `share` percent of the period's budget would be gone, at
 * the rate of either window, within the long one. No division, and so no rounding.
 */
function isBreach(
  slo: Slo,
  counts: ReadonlyMap<number, Counted>,
  row: (typeof rows)[number],
): boolean | "even" {
  const [long, short] = [counts.get(row.long), counts.get(row.short)];
  if (!long || !short || long.total < slo.minimumEvents) return false;
  const excess = [long, short].map(({ total, bad }) => {
    const left = BigInt(bad) * 100n * 1000n * BigInt(row.long);
    const right =
      BigInt(total) * BigInt(row.share) * BigInt(Math.round(slo.budget * 1000)) * BigInt(30 * day);
    return left - right;
  });
  if (excess.some((one) => one === 0n)) return "even";
  return excess.every((one) => one > 0n);
}

const hour = 3_600_000;
const rows = [
  { level: "fail", share: 2, long: hour, short: hour / 12 },
  { level: "fail", share: 5, long: 6 * hour, short: hour / 2 },
  { level: "warn", share: 10, long: day, short: 2 * hour },
  { level: "warn", share: 10, long: 3 * day, short: 6 * hour },
] as const;

const increases = {
  errors: "sum(increase(bad_total[$window]))",
  total: "sum(increase(all_total[$window]))",
};

describe("the burn of an SLO", () => {
  it("is a breach exactly where whole numbers say that too much of the budget goes", () => {
    const count = fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 3_000 }));
    fc.assert(
      fc.property(
        fc.constantFrom(99.9, 99.5, 99),
        fc.constantFrom(0, 1, 500),
        fc.array(count, { minLength: 7, maxLength: 7 }),
        (objective, minimumEvents, drawn) => {
          const { slo } = anSlo({ ...increases, objective, minimumEvents });
          const counts = new Map(
            sloWindows(slo).map((window, at) => {
              const [total = 0, bad = 0] = drawn[at] ?? [];
              return [window, { total, bad: Math.min(total, bad) }];
            }),
          );
          const [series] = readSlo(answerOf(counts), true);
          if (!series) throw new Error("no series");
          for (const level of ["fail", "warn"] as const) {
            const expected = rows
              .filter((row) => row.level === level)
              .map((row) => isBreach(slo, counts, row));
            if (expected.includes("even")) continue;
            const [sample] = levelSeries(slo, series, level).samples;
            expect((sample?.v ?? 0) > 1).toBe(expected.includes(true));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("of a level is that of its worst pair, in times over the limit", () => {
    const { slo } = anSlo({ ...increases });
    const all = { total: 100_000, bad: 0 };
    const counts = new Map(sloWindows(slo).map((window) => [window, all]));
    counts.set(hour, { total: 100_000, bad: 2_880 });
    counts.set(hour / 12, { total: 100_000, bad: 100_000 });
    const [series] = readSlo(answerOf(counts), true);
    expect(series && levelSeries(slo, series, "fail").samples[0]?.v).toBeCloseTo(2, 9);
    expect(series && levelSeries(slo, series, "warn").samples[0]?.v).toBe(0);
  });

  it("is idle without traffic, and nothing where a window is not there", () => {
    const { slo } = anSlo({ ...increases });
    const idle = new Map(sloWindows(slo).map((window) => [window, { total: 0, bad: 0 }]));
    const [series] = readSlo(answerOf(idle), true);
    expect(series && levelSeries(slo, series, "fail").samples.map(({ v }) => v)).toEqual([Number.NaN]);
    idle.delete(hour);
    idle.delete(6 * hour);
    const [partial] = readSlo(answerOf(idle), true);
    expect(partial && levelSeries(slo, partial, "fail").samples).toEqual([]);
    expect(partial && levelSeries(slo, partial, "warn").samples).toHaveLength(1);
  });

  it("counts a rate's events over the long window of each pair", () => {
    const { slo } = anSlo({ minimumEvents: 100 });
    const counts = new Map(sloWindows(slo).map((window) => [window, { total: 0.01, bad: 0.01 }]));
    const [series] = readSlo(answerOf(counts), true);
    const burns = series ? [...burnsAt(slo, series, "fail", t), ...burnsAt(slo, series, "warn", t)] : [];
    expect(burns.map(({ events, few }) => [events, few])).toEqual([
      [36, true],
      [216, false],
      [864, false],
      [2592, false],
    ]);
  });
});

describe("an error counter that is not born", () => {
  const total = [{ labels: { [windowLabel]: "1h total" }, samples: [{ t, v: 5 }] }];

  it("has counted nothing", () => {
    expect(readSlo(total, true)[0]?.countsAt(hour, t)).toEqual({ total: 5, bad: 0 });
  });

  it("is not known to have counted nothing where good events or a record are missing", () => {
    expect(readSlo(total, false)[0]?.countsAt(hour, t)).toEqual({ total: 5, bad: null });
  });
});

describe("the error budget", () => {
  const { slo } = anSlo({ ...increases });
  const month = (total: number, bad: number) => answerOf(new Map([[30 * day, { total, bad }]]));

  it.each([
    [1_000_000, 0, 1],
    [1_000_000, 370, 0.63],
    [1_000_000, 1000, 0],
    [1_000_000, 1500, -0.5],
  ])("of %d events with %d bad ones is %d", (total, bad, left) => {
    expect(readBudget(slo, month(total, bad), true, t)["[]"]).toBeCloseTo(left, 9);
  });

  it("is not known without events", () => {
    expect(readBudget(slo, month(0, 0), true, t)).toEqual({});
  });

  it.each([
    [1, 14.4, 50 * hour],
    [0.5, 1, 15 * day],
    [0.5, 0.4, null],
    [0, 14.4, 0],
    [-1, 0, 0],
    [0.5, Number.NaN, null],
  ])("with %d left and a burn of %d is gone in %s", (left, burn, expected) => {
    expect(timeToExhaustion(left, burn, 30 * day)).toBe(expected);
  });

  it("goes on burning after it was asked for", () => {
    expect(budgetNow(1, 36, 20 * hour, 30 * day)).toBeCloseTo(0, 9);
    expect(budgetNow(0.4, Number.NaN, 20 * hour, 30 * day)).toBe(0.4);
  });
});
