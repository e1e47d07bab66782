import { expect, it } from "vitest";

import { compileConfig } from "../../../../shared/domain/compile.ts";
import { matchesPattern } from "../../../../shared/domain/matching.ts";
import { pack, packProbes } from "../../../support/pack.ts";

const ids = packProbes().map(({ id }) => id);
const inhibitions = pack.components.flatMap(({ inhibit = [] }) => inhibit);

it.each(inhibitions)(
  "says of probes that exist what follows from what: $source",
  ({ source, mutes, equal }) => {
    for (const pattern of [source.probe ?? [], mutes.probe ?? []].flat())
      expect(
        ids.filter((id) => matchesPattern(pattern, id)),
        pattern,
      ).not.toEqual([]);
    expect(equal ?? []).not.toEqual([]);
  },
);

it("mutes nothing by components that are not in use, and keeps config's own", () => {
  const own = { source: { probe: "a" }, mutes: { probe: "b" } };
  const { compiled } = compileConfig(
    { packs: [{ name: "llm-on-eks", components: ["langfuse"] }], inhibit: [own] },
    { packs: [pack], ruleFiles: [], certificates: {} },
  );
  expect(compiled.incidents.inhibitions.map(({ source }) => source.probe)).toEqual([
    "a",
    "langfuse-crash-loop",
  ]);
});
