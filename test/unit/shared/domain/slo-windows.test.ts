import { describe, expect, it } from "vitest";

import { formatDuration, parseDuration } from "../../../../shared/domain/duration.ts";
import type { LevelName } from "../../../../shared/domain/probe.ts";
import { burnPair, defaultWindows, errorBudget } from "../../../../shared/domain/slo-windows.ts";

function table(level: LevelName, period: string): (readonly [string, string, number])[] {
  return defaultWindows(level, parseDuration(period)).map((row) => {
    const { long, short, factor } = burnPair(level, row, parseDuration(period));
    return [formatDuration(long), formatDuration(short), factor];
  });
}

describe("the windows of an SLO", () => {
  it("of 30 days are those that the SRE workbook recommends, with its burn rates", () => {
    expect(table("fail", "30d")).toEqual([
      ["1h", "5m", 14.4],
      ["6h", "30m", 6],
    ]);
    expect(table("warn", "30d")).toEqual([
      ["1d", "2h", 3],
      ["3d", "6h", 1],
    ]);
  });

  it("of 28 days are the same, with the burn rates that Sloth has for four weeks", () => {
    expect(table("fail", "28d")).toEqual([
      ["1h", "5m", 13.44],
      ["6h", "30m", 5.6],
    ]);
    expect(table("warn", "28d")).toEqual([
      ["1d", "2h", 2.8],
      ["3d", "6h", 0.933333333333],
    ]);
  });

  it.each([
    [
      "7d",
      [
        ["15m", "5m", 13.44],
        ["1h30m", "5m", 5.6],
        ["6h", "30m", 2.8],
        ["18h", "1h30m", 0.933333333333],
      ],
    ],
    [
      "14d",
      [
        ["30m", "5m", 13.44],
        ["3h", "15m", 5.6],
        ["12h", "1h", 2.8],
        ["1d", "3h", 1.4],
      ],
    ],
    [
      "90d",
      [
        ["3h", "15m", 14.4],
        ["18h", "1h30m", 6],
        ["3d", "6h", 3],
        ["9d", "18h", 1],
      ],
    ],
    [
      "1y",
      [
        ["12h", "1h", 14.6],
        ["3d", "6h", 6.08333333333],
        ["12d", "1d", 3.04166666667],
        ["37d", "3d", 0.986486486486],
      ],
    ],
  ])("of %s stretch with the period to spans that people say", (period, expected) => {
    expect([...table("fail", period), ...table("warn", period)]).toEqual(expected);
  });

  it("are never shorter than five minutes, nor a short one as long as its long one", () => {
    for (let days = 7; days <= 365; days++)
      for (const level of ["warn", "fail"] as const)
        for (const { long, short } of defaultWindows(level, days * 86_400_000)) {
          expect(short).toBeGreaterThanOrEqual(300_000);
          expect(long).toBeGreaterThanOrEqual(3 * short);
          expect(long).toBeLessThan(days * 86_400_000);
        }
  });

  it("burn the share that they stand for, whatever the rounding did", () => {
    for (let days = 7; days <= 365; days++)
      for (const level of ["warn", "fail"] as const)
        for (const row of defaultWindows(level, days * 86_400_000)) {
          const { factor, long } = burnPair(level, row, days * 86_400_000);
          expect((factor * long) / (days * 86_400_000)).toBeCloseTo(row.share / 100, 10);
          expect(factor).toBeGreaterThan(0.7);
        }
  });
});

it.each([
  [99.9, 0.001],
  [99.5, 0.005],
  [99, 0.01],
  [99.99, 0.0001],
  [95, 0.05],
])("an objective of %d %% leaves a budget of exactly %d", (objective, budget) => {
  expect(errorBudget(objective)).toBe(budget);
});
