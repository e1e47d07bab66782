import { describe, expect, it } from "vitest";

import type { IncidentPolicy } from "../../../../../shared/domain/incident-policy.ts";
import { aPolicy, aProbe, aRoute } from "../../../../support/builders.ts";
import { fails, minute, noon, openDesk } from "../../../../support/incident-desk.ts";

const ids = ["hot", "slow"];
const hot = fails("hot", { gpu: "0" });

function desk(change: Partial<IncidentPolicy> = {}) {
  return openDesk({
    policy: aPolicy({ routes: [aRoute("#ops")], ...change }),
    probes: ids.map((id) => aProbe({ id })),
  });
}

describe("an input that changes nothing", () => {
  it.each([
    ["a round that was had before", 0],
    ["a round from before", -5 * minute],
  ])("gives the same state back: %s", (_, earlier) => {
    const { rounds, draw, reduce, state, now } = desk();
    rounds(10, [hot]);
    const before = state();
    const input = draw([]);
    if (input.kind !== "round") throw new Error("no round");
    const late = { ...input, round: { ...input.round, at: now() + earlier } };
    expect(reduce(late)).toEqual({ state: before, effects: [] });
    expect(state()).toBe(before);
  });

  it("gives the same state back: time alone", () => {
    const { rounds, tick, pass, state } = desk();
    rounds(3, [hot]);
    const before = state();
    pass(30_000);
    tick();
    expect(state()).toBe(before);
  });

  it("gives the same state back: a round of shards that are no more", () => {
    const { round, roundNow, pass, state, draw, reduce } = desk();
    round([hot]);
    pass(minute);
    const old = draw([]);
    roundNow([hot], { shard: "1/2", of: ["hot"] });
    const before = state();
    reduce(old);
    expect(state()).toBe(before);
    expect(before.rounds).toEqual({ "": noon + minute, "1/2": noon + 2 * minute });
  });
});

describe("a change of config", () => {
  it("that takes a probe away ends its incidents, and no others", () => {
    const { round, configure, last } = desk();
    round([hot, fails("slow")]);
    configure({ probes: [aProbe({ id: "slow" })] });
    round([fails("slow")]);
    expect(last("hot")).toMatchObject({ status: "resolved", resolution: "gone" });
    expect(last("slow").status).toBe("firing");
  });

  it("that takes a blind probe away ends its part of the blindness", () => {
    const { rounds, configure, open, last } = desk();
    rounds(1);
    rounds(4, [], { down: ids });
    configure({ probes: [aProbe({ id: "slow" })] });
    rounds(1, [], { down: ids });
    expect(Object.keys(open("blind").members)).toHaveLength(1);
    configure({ probes: [] });
    rounds(1);
    expect(last("blind").status).toBe("resolved");
  });

  it("that groups otherwise moves what fails to another incident, and the old one says that it is gone", () => {
    const { round, configure, incidents, told } = desk();
    round([hot, fails("hot", { gpu: "1" })]);
    configure({ policy: aPolicy({ routes: [aRoute("#ops")], groupBy: ["probe", "gpu"] }) });
    round([hot, fails("hot", { gpu: "1" })]);
    expect(incidents().map(({ status, resolution, groupedBy }) => [status, resolution, groupedBy])).toEqual([
      ["resolved", "gone", { probe: "hot" }],
      ["firing", null, { probe: "hot", gpu: "0" }],
      ["firing", null, { probe: "hot", gpu: "1" }],
    ]);
    expect(told(2)).toEqual(["2 #ops hot firing", "2 #ops hot firing"]);
  });

  it("that routes otherwise shows what fires in the new channel, and keeps the old one up to date", () => {
    const { round, configure, last, told } = desk();
    round([hot]);
    configure({ policy: aPolicy({ routes: [aRoute("#new")] }) });
    round([hot]);
    round([]);
    expect(told()).toEqual(["1 #ops hot firing", "2 #new hot firing"]);
    expect(last("hot").channels).toEqual(["#ops", "#new"]);
  });

  it("that deals the probes out anew loses nothing and ends nothing", () => {
    const { round, roundNow, pass, told, open } = desk();
    round([hot, fails("slow")]);
    pass(minute);
    roundNow([hot, fails("slow")], { shard: "1/2", of: ["hot"] });
    roundNow([hot, fails("slow")], { shard: "2/2", of: ["slow"] });
    pass(minute);
    roundNow([hot, fails("slow")], { shard: "1/1", of: ids });
    expect(told()).toEqual(["1 #ops hot firing", "1 #ops slow firing"]);
    expect(open("hot").status).toBe("firing");
  });
});
