import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { nextRound, pickRound, roundTimes } from "../../../../shared/domain/schedule.ts";

const second = 1_000;
const minute = 60 * second;
const at = Date.UTC(2026, 0, 2, 3, 4);
const config = { kind: "config" } as const;

function paced(everies: readonly number[], delays: readonly number[] = [0]) {
  return {
    probes: everies.map((every) => ({ every: every * second, source: config })),
    targets: delays.map((delay) => ({ delay: delay * second })),
  };
}

describe("the rounds of a minute", () => {
  it.each([
    { what: "one, where no probe is due more often", everies: [60, 300], delays: [0], expected: [0] },
    { what: "one each time a fast probe is due", everies: [60, 15], delays: [0], expected: [0, 15, 30, 45] },
    { what: "those of every pace", everies: [30, 20], delays: [0], expected: [0, 20, 30, 40] },
    { what: "counted on from minute to minute", everies: [40], delays: [0], expected: [0, 40] },
    {
      what: "when the data has settled, by the delay",
      everies: [15],
      delays: [20],
      expected: [5, 20, 35, 50],
    },
    { what: "for the delay of each target", everies: [30], delays: [0, 10], expected: [0, 10, 30, 40] },
    { what: "one, without targets", everies: [15], delays: [], expected: [0] },
  ])("are $what", ({ everies, delays, expected }) => {
    expect(roundTimes(at, paced(everies, delays)).map((time) => (time - at) / second)).toEqual(expected);
  });

  it("fall on grid points where the schedule itself does not", () => {
    const late = at + 37 * second;
    expect(roundTimes(late, paced([15])).map((time) => (time - at) / second)).toEqual([45, 60, 75, 90]);
  });

  it("are not more for a rule file that was written for a quicker ruler", () => {
    const probes = [
      { every: 15 * second, source: { kind: "file", file: "rules.yml", group: "quick" } as const },
    ];
    expect(roundTimes(at, { probes, targets: [{ delay: 0 }] })).toEqual([at]);
  });

  it("meet each grid point of every pace once over any number of minutes, wherever the schedule begins", () => {
    const everies = fc.array(fc.constantFrom(5, 7, 10, 15, 20, 30, 45, 60, 300), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(everies, fc.nat(59), fc.nat(90), (own, offset, delay) => {
        const pace = paced([...own, 15], [delay]);
        const times = [0, 1, 2].flatMap((nth) => roundTimes(at + offset * second + nth * minute, pace));
        expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
        const isDue = (time: number) =>
          [...own, 15, 60].some((every) => every <= 60 && (time - delay * second) % (every * second) === 0);
        const all = Array.from({ length: 180 }, (_, nth) => at + (offset + nth) * second);
        expect(times).toEqual(all.filter(isDue));
      }),
    );
  });
});

describe("the next round", () => {
  const times = [0, 15, 30, 45];

  it.each([
    { what: "the first one while it is early", last: -1, now: -5, expected: 0 },
    { what: "the one that is due", last: 0, now: 15, expected: 15 },
    { what: "the latest that is due, which makes up for the others", last: 0, now: 44, expected: 30 },
    { what: "the one to come where none is due", last: 15, now: 16, expected: 30 },
    { what: "none after the last", last: 45, now: 46, expected: null },
  ])("is $what", ({ last, now, expected }) => {
    expect(pickRound(times, last, now)).toBe(expected);
  });

  it("goes on over the minute's end, and after a long sleep with the round that is due by then", () => {
    const pace = paced([15]);
    expect(nextRound(pace, at + 45 * second, at + 46 * second)).toBe(at + minute);
    const hours = 7 * 60 * minute;
    expect(nextRound(pace, at, at + hours + 16 * second)).toBe(at + hours + 15 * second);
  });
});
