import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { formatDuration, parseDuration } from "../../../../shared/domain/duration.ts";

describe("durations", () => {
  it.each([
    ["0", 0],
    ["15s", 15_000],
    ["1h30m", 5_400_000],
    ["1d", 86_400_000],
    ["2w", 1_209_600_000],
    ["1y", 31_536_000_000],
    ["1m500ms", 60_500],
  ])("reads %s as Prometheus does", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "5", "5 m", "m5", "1m1h", "-5m", "5min", "1.5h"])("refuses %j and names it", (text) => {
    expect(() => parseDuration(text)).toThrow(`"${text}"`);
  });

  it("writes what it reads back to the same time", () => {
    fc.assert(
      fc.property(fc.nat(10_000_000_000), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});
