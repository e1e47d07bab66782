import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { parseGroupChanged } from "../../../events/group-changed.ts";

const sample: unknown = JSON.parse(
  readFileSync(new URL("../../../events/samples/group-changed.json", import.meta.url), "utf8"),
);

describe("group-changed", () => {
  test("is read from its sample", () => {
    expect(parseGroupChanged(sample)).toEqual(sample);
  });

  test.each([{}, { type: "other" }, { ...Object(sample), extra: 1 }, { ...Object(sample), seq: "2" }])(
    "is not read from %j",
    (detail) => {
      expect(() => parseGroupChanged(detail)).toThrow();
    },
  );
});
