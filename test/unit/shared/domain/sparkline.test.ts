import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { sparkline } from "../../../../shared/domain/sparkline.ts";

describe("sparkline", () => {
  test.each([
    { says: "a rise from the lowest bar to the highest", values: [1, 2, 3, 4, 5, 6, 7, 8], bars: "▁▂▃▄▅▆▇█" },
    { says: "gaps as spaces", values: [1, null, 8], bars: "▁ █" },
    { says: "a level line in the middle", values: [5, 5, 5], bars: "▄▄▄" },
    { says: "nothing where nothing is known", values: [null, null], bars: "" },
    { says: "nothing of nothing", values: [], bars: "" },
  ])("shows $says", ({ values, bars }) => {
    expect(sparkline(values, 20)).toBe(bars);
  });

  test("keeps a spike up and a spike down when many values share a bar", () => {
    const calm = Array.from({ length: 100 }, (): number => 50);
    expect(sparkline(calm.with(42, 99), 10)).toContain("█");
    expect(sparkline(calm.with(42, 1), 10)).toContain("▁");
  });

  test("is never wider than asked and holds only bars and spaces, for any finite values", () => {
    const value = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
    fc.assert(
      fc.property(fc.array(value), fc.integer({ min: 0, max: 40 }), (values, width) => {
        expect(sparkline(values, width)).toMatch(new RegExp(`^[▁▂▃▄▅▆▇█ ]{0,${width}}$`));
      }),
    );
  });
});
