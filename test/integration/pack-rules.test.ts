import { expect, it } from "vitest";

import { generateRuleFile, packRecordings } from "../../shared/domain/generate-rules.ts";
import { resolveProbe } from "../../shared/domain/resolve-names.ts";
import { parseRuleFile, renderRuleFile } from "../../shared/domain/rule-file.ts";
import { findNames, pack, packProbes } from "../support/pack.ts";
import { runPromtool } from "../support/promtool.ts";

/** The rules for a target on which every metric of the pack is found under its n-th name. */
function rulesFor(nth: number, amp: boolean) {
  const probes = packProbes();
  const series = probes.flatMap(({ aliases }) =>
    Object.values(aliases).flatMap(({ kind, names }) =>
      kind === "metric"
        ? [{ __name__: names[Math.min(nth, names.length - 1)] ?? "", hostname: "a", pod: "b" }]
        : [],
    ),
  );
  const found = findNames(probes, series);
  const sources = probes.flatMap((probe) => {
    const resolved = resolveProbe(probe, found);
    return "query" in resolved ? [{ probe, query: resolved.query }] : [];
  });
  const recordings = packRecordings([pack], () => true).flatMap(({ component, record, ...recording }) => {
    const resolved = resolveProbe(recording, found);
    return "query" in resolved ? [{ component, record, query: resolved.query }] : [];
  });
  return { sources, recordings, file: generateRuleFile(sources, recordings, { amp, delay: 30_000 }) };
}

it.each([0, 1, 2, 3])(
  "promtool accepts the rules of a target with every metric's name number %d",
  async (nth) => {
    const { file, sources, recordings } = rulesFor(nth, false);
    expect(sources).toHaveLength(packProbes().length);
    expect(recordings.length).toBeGreaterThan(12);
    const run = await runPromtool({ "rules.yaml": renderRuleFile(file) }, ["check", "rules", "rules.yaml"]);
    expect(run).toEqual({ code: 0, output: expect.stringContaining("SUCCESS") });
  },
);

it("rules are what Sonde itself can import, times and all", () => {
  const { file } = rulesFor(0, true);
  expect(parseRuleFile(renderRuleFile(file))).toEqual(file);
});

it("only AMP's rules say query_offset, which Prometheus 2.42 does not know", async () => {
  const { file } = rulesFor(0, true);
  const data = renderRuleFile(file);
  expect(data.groups.every(({ query_offset }) => query_offset === "30s")).toBe(true);
  expect(JSON.stringify(renderRuleFile(rulesFor(0, false).file))).not.toContain("query_offset");
});

it("two groups are never called alike, and no group steps faster than AMP can", () => {
  const { groups } = rulesFor(0, true).file;
  expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length);
  for (const { interval } of groups) expect(interval).toBeGreaterThanOrEqual(30_000);
});
