import { describe, expect, it } from "vitest";

import { followSchedule } from "../../../../cli/local/follow.ts";
import { nextRound } from "../../../../shared/domain/schedule.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const midnight = Date.UTC(2026, 0, 2);

/** The rounds that are run from `start` for so long, on a clock that only sleeping and running move. */
async function follow(
  everies: readonly number[],
  { start, length, takes = () => 300 }: { start: number; length: number; takes?: (nth: number) => number },
) {
  let clock = start;
  const interrupt = new AbortController();
  const ran: number[] = [];
  const told: string[] = [];
  const paced = {
    probes: everies.map((every) => ({ every, source: { kind: "config" } as const })),
    targets: [{ delay: 0 }],
  };
  await followSchedule(
    {
      next: (last) => nextRound(paced, last, clock),
      run: async (now) => {
        ran.push(now);
        clock += takes(ran.length);
        if (ran.length === 3) throw new Error("the third one fails");
        return [];
      },
    },
    {
      now: () => clock,
      // Timers come a little early or late, and never to the point.
      sleep: async (ms) => {
        clock += Math.max(1, ms + (ran.length % 3) - 1);
        if (clock >= start + length) interrupt.abort();
      },
      out: () => undefined,
      err: (line) => told.push(line),
      interrupted: interrupt.signal,
    },
  );
  return { ran, told };
}

describe("every schedule in one process", () => {
  it("has a round at once and then one at the start of each minute, for days, without drifting", async () => {
    const start = midnight + 37_200;
    const { ran, told } = await follow([minute, 5 * minute], { start, length: 48 * hour });
    const minutes = Array.from({ length: 48 * 60 }, (_, nth) => midnight + (nth + 1) * minute);
    expect(ran).toEqual([start, ...minutes]);
    expect(told).toEqual(["the third one fails"]);
  });

  it("has one whenever a fast probe is due, for days, without drifting", async () => {
    const { ran } = await follow([15 * second, minute], { start: midnight, length: 24 * hour });
    expect(ran).toEqual(Array.from({ length: 24 * 60 * 4 }, (_, nth) => midnight + nth * 15 * second));
  });

  it("skips what came due while a round took long, or while the machine slept", async () => {
    const { ran } = await follow([15 * second], {
      start: midnight,
      length: 2 * hour,
      takes: (nth) => (nth === 2 ? hour + 16 * second : 100),
    });
    expect(ran.slice(0, 4).map((at) => (at - midnight) / second)).toEqual([0, 15, 3_630, 3_645]);
  });
});
