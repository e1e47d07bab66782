import { describe, expect, it } from "vitest";
import type { ProbeState } from "../../../../../shared/domain/state.ts";
import type { Finding } from "../../../../../shared/domain/transactions/finding.ts";
import { judgeRun } from "../../../../../shared/domain/transactions/judge.ts";
import type { TransactionResult } from "../../../../../shared/domain/transactions/transaction.ts";
import { aLevel, aProbe } from "../../../../support/builders.ts";

const minute = 60_000;
const start = Date.UTC(2026, 10, 25);

function plan(forMs = 0) {
  const levels = [aLevel("warn", "any", forMs), aLevel("fail", "any", forMs)];
  return {
    target: "langfuse",
    probe: aProbe({ id: "langfuse-trace", kind: "trace", unit: "seconds", levels, labels: {} }),
  };
}

function finding(verdict: Finding["verdict"], change: Partial<Finding> = {}): Finding {
  return { id: verdict, verdict, cause: `the ${verdict}`, fix: "mend it", seen: "", ...change };
}

function aResult(findings: readonly Finding[], value: number | null = null): TransactionResult {
  return {
    findings,
    value,
    says: "visible after 1.3 s",
    labels: { backend: "langfuse" },
    request: "POST https://langfuse.example.com",
    measures: [],
    leftovers: [],
    memory: null,
  };
}

/** The verdicts of runs five minutes apart. */
function follow(runs: readonly (readonly Finding[])[], forMs = 0) {
  let state: ProbeState | undefined;
  return runs.map((findings, index) => {
    const judged = judgeRun(plan(forMs), aResult(findings), state, start + index * 5 * minute);
    state = judged.state;
    const [verdict] = judged.verdicts;
    return { ...verdict, blindRounds: judged.state.blindRounds };
  });
}

describe("a run's verdict", () => {
  it("is ok, with its value, where nothing was found", () => {
    const [verdict] = judgeRun(plan(), aResult([], 1.3), undefined, start).verdicts;
    expect(verdict).toMatchObject({
      status: "ok",
      cause: "within",
      value: 1.3,
      reason: "visible after 1.3 s",
      labels: { backend: "langfuse" },
      query: "POST https://langfuse.example.com",
      points: [{ t: start, v: 1.3 }],
    });
  });

  it("gives cause, what was seen and the fix as its reason, and names what else there is", () => {
    const findings = [finding("warn", { id: "clock-skew" }), finding("fail", { seen: "503" })];
    const [verdict] = judgeRun(plan(), aResult(findings), undefined, start).verdicts;
    expect(verdict).toMatchObject({ status: "fail", cause: "breach", since: start });
    expect(verdict?.reason).toBe("the fail (503); mend it; also: clock-skew");
  });

  it("warns where the gravest finding does", () => {
    expect(follow([[finding("warn")]])).toMatchObject([{ status: "warn" }]);
  });

  it("keeps the time since when it fails, and ends with the first run that is well", () => {
    expect(follow([[finding("fail")], [finding("fail")], []])).toMatchObject([
      { status: "fail", since: start },
      { status: "fail", since: start },
      { status: "ok", since: null },
    ]);
  });

  it("waits for `for` before it fails", () => {
    expect(follow([[finding("fail")], [finding("fail")]], 5 * minute)).toMatchObject([
      { status: "ok", cause: "pending", pending: "fail", reason: "the fail; mend it; fails at 5m" },
      { status: "fail", pending: null },
    ]);
  });

  it("is unknown where the run could not tell, and counts those rounds", () => {
    expect(follow([[finding("unknown")], [finding("unknown")], []])).toMatchObject([
      { status: "unknown", cause: "query-failed", blindRounds: 1 },
      { status: "unknown", blindRounds: 2 },
      { status: "ok", blindRounds: 0 },
    ]);
  });

  it("lets go of nothing that fires while it cannot tell", () => {
    expect(follow([[finding("fail")], [finding("unknown")], [finding("fail")]])).toMatchObject([
      { status: "fail", blind: false },
      { status: "fail", blind: true, reason: "the unknown; mend it; it was failing before" },
      { status: "fail", blind: false, since: start },
    ]);
  });
});
