import { describe, expect, it } from "vitest";

import { packAliases, parsePackFile } from "../../../../shared/domain/pack.ts";

const file = {
  component: "c",
  title: "C",
  hint: "scrape it",
  prefixes: { v: ["v:", "v_"] },
  metrics: { total: ["{v}total", "old_total"], errors: { names: ["{v}errors"], optional: true } },
  labels: { host: { names: ["Host", "host"], of: "$total" } },
  probes: [{ id: "p", catalogue: "X-01", query: "$total", summary: "s" }],
};

describe("a pack file", () => {
  it("writes prefixes out, in their order, the newer name under all of them first", () => {
    expect(parsePackFile("c.yaml", file).metrics).toEqual({
      total: { names: ["v:total", "v_total", "old_total"], optional: false },
      errors: { names: ["v:errors", "v_errors"], optional: true },
    });
  });

  it("says what its aliases may stand for", () => {
    expect(packAliases(parsePackFile("c.yaml", file))).toMatchObject({
      total: { kind: "metric", optional: false },
      errors: { kind: "metric", optional: true },
      host: { kind: "label", names: ["Host", "host"], of: "$total" },
    });
  });

  it.each([
    ["an unknown key", { ...file, colour: "red" }, /c\.yaml is not a pack/],
    ["a probe without a query", { ...file, probes: [{ id: "p" }] }, /at probes\.0/],
    ["a prefix that is not declared", { ...file, metrics: { a: ["{w}x"] } }, /"\{w\}x" begins with a prefix/],
  ])("with %s is refused by name", (_, data, message) => {
    expect(() => parsePackFile("c.yaml", data)).toThrow(message);
  });
});
