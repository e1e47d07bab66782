import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Finding } from "../../../../../shared/domain/transactions/finding.ts";
import {
  metricsOfRounds,
  metricsOfTarget,
  planMetrics,
} from "../../../../../shared/domain/transactions/metric-plan.ts";
import { outcomeOf, resultSeries } from "../../../../../shared/domain/transactions/outcome.ts";
import type { TransactionResult } from "../../../../../shared/domain/transactions/transaction.ts";

function aResult(change: Partial<TransactionResult> = {}): TransactionResult {
  return {
    findings: [],
    value: 1.3,
    says: "",
    labels: { tenant: "a" },
    request: "POST",
    measures: [],
    leftovers: [],
    memory: null,
    ...change,
  };
}
const finding = (verdict: Finding["verdict"]): Finding => ({
  id: "x",
  verdict,
  cause: "",
  fix: "",
  seen: "",
});

describe("a run as graphs show it", () => {
  it.each([
    ["nothing", [], true],
    ["a warning", ["warn"], true],
    ["a failure", ["warn", "fail"], false],
    ["that it could not tell", ["warn", "unknown"], null],
    ["a failure, and that it could not tell the rest", ["unknown", "fail"], false],
  ] as const)("that found %s", (_, verdicts, success) => {
    const result = aResult({ findings: verdicts.map(finding) });
    expect(outcomeOf(result, 2_500)).toEqual({ success, lagSeconds: 1.3, seconds: 2.5 });
  });
});

describe("a run's series", () => {
  const plan = { id: "write-path", kind: "write-path", target: "seoul" } as const;
  const outcome = { success: true, lagSeconds: 0.4, seconds: 1.2 };
  const labels = { transaction: "write-path", kind: "write-path", target: "seoul" };

  it("are gauges by transaction, kind and target, at the run's end", () => {
    const measures = [{ name: "accept_seconds", value: 0.1 }];
    expect(resultSeries(plan, { measures }, outcome, 1_000)).toEqual(
      [
        ["sonde_transaction_success", 1],
        ["sonde_transaction_unknown", 0],
        ["sonde_transaction_duration_seconds", 1.2],
        ["sonde_transaction_lag_seconds", 0.4],
        ["sonde_transaction_write_path_accept_seconds", 0.1],
      ].map(([__name__, v]) => ({ labels: { __name__, ...labels }, samples: [{ t: 1_000, v }] })),
    );
  });

  it("leave out what is not known, or no number", () => {
    const measures = [{ name: "lag_seconds", value: Number.NaN }];
    const values = (change: object) =>
      resultSeries(plan, { measures }, { ...outcome, ...change }, 1).map(
        ({ labels: { __name__ }, samples: [{ v }] }) => [__name__, v],
      );
    expect(values({ lagSeconds: null })).toEqual([
      ["sonde_transaction_success", 1],
      ["sonde_transaction_unknown", 0],
      ["sonde_transaction_duration_seconds", 1.2],
    ]);
    expect(values({ lagSeconds: null, success: null })).toEqual([
      ["sonde_transaction_unknown", 1],
      ["sonde_transaction_duration_seconds", 1.2],
    ]);
  });

  it("have no name twice, whatever a kind measures", () => {
    const name = fc.stringMatching(/^[a-z]{1,8}(_[a-z]{1,8}){0,2}$/);
    fc.assert(
      fc.property(
        fc.constantFrom("trace", "completion", "write-path", "alert-path"),
        fc.uniqueArray(fc.oneof(name, fc.constantFrom("success", "duration_seconds", "lag_seconds"))),
        (kind, names) => {
          const measures = names.map((one) => ({ name: one, value: 1 }));
          const series = resultSeries({ ...plan, kind }, { measures }, outcome, 1);
          const all = series.map((one) => one.labels.__name__);
          expect(new Set(all).size).toBe(all.length);
          for (const one of all) expect(one).toMatch(/^sonde_transaction_[a-z_]+$/);
        },
      ),
    );
  });
});

describe("CloudWatch's metrics of a target", () => {
  const chosen = (count: number, budget: number) => {
    const ids = Array.from({ length: count }, (_, index) => `t${index}`);
    return ids.map((id) => planMetrics(id, ids, budget));
  };
  const names = (count: number, budget: number) =>
    new Set(
      chosen(count, budget).flatMap(({ transaction, metrics }) =>
        metrics.map((one) => `${transaction}/${one}`),
      ),
    );

  it("are all three of one transaction", () => {
    expect(chosen(1, metricsOfTarget)).toEqual([
      { transaction: "t0", metrics: ["TransactionSuccess", "TransactionLagSeconds", "TransactionSeconds"] },
    ]);
  });

  it("are first whether each went well, then the lag, then the time, beside what the rounds count", () => {
    expect(chosen(2, metricsOfTarget - metricsOfRounds).map(({ metrics }) => metrics)).toEqual([
      ["TransactionSuccess", "TransactionLagSeconds"],
      ["TransactionSuccess", "TransactionLagSeconds"],
    ]);
    expect(chosen(4, 4).map(({ metrics }) => metrics.length)).toEqual([1, 1, 1, 1]);
  });

  it("are counted together for those that a target has too many of", () => {
    expect(chosen(6, 4).map(({ transaction }) => transaction)).toEqual([
      "t0",
      "t1",
      "t2",
      "other",
      "other",
      "other",
    ]);
  });

  it("are never more than the budget, and tell of every transaction whether it went well", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 10 }), (count, budget) => {
        expect(names(count, budget).size).toBeLessThanOrEqual(budget);
        for (const { metrics } of chosen(count, budget)) expect(metrics[0]).toBe("TransactionSuccess");
      }),
    );
  });
});
