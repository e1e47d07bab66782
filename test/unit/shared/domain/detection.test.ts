import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { foldWindow, planWindow, type Window } from "../../../../shared/domain/detection.ts";
import type { Probe } from "../../../../shared/domain/probe.ts";
import type { Series } from "../../../../shared/domain/series.ts";
import type { ProbeState } from "../../../../shared/domain/state.ts";
import { aLevel, aProbe, aSeries } from "../../../support/builders.ts";

const minute = 60_000;
const start = 1_700_000_100_000;
const always = () => true;

function stateAfter(probe: Probe, folded: ReturnType<typeof foldWindow>, window: Window): ProbeState {
  const series = folded
    .filter(({ levels }) => Object.keys(levels).length > 0)
    .map(({ key, labels, levels, value }) => [key, { labels, levels, value }] as const);
  return {
    query: probe.variants[0]?.query ?? "",
    evaluatedTo: window.end,
    series: Object.fromEntries(series),
    blindRounds: 0,
    blindSince: null,
    everFresh: true,
  };
}

function slice(series: readonly Series[], { start: from, end }: Window): Series[] {
  return series
    .map(({ labels, samples }) => ({ labels, samples: samples.filter(({ t }) => t >= from && t <= end) }))
    .filter(({ samples }) => samples.length > 0);
}

describe("planning a window", () => {
  it("looks back over the longest `for` where there is no state", () => {
    const window = planWindow(aProbe(), undefined, start + 12_345);
    expect(window).toEqual({
      start: start - 5 * minute,
      end: start,
      step: minute,
      continues: false,
      gap: false,
    });
  });

  it("looks back over no more points than Prometheus answers", () => {
    const patient = aProbe({ step: 15_000, levels: [aLevel("fail", "any", 5 * 24 * 60 * minute)] });
    const window = planWindow(patient, undefined, start);
    expect(window && (window.end - window.start) / window.step).toBe(10_000);
  });

  it("asks only for what is new where there is state", () => {
    const state = {
      ...stateAfter(aProbe(), [], { start, end: start, step: minute, continues: true, gap: false }),
    };
    expect(planWindow(aProbe({ step: 15_000 }), state, start + minute)).toEqual({
      start: start + 15_000,
      end: start + minute,
      step: 15_000,
      continues: true,
      gap: false,
    });
  });

  it("asks nothing twice, and nothing before its `every` has come round", () => {
    const state = stateAfter(aProbe(), [], { start, end: start, step: minute, continues: true, gap: false });
    expect(planWindow(aProbe(), state, start + 59_999)).toBeNull();
    expect(planWindow(aProbe({ every: 5 * minute }), state, start + minute)).toBeNull();
    expect(planWindow(aProbe({ every: 5 * minute }), state, start + 5 * minute)?.start).toBe(start + minute);
  });

  it("catches up by two hours at most, and says that there is a gap", () => {
    const state = stateAfter(aProbe(), [], { start, end: start, step: minute, continues: true, gap: false });
    const window = planWindow(aProbe(), state, start + 5 * 60 * minute);
    expect(window).toMatchObject({ start: start + 3 * 60 * minute, gap: true });
  });
});

describe("folding a window", () => {
  const probe = aProbe();
  const whole: Window = { start, end: start + 9 * minute, step: minute, continues: true, gap: false };

  it("fires when the breach has lasted for `for`, and dates it to its first point", () => {
    const series = aSeries({ gpu: "5" }, start, [70, 81, 86, 87, 88, 89, 90, 91, 91, 91]);
    const [folded] = foldWindow(probe, undefined, whole, [series], always);
    expect(folded?.levels.warn).toMatchObject({ state: "firing", activeAt: start + minute, atLeast: false });
    expect(folded?.levels.fail).toMatchObject({ state: "firing", activeAt: start + 2 * minute });
  });

  it("forgets a pending breach that stops, as Prometheus does", () => {
    const series = aSeries({}, start, [86, 87, 88, 84, 86, 87, 88, 89, 89, 89]);
    const [folded] = foldWindow(probe, undefined, whole, [series], always);
    expect(folded?.levels.fail).toMatchObject({ state: "firing", activeAt: start + 4 * minute });
  });

  it("says `at least` where a look back begins inside a breach", () => {
    const series = aSeries({}, start, Array(10).fill(90));
    const [folded] = foldWindow(probe, undefined, { ...whole, continues: false }, [series], always);
    expect(folded?.levels.fail).toMatchObject({ activeAt: start, atLeast: true, state: "firing" });
  });

  it("keeps firing for `keepFiringFor` after the breach stops", () => {
    const kept = aProbe({ levels: [aLevel("fail", "> 85", 0, 3 * minute)] });
    const until = (minutes: number) => {
      const series = aSeries({}, start, [90, 70, 70, 70, 70, 70, 70, 70, 70, 70]);
      return foldWindow(kept, undefined, { ...whole, end: start + minutes * minute }, [series], always)[0]
        ?.levels.fail?.state;
    };
    expect([1, 2, 3, 4].map(until)).toEqual(["firing", "firing", "firing", undefined]);
  });

  it("lets go of what fires when its series is gone, but not while its guard is stale", () => {
    const series = aSeries({}, start, [90, 90, 90, 90, 90, 90, null, null, null, null]);
    expect(foldWindow(probe, undefined, whole, [series], always)[0]?.levels.fail).toBeUndefined();
    expect(
      foldWindow(probe, undefined, whole, [series], (t) => t < start + 6 * minute)[0]?.levels.fail?.state,
    ).toBe("firing");
  });

  it("drops what was pending across a gap and keeps what fired", () => {
    const before = stateAfter(
      probe,
      foldWindow(
        probe,
        undefined,
        whole,
        [
          aSeries({ gpu: "1" }, start, Array(10).fill(90)),
          aSeries({ gpu: "2" }, start + 8 * minute, [90, 90]),
        ],
        always,
      ),
      whole,
    );
    const later: Window = {
      start: start + 300 * minute,
      end: start + 301 * minute,
      step: minute,
      continues: true,
      gap: true,
    };
    const folded = foldWindow(
      probe,
      before,
      later,
      [aSeries({ gpu: "1" }, later.start, [90, 90]), aSeries({ gpu: "2" }, later.start, [90, 90])],
      always,
    );
    const byGpu = Object.fromEntries(folded.map(({ labels, levels }) => [labels.gpu, levels.fail]));
    expect(byGpu["1"]).toMatchObject({ state: "firing", activeAt: start });
    expect(byGpu["2"]).toMatchObject({ state: "pending", activeAt: later.start });
  });

  it("comes to the same end however the rounds fall", () => {
    const value = fc.option(fc.constantFrom(70, 82, 90, Number.NaN), { nil: null, freq: 4 });
    const length = 40;
    fc.assert(
      fc.property(
        fc.array(fc.array(value, { minLength: length, maxLength: length }), { minLength: 1, maxLength: 3 }),
        fc.uniqueArray(fc.integer({ min: 0, max: length - 2 }), { maxLength: 12 }),
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 0, max: 6 }),
        (values, cuts, forMinutes, keepMinutes) => {
          const random = aProbe({
            levels: [
              aLevel("warn", "> 80"),
              aLevel("fail", "> 85", forMinutes * minute, keepMinutes * minute),
            ],
          });
          const series = values.map((row, index) => aSeries({ gpu: String(index) }, start, row));
          const end = start + (length - 1) * minute;
          const all: Window = { start, end, step: minute, continues: true, gap: false };
          const once = stateAfter(random, foldWindow(random, undefined, all, series, always), all);
          const ends = [...cuts.sort((a, b) => a - b).map((cut) => start + cut * minute), end];
          let state: ProbeState | undefined;
          for (const to of ends) {
            const window: Window = { ...all, start: state ? state.evaluatedTo + minute : start, end: to };
            state = stateAfter(
              random,
              foldWindow(random, state, window, slice(series, window), always),
              window,
            );
          }
          const levels = (one: ProbeState | undefined) =>
            Object.entries(one?.series ?? {})
              .map(([key, entry]) => [key, entry.levels])
              .sort();
          expect(levels(state)).toEqual(levels(once));
        },
      ),
    );
  });
});
