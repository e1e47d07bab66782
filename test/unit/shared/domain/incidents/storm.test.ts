import { describe, expect, it } from "vitest";

import type { IncidentPolicy } from "../../../../../shared/domain/incident-policy.ts";
import { aPolicy, aProbe, aRoute } from "../../../../support/builders.ts";
import { fails, hour, minute, openDesk, type Seen, warns } from "../../../../support/incident-desk.ts";

const ids = ["hot", "slow", "node-ready"];

/** So many groups of a probe, from a number on. */
function groups(probe: string, count: number, from = 0): Seen[] {
  return Array.from({ length: count }, (_, index) => fails(probe, { node: `n${from + index}` }));
}

function desk(change: Partial<IncidentPolicy> = {}) {
  return openDesk({
    policy: aPolicy({ routes: [aRoute("#ops")], stormAbove: 6, ...change }),
    probes: ids.map((id) => aProbe({ id })),
  });
}

describe("a storm", () => {
  it("is more groups within a minute than people can read, and not as many as they can", () => {
    const few = desk();
    few.round(groups("hot", 6));
    expect(few.told()).toHaveLength(6);
    const many = desk();
    many.round([...groups("hot", 4), ...groups("slow", 3)]);
    expect(many.told()).toEqual(["1 #ops storm firing"]);
    expect(Object.values(many.open("storm").members)).toMatchObject([
      { summary: "hot: 4 incidents", value: 4, level: "fail" },
      { summary: "slow: 3 incidents", value: 3, level: "fail" },
    ]);
    for (const { probe, mute } of many.incidents())
      expect(mute?.by).toBe(probe === "storm" ? undefined : "storm");
  });

  it("tells one by one what is left when few are, and nothing of what is over by then", () => {
    const { round, told, last } = desk();
    round(groups("hot", 10));
    round(groups("hot", 4));
    expect(told(2)).toEqual([]);
    round(groups("hot", 3));
    expect(last("storm")).toMatchObject({ status: "resolved" });
    expect(told(2)).toEqual(["3 #ops hot firing", "3 #ops hot firing", "3 #ops hot firing"]);
  });

  it("takes in what begins while it lasts", () => {
    const { round, told, open } = desk();
    round(groups("hot", 10));
    round([...groups("hot", 10), ...groups("slow", 2)]);
    expect(told()).toEqual(["1 #ops storm firing"]);
    expect(Object.keys(open("storm").members)).toHaveLength(2);
  });

  it("leaves alone what was told before it", () => {
    const { round, told, incidents } = desk();
    round(groups("slow", 2));
    round([...groups("slow", 2), ...groups("hot", 8)]);
    expect(told()).toEqual(["1 #ops slow firing", "1 #ops slow firing", "2 #ops storm firing"]);
    expect(incidents().flatMap(({ probe, mute }) => (mute ? [] : [probe]))).toEqual([
      "slow",
      "slow",
      "storm",
    ]);
  });

  it("adds up what two shards of a round bring, and rolls up what was not told yet", () => {
    const { pass, roundNow, told, open } = desk();
    pass(minute);
    roundNow(groups("hot", 5), { shard: "1/2", of: ["hot"] });
    expect(told()).toHaveLength(5);
    roundNow([...groups("hot", 5), ...groups("slow", 5)], { shard: "2/2", of: ["slow"] });
    expect(told().slice(5)).toEqual(["1 #ops storm firing"]);
    expect(Object.values(open("storm").members)).toMatchObject([{ summary: "slow: 5 incidents" }]);
  });

  it("is not made of what follows from something that is told, is silenced, or only cannot be seen", () => {
    const node = fails("node-ready", { node: "n0" });
    const pods = Array.from({ length: 9 }, (_, pod) => fails("hot", { node: "n0", pod: String(pod) }));
    const inhibitions = [{ source: { probe: "node-ready" }, mutes: { probe: "hot" }, equal: ["node"] }];
    const inhibited = desk({ inhibitions, groupBy: ["probe", "series"] });
    inhibited.round([node, ...pods]);
    expect(inhibited.told()).toEqual(["1 #ops node-ready firing"]);
    const silenced = desk();
    silenced.silence({ probe: "hot" }, hour);
    silenced.round(groups("hot", 9));
    expect(silenced.told()).toEqual([]);
    const blind = desk();
    blind.round(groups("hot", 5));
    blind.rounds(5, [], { down: ids });
    expect(blind.told(2)).toEqual(["4 #ops blind firing"]);
  });

  it("is made of what fails again, too, and then says that one by one no more", () => {
    const { round, rounds, told } = desk({ stormAbove: 4 });
    round(groups("hot", 4));
    round([]);
    round([...groups("hot", 4), ...groups("slow", 4)]);
    expect(told(2)).toEqual(["3 #ops storm firing"]);
    rounds(10);
    expect(told(4)).toEqual([]);
  });

  it("never flaps: one that said nothing would hide what it stands for", () => {
    const { round, told, incidents } = desk();
    for (let time = 0; time < 8; time++) {
      round(groups("hot", 9, time * 10));
      round([]);
    }
    expect(told().filter((one) => one.includes("storm"))).toHaveLength(8);
    round([fails("slow", { node: "n1" })]);
    expect(told(17)).toEqual(["17 #ops slow firing"]);
    expect(incidents().map(({ status }) => status)).not.toContain("flapping");
  });

  it("is as grave as the gravest in it, goes where that is routed, and escalates", () => {
    const oncall = aRoute("#oncall", { match: { severity: "critical" } });
    const { round, told } = desk({ routes: [oncall, aRoute("#ops")] });
    const mild = groups("hot", 9).map(({ probe, labels }) => warns(probe, labels));
    round(mild);
    round([...mild, fails("slow")]);
    expect(told()).toEqual(["1 #ops storm firing", "2 #ops storm escalated", "2 #oncall storm firing"]);
  });
});
