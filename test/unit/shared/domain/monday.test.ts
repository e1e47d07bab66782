import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isTimeZone, untilMonday } from "../../../../shared/domain/monday.ts";

const hour = 3_600_000;
const week = 7 * 24 * hour;

describe("until Monday", () => {
  it.each([
    ["a Wednesday in UTC", "2026-03-04T12:00:00Z", "UTC", "2026-03-09T09:00:00Z"],
    ["a Sunday", "2026-03-08T23:59:59Z", "UTC", "2026-03-09T09:00:00Z"],
    ["a Monday before nine ends at nine", "2026-03-09T08:59:59Z", "UTC", "2026-03-09T09:00:00Z"],
    ["a Monday at nine is a whole week", "2026-03-09T09:00:00Z", "UTC", "2026-03-16T09:00:00Z"],
    ["already Monday in Seoul", "2026-03-08T20:00:00Z", "Asia/Seoul", "2026-03-09T00:00:00Z"],
    ["still Sunday in California", "2026-03-09T03:00:00Z", "America/Los_Angeles", "2026-03-09T16:00:00Z"],
    [
      "over the night of summer time in Berlin",
      "2026-03-28T12:00:00Z",
      "Europe/Berlin",
      "2026-03-30T07:00:00Z",
    ],
    ["on the day after it", "2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-30T07:00:00Z"],
    [
      "over the night that gives the hour back",
      "2026-10-24T12:00:00Z",
      "Europe/Berlin",
      "2026-10-26T08:00:00Z",
    ],
    ["within the hour that comes twice", "2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-26T08:00:00Z"],
    ["where half an hour is added", "2026-04-01T00:00:00Z", "Asia/Kolkata", "2026-04-06T03:30:00Z"],
    ["half an hour of summer time", "2026-04-04T00:00:00Z", "Australia/Lord_Howe", "2026-04-05T22:30:00Z"],
    [
      "at the far side of the date line",
      "2026-03-08T10:30:00Z",
      "Pacific/Kiritimati",
      "2026-03-08T19:00:00Z",
    ],
    ["over the turn of the year", "2026-12-31T23:00:00Z", "UTC", "2027-01-04T09:00:00Z"],
  ])("%s", (_, now, timeZone, expected) => {
    expect(new Date(untilMonday(Date.parse(now), timeZone)).toISOString()).toBe(
      new Date(expected).toISOString(),
    );
  });

  it("is always a Monday at nine, later than now and by a week and an hour at most", () => {
    const zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe"];
    const shown = new Map(
      zones.map((timeZone) => [
        timeZone,
        new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "long", hour: "2-digit", minute: "2-digit" }),
      ]),
    );
    fc.assert(
      fc.property(
        fc.date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true }),
        fc.constantFrom(...zones),
        (date, timeZone) => {
          const now = date.getTime();
          const until = untilMonday(now, timeZone);
          expect(until).toBeGreaterThan(now);
          expect(until - now).toBeLessThanOrEqual(week + hour);
          expect(shown.get(timeZone)?.format(until)).toBe("Monday 09:00");
        },
      ),
    );
  });
});

it.each([
  ["Europe/Berlin", true],
  ["UTC", true],
  ["Mars/Olympus", false],
  ["", false],
])("knows whether %j is a time zone: %s", (name, known) => {
  expect(isTimeZone(name)).toBe(known);
});
