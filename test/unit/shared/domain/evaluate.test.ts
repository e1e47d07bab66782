import { describe, expect, it } from "vitest";

import { evaluateProbe, type ProbeAnswer } from "../../../../shared/domain/evaluate.ts";
import type { NewestSamples } from "../../../../shared/domain/freshness.ts";
import type { Series } from "../../../../shared/domain/series.ts";
import { aLevel, aProbe, aSeries } from "../../../support/builders.ts";

const minute = 60_000;
const end = 1_700_000_100_000;
const start = end - 5 * minute;

/** The guard's newest sample at each point, so old in minutes. */
function seenAgo(minutes: number): NewestSamples {
  const times = new Map<number, number>();
  for (let t = start; t <= end; t += minute) times.set(t, t - minutes * minute);
  return new Map([["gpu_temp", times]]);
}

type Answered = Extract<ProbeAnswer, { kind: "answered" }>;

function answered(series: readonly Series[], newest = seenAgo(0)): Answered {
  return {
    kind: "answered",
    query: "gpu_temp",
    guard: { kind: "selector", selector: "gpu_temp" },
    window: { start, end, step: minute, continues: false, gap: false },
    series,
    newest,
  };
}

const hot = aSeries({ gpu: "5" }, start, [90, 90, 90, 90, 90, 91.25]);
const warm = aSeries({ gpu: "1" }, start, [70, 70, 70, 70, 70, 82]);
const cool = aSeries({ gpu: "0" }, start, [60, 60, 60, 60, 60, 61]);

describe("a verdict", () => {
  const probe = aProbe();

  it("is given for each series, the gravest level that fires", () => {
    const { verdicts } = evaluateProbe(probe, "seoul", answered([hot, warm, cool]), undefined, end);
    expect(
      verdicts.map(({ labels, status, threshold, value }) => [labels.gpu, status, threshold, value]),
    ).toEqual([
      ["5", "fail", "> 85", 91.25],
      ["1", "warn", "> 80", 82],
      ["0", "ok", "> 85", 61],
    ]);
  });

  it("says since when, and `at least` where the window began inside the breach", () => {
    const { verdicts } = evaluateProbe(probe, "seoul", answered([hot]), undefined, end);
    expect(verdicts[0]).toMatchObject({
      since: start,
      sinceAtLeast: true,
      reason: "> 85 °C for at least 5m",
    });
  });

  it("is ok while a breach is pending, and says when it will fail", () => {
    const rising = aSeries({ gpu: "2" }, start, [70, 70, 70, 86, 86, 86]);
    const only = aProbe({ levels: [aLevel("fail", "> 85", 5 * minute)] });
    const { verdicts } = evaluateProbe(only, "seoul", answered([rising]), undefined, end);
    expect(verdicts[0]).toMatchObject({
      status: "ok",
      cause: "pending",
      pending: "fail",
      reason: "> 85 °C for 2m, fails at 5m",
    });
  });

  it("is unknown, not ok, where the data is stale", () => {
    const { verdicts } = evaluateProbe(probe, "seoul", answered([cool], seenAgo(4)), undefined, end);
    expect(verdicts).toMatchObject([
      { status: "unknown", cause: "stale", reason: "stale: the newest sample of gpu_temp is 4m old" },
    ]);
  });

  it("is unknown where nothing is in sight, and names what to look for", () => {
    const { verdicts, state } = evaluateProbe(probe, "seoul", answered([], new Map()), undefined, end);
    expect(verdicts).toMatchObject([{ status: "unknown", cause: "stale" }]);
    expect(verdicts[0]?.reason).toContain("no sample of gpu_temp in sight");
    expect(state).toMatchObject({ blindRounds: 1, blindSince: end, everFresh: false });
  });

  it("is idle, neither healthy nor failing, where 0/0 leaves no value", () => {
    const idle = aSeries({ route: "a" }, start, Array(6).fill(Number.NaN));
    const { verdicts, state } = evaluateProbe(probe, "seoul", answered([idle]), undefined, end);
    expect(verdicts).toMatchObject([{ status: "unknown", cause: "idle" }]);
    expect(state.blindRounds).toBe(0);
  });

  it.each([
    ["unknown", "unknown", 1],
    ["ok", "ok", 0],
  ] as const)(
    "of an empty answer with a fresh guard is what noData says: %s",
    (noData, status, blindRounds) => {
      const { verdicts, state } = evaluateProbe(aProbe({ noData }), "seoul", answered([]), undefined, end);
      expect(verdicts).toMatchObject([{ status, cause: "no-data" }]);
      expect(state.blindRounds).toBe(blindRounds);
    },
  );

  it("of an empty answer fails after `for` where noData says so, and only while the guard is fresh", () => {
    const failing = aProbe({ noData: "fail", levels: [aLevel("fail", "> 85", 5 * minute)] });
    expect(evaluateProbe(failing, "seoul", answered([]), undefined, end).verdicts).toMatchObject([
      { status: "fail", cause: "no-data", reason: "no data for at least 5m", labels: {} },
    ]);
    const late = aSeries({ gpu: "5" }, start, [60, 60, 60, null, null, null]);
    expect(evaluateProbe(failing, "seoul", answered([late]), undefined, end).verdicts).toMatchObject([
      { status: "ok", pending: "fail", reason: "no data for 2m, fails at 5m" },
    ]);
    expect(evaluateProbe(failing, "seoul", answered([], seenAgo(4)), undefined, end).verdicts).toMatchObject([
      { status: "unknown", cause: "stale" },
    ]);
  });

  it("of a rule that returns nothing is ok, if what it reads is fresh", () => {
    const rule = aProbe({ kind: "rule", levels: [aLevel("fail", "any")] });
    expect(evaluateProbe(rule, "seoul", answered([]), undefined, end).verdicts).toMatchObject([
      { status: "ok" },
    ]);
    expect(evaluateProbe(rule, "seoul", answered([], seenAgo(4)), undefined, end).verdicts).toMatchObject([
      { status: "unknown" },
    ]);
  });
});

describe("what fires", () => {
  const probe = aProbe({ levels: [aLevel("fail", "> 85")] });
  const before = evaluateProbe(probe, "seoul", answered([hot]), undefined, end).state;
  const later = (series: readonly Series[], newestAge: number | null): Answered => ({
    ...answered(series),
    window: { start: end + minute, end: end + minute, step: minute, continues: true, gap: false },
    newest: new Map([
      ["gpu_temp", new Map(newestAge === null ? [] : [[end + minute, end + minute - newestAge]])],
    ]),
  });

  it("goes on firing, marked blind, when its data goes stale", () => {
    const { verdicts } = evaluateProbe(probe, "seoul", later([], null), before, end + minute);
    expect(verdicts).toMatchObject([{ status: "fail", blind: true, since: start, cause: "stale" }]);
  });

  it("goes on firing, marked blind, when its query fails, beside an unknown that says why", () => {
    const failed: ProbeAnswer = {
      kind: "unanswered",
      cause: "query-failed",
      query: "gpu_temp",
      reason: "refused",
    };
    const { verdicts, state } = evaluateProbe(probe, "seoul", failed, before, end + minute);
    expect(verdicts).toMatchObject([
      { status: "fail", blind: true, value: 91.25 },
      { status: "unknown", cause: "query-failed", reason: "refused" },
    ]);
    expect(state.evaluatedTo).toBe(end);
  });

  it("ends when its series is gone while the guard is fresh", () => {
    const { verdicts } = evaluateProbe(
      probe,
      "seoul",
      later([aSeries({ gpu: "0" }, end + minute, [60])], 0),
      before,
      end + minute,
    );
    expect(verdicts).toMatchObject([{ labels: { gpu: "0" }, status: "ok" }]);
  });

  it("goes on firing, blind, when its query is another one and the data is stale", () => {
    const anotherQuery: ProbeAnswer = { ...later([], null), query: "other" };
    const { verdicts, state } = evaluateProbe(probe, "seoul", anotherQuery, before, end + minute);
    expect(verdicts).toMatchObject([{ status: "fail", blind: true }, { status: "unknown" }]);
    expect(state).toMatchObject({ query: "gpu_temp", evaluatedTo: end });
  });

  it("starts from nothing when its query is another one", () => {
    const anotherQuery: ProbeAnswer = { ...later([], 0), query: "other" };
    const { verdicts } = evaluateProbe(probe, "seoul", anotherQuery, before, end + minute);
    expect(verdicts).toMatchObject([{ status: "unknown", cause: "no-data" }]);
  });
});
