import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkWindow, openUntil } from "../../../../shared/domain/maintenance.ts";

const minute = 60_000;
const hour = 60 * minute;

function until(cron: string, timezone: string, duration: number, now: string): string | null {
  const end = openUntil({ match: {}, cron, timezone, duration }, Date.parse(now));
  return end === null ? null : new Date(end).toISOString();
}

describe("a window", () => {
  it.each<[string, string, string, number, string, string | null]>([
    ["opens to the second", "0 2 * * *", "UTC", hour, "2026-03-02T02:00:00Z", "2026-03-02T03:00:00.000Z"],
    ["is closed just before", "0 2 * * *", "UTC", hour, "2026-03-02T01:59:59Z", null],
    [
      "is open to the last second",
      "0 2 * * *",
      "UTC",
      hour,
      "2026-03-02T02:59:59Z",
      "2026-03-02T03:00:00.000Z",
    ],
    ["is closed at its end", "0 2 * * *", "UTC", hour, "2026-03-02T03:00:00Z", null],
    [
      "goes over midnight",
      "0 23 * * SUN",
      "UTC",
      4 * hour,
      "2026-03-02T01:00:00Z",
      "2026-03-02T03:00:00.000Z",
    ],
    ["is of its own days", "0 23 * * SUN", "UTC", 4 * hour, "2026-03-03T01:00:00Z", null],
    ["may be days long", "0 0 1 * *", "UTC", 72 * hour, "2026-03-03T12:00:00Z", "2026-03-04T00:00:00.000Z"],
    [
      "is in its zone's own time",
      "0 2 * * *",
      "Asia/Seoul",
      hour,
      "2026-03-01T17:30:00Z",
      "2026-03-01T18:00:00.000Z",
    ],
    [
      "of two that overlap ends with the later one",
      "0 */2 * * *",
      "UTC",
      3 * hour,
      "2026-03-02T02:30:00Z",
      "2026-03-02T05:00:00.000Z",
    ],
    [
      "begins an hour earlier by the clock in winter",
      "0 2 * * *",
      "Europe/Berlin",
      hour,
      "2026-03-28T01:30:00Z",
      "2026-03-28T02:00:00.000Z",
    ],
    [
      "begins an hour earlier by UTC in summer",
      "0 2 * * *",
      "Europe/Berlin",
      hour,
      "2026-03-30T00:30:00Z",
      "2026-03-30T01:00:00.000Z",
    ],
    [
      "that begins in the hour that is left out begins when that would",
      "30 2 * * *",
      "Europe/Berlin",
      hour,
      "2026-03-29T01:45:00Z",
      "2026-03-29T02:30:00.000Z",
    ],
    [
      "that holds the hour that is left out is as long as it says",
      "0 1 * * *",
      "Europe/Berlin",
      3 * hour,
      "2026-03-29T02:59:00Z",
      "2026-03-29T03:00:00.000Z",
    ],
  ])("%s", (_, cron, timezone, duration, now, end) => {
    expect(until(cron, timezone, duration, now)).toBe(end);
  });

  it("that begins in the hour that comes twice is open for each", () => {
    const open = (now: string) => until("30 2 * * *", "Europe/Berlin", 30 * minute, now);
    expect(open("2026-10-25T00:45:00Z")).toBe("2026-10-25T01:00:00.000Z");
    expect(open("2026-10-25T01:15:00Z")).toBeNull();
    expect(open("2026-10-25T01:45:00Z")).toBe("2026-10-25T02:00:00.000Z");
    expect(open("2026-10-25T02:15:00Z")).toBeNull();
  });

  it("is found as soon as it is open and lost as soon as it is over, in any zone and any minute of the year", () => {
    const zones = [
      "UTC",
      "Europe/Berlin",
      "America/St_Johns",
      "Australia/Lord_Howe",
      "Asia/Kathmandu",
      "Pacific/Apia",
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom("*/10 * * * *", "0 */3 * * *", "30 2 * * *", "15 1 * * SUN", "0 0 1,15 * *"),
        fc.integer({ min: 0, max: 366 * 24 * 60 }),
        fc.integer({ min: 1, max: 24 * 60 }),
        (timezone, cron, at, long) => {
          const now = Date.UTC(2026, 0, 1) + at * minute;
          const window = { match: {}, cron, timezone, duration: long * minute };
          const end = openUntil(window, now);
          if (end === null) return;
          expect(end).toBeGreaterThan(now);
          expect(end).toBeLessThanOrEqual(now + window.duration);
          const begun = end - window.duration;
          expect(openUntil(window, begun)).toBe(end);
          // Whatever begins anew before it is over holds it open.
          expect(openUntil(window, end - 1)).not.toBeNull();
          // A clock on the wall, there, then.
          const wall = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, timeStyle: "short" }).format(
            begun,
          );
          if (cron === "30 2 * * *" && wall !== "03:30" && wall !== "03:00") expect(wall).toBe("02:30");
        },
      ),
    );
  });
});

describe("the days of a window", () => {
  const days = (cron: string) =>
    Array.from({ length: 14 }, (_, day) => Date.UTC(2026, 2, 1 + day, 0, 30))
      .filter((now) => openUntil({ match: {}, cron, timezone: "UTC", duration: hour }, now) !== null)
      .map((now) => new Date(now).getUTCDate());

  it.each<[string, number[]]>([
    ["0 0 * * SUN", [1, 8]],
    ["0 0 * * 7", [1, 8]],
    ["0 0 * * FRI-SUN", [1, 6, 7, 8, 13, 14]],
    ["0 0 5 * *", [5]],
    // Either will do.
    ["0 0 5 * MON", [2, 5, 9]],
    ["0 0 */5 * *", [1, 6, 11]],
    ["0 0 * APR *", []],
  ])("%s are %s", (cron, expected) => {
    expect(days(cron)).toEqual(expected);
  });
});

describe("what is wrong with a window", () => {
  it.each<[string, string, RegExp | null]>([
    ["0 2 * * SUN", "Europe/Berlin", null],
    ["*/15 0-6,22-23 1-7 JAN-MAR,dec MON", "UTC", null],
    ["5/20 * * * FRI-SUN", "UTC", null],
    ["0 0 29 2 *", "UTC", null],
    ["0 2 * *", "UTC", /has 4 fields: write minute, hour, day, month and day of the week/],
    ["0 25 * * *", "UTC", /"25" is no hour: that is a number from 0 to 23/],
    ["0 2 * * MOO", "UTC", /"MOO" is no day of the week/],
    ["0 5-2 * * *", "UTC", /"5-2" ends before it begins/],
    ["*/0 * * * *", "UTC", /"\*\/0" is no minute/],
    ["0 2 -1 * *", "UTC", /is no day of the month/],
    ["0 0 31 2 *", "UTC", /never comes round/],
    ["0 2 * * *", "Europe/Atlantis", /"Europe\/Atlantis" is no time zone: write one such as Europe\/Berlin/],
  ])("%s in %s: %s", (cron, timezone, fault) => {
    const said = checkWindow(cron, timezone);
    if (fault) expect(said).toMatch(fault);
    else expect(said).toBeNull();
    expect(said ?? "").not.toContain("\n");
  });
});
