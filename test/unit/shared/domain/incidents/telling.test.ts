import { describe, expect, it } from "vitest";

import type { IncidentPolicy } from "../../../../../shared/domain/incident-policy.ts";
import type { Route } from "../../../../../shared/domain/probe.ts";
import { aPolicy, aProbe, aRoute } from "../../../../support/builders.ts";
import { fails, hour, isGone, minute, openDesk, pends, warns } from "../../../../support/incident-desk.ts";

const probes = [aProbe({ id: "hot" }), aProbe({ id: "slow" })];
const ops = aRoute("#ops");

function desk(change: Partial<IncidentPolicy> = {}, route: Partial<Route> = {}) {
  return openDesk({ policy: aPolicy({ routes: [{ ...ops, ...route }], ...change }), probes });
}

const one = fails("hot", { gpu: "0" });
const two = fails("hot", { gpu: "1" });
const three = fails("hot", { gpu: "2" });

describe("groups", () => {
  it("gather what has the same probe and object, by one message", () => {
    const { round, told, incidents } = desk();
    round([fails("hot", { Hostname: "n1", gpu: "0" }), fails("hot", { Hostname: "n1", gpu: "1" })]);
    round([fails("hot", { Hostname: "n1", gpu: "0" }), fails("hot", { Hostname: "n2", gpu: "0" })]);
    expect(incidents().map(({ groupedBy }) => groupedBy)).toEqual([
      { probe: "hot", Hostname: "n1" },
      { probe: "hot", Hostname: "n2" },
    ]);
    expect(told()).toEqual(["1 #ops hot firing", "2 #ops hot firing"]);
  });

  it.each<[string, string[], number]>([
    ["nothing: all of a target", [], 1],
    ["the probe", ["probe"], 2],
    ["a label", ["gpu"], 2],
    ["each series", ["probe", "series"], 3],
    ["a label that the probe gives its series", ["team"], 1],
  ])("may be made by %s", (_, groupBy, count) => {
    const owned = probes.map((probe) => ({ ...probe, labels: { team: "serving" } }));
    const { round, incidents } = openDesk({ policy: aPolicy({ groupBy, routes: [ops] }), probes: owned });
    round([one, two, fails("slow", { gpu: "0" })]);
    expect(incidents()).toHaveLength(count);
    if (groupBy.includes("team")) expect(incidents()).toMatchObject([{ groupedBy: { team: "serving" } }]);
  });

  it("may be made by a probe in a way of its own", () => {
    const own = [aProbe({ id: "hot", groupBy: ["probe"] }), aProbe({ id: "slow" })];
    const { round, incidents } = openDesk({
      policy: aPolicy({ groupBy: ["probe", "series"], routes: [ops] }),
      probes: own,
    });
    round([one, two, fails("slow", { gpu: "0" }), fails("slow", { gpu: "1" })]);
    expect(incidents().map(({ groupedBy }) => groupedBy)).toEqual([
      { probe: "hot" },
      { probe: "slow", gpu: "0" },
      { probe: "slow", gpu: "1" },
    ]);
  });

  it("are led by the gravest, then the oldest", () => {
    const { round, open } = desk();
    round([warns("hot", { gpu: "0" })]);
    round([warns("hot", { gpu: "0" }), two]);
    expect(open("hot")).toMatchObject({ lead: expect.stringContaining('"1"'), level: "fail" });
    round([one, two]);
    expect(open("hot")).toMatchObject({ lead: expect.stringContaining('"0"') });
  });

  it("carry what all members share, the severity of the leading one, probe and target", () => {
    const { round, open } = desk();
    round([fails("hot", { zone: "a", gpu: "0" }), warns("hot", { zone: "a", gpu: "1" })]);
    expect(open("hot").labels).toEqual({ zone: "a", severity: "critical", probe: "hot", target: "seoul" });
  });
});

describe("groupWait", () => {
  it("of nothing tells a group at once, and shows in its message who joins", () => {
    const { round, told, open } = desk();
    round([one]);
    expect(told()).toEqual(["1 #ops hot firing"]);
    round([one, two]);
    expect(Object.keys(open("hot").members)).toHaveLength(2);
    expect(told()).toHaveLength(1);
  });

  it("keeps a group back for so long", () => {
    const { round, told } = desk({ groupWait: 2 * minute });
    round([one]);
    round([one, two]);
    expect(told()).toEqual([]);
    round([one, two]);
    expect(told()).toEqual(["3 #ops hot firing"]);
  });

  it("tells nothing of what is over before", () => {
    const { round, told } = desk({ groupWait: 2 * minute });
    round([one]);
    round([]);
    round([]);
    round([]);
    expect(told()).toEqual([]);
  });
});

describe("groupInterval", () => {
  const grown = (notes: readonly { what: string; note: string }[]) =>
    notes.flatMap(({ what, note }) => (what === "grew" ? [note] : []));

  it("is the least time between two notes of who joined and left, and the message shows each at once", () => {
    const { round, rounds, open } = desk();
    round([one]);
    const { seq } = open("hot");
    round([one, two]);
    round([one, two, three]);
    round([one, three]);
    expect(open("hot").seq).toBe(seq + 3);
    expect(grown(open("hot").history)).toEqual([]);
    rounds(2, [one, three]);
    expect(grown(open("hot").history)).toEqual(["2 joined, 1 left"]);
    rounds(10, [one, three]);
    expect(grown(open("hot").history)).toHaveLength(1);
  });

  it("is how soon a group that fails again is the same incident still", () => {
    const { round, rounds, told, incidents, story } = desk();
    round([one]);
    round([]);
    rounds(3);
    round([one]);
    expect(incidents()).toHaveLength(1);
    expect(story("hot")).toEqual(["firing", "recovered", "fired-again"]);
    expect(told()).toEqual(["1 #ops hot firing", "6 #ops hot fired-again"]);
  });

  it("over, a group that fails again is another incident", () => {
    const { round, rounds, told, incidents } = desk();
    round([one]);
    round([]);
    rounds(4);
    round([one]);
    expect(incidents().map(({ status }) => status)).toEqual(["resolved", "firing"]);
    expect(told()).toEqual(["1 #ops hot firing", "7 #ops hot firing"]);
  });

  it("does not make one that is only pending again out of one that ended", () => {
    const { round, incidents, told } = desk();
    round([one]);
    round([]);
    round([pends("hot", { gpu: "0" })]);
    expect(incidents().map(({ status }) => status)).toEqual(["resolved", "pending"]);
    round([one]);
    expect(incidents().map(({ status }) => status)).toEqual(["firing"]);
    expect(told()).toEqual(["1 #ops hot firing", "4 #ops hot fired-again"]);
  });
});

describe("repeatInterval", () => {
  it("has what still fires told again, until it is over", () => {
    const { rounds, told } = desk({ repeatInterval: 30 * minute });
    rounds(70, [one]);
    rounds(70);
    expect(told()).toEqual(["1 #ops hot firing", "31 #ops hot repeated", "61 #ops hot repeated"]);
  });

  it.each<[string, number | undefined, string[]]>([
    ["may be another one on a route", 20 * minute, ["21 #ops hot repeated", "41 #ops hot repeated"]],
    ["of 0 on a route is never", 0, []],
    ["is the policy's where a route has none", undefined, ["31 #ops hot repeated"]],
  ])("%s", (_, repeatInterval, repeats) => {
    const own = repeatInterval === undefined ? {} : { repeatInterval };
    const { rounds, told } = desk({ repeatInterval: 30 * minute }, own);
    rounds(60, [one]);
    expect(told(2)).toEqual(repeats);
  });

  it("of several routes is the shortest, and one that never repeats has no say", () => {
    const routes = [
      aRoute("#log", { repeatInterval: 0, continue: true }),
      aRoute("#slow", { repeatInterval: hour, continue: true }),
      aRoute("#ops", { repeatInterval: 30 * minute }),
    ];
    const { rounds, told } = desk({ routes });
    rounds(31, [one]);
    expect(told(2)).toEqual(["31 #log hot repeated", "31 #slow hot repeated", "31 #ops hot repeated"]);
  });

  it("counts from the last time that the channel heard of it", () => {
    const { round, rounds, told } = desk({ repeatInterval: 30 * minute });
    rounds(20, [warns("hot", { gpu: "0" })]);
    rounds(30, [one]);
    expect(told(2)).toEqual(["21 #ops hot escalated"]);
    round([one]);
    expect(told(22)).toEqual(["51 #ops hot repeated"]);
  });
});

describe("escalation", () => {
  const escalation = { after: 15 * minute, channels: ["#managers"], mention: "<!here>" };

  it("calls people and tells another channel of what nobody has acknowledged, once", () => {
    const { rounds, told, last } = desk({}, { escalation });
    rounds(15, [one]);
    expect(told(2)).toEqual([]);
    rounds(60, [one]);
    expect(told(2)).toEqual(["16 #ops hot unanswered", "16 #managers hot firing"]);
    expect(last("hot").history.find(({ what }) => what === "unanswered")).toMatchObject({ note: "<!here>" });
  });

  it("waits for those who have not been told yet", () => {
    const { rounds, told, silence } = desk({ groupWait: 5 * minute }, { escalation });
    rounds(20, [one]);
    expect(told()).toEqual(["6 #ops hot firing"]);
    silence({ probe: "hot" }, hour);
    rounds(60, [one]);
    expect(told(7)).toEqual(["80 #ops hot unmuted"]);
    rounds(15, [one]);
    expect(told(81)).toEqual(["95 #ops hot unanswered", "95 #managers hot firing"]);
  });

  it("does not come where somebody answered in time, be it in the last moment", () => {
    const { rounds, round, pass, acknowledge, told } = desk({}, { escalation });
    rounds(15, [one]);
    pass(minute);
    acknowledge("hot");
    round([one]);
    expect(told(2)).toEqual([]);
  });

  it("gives people the same time again to answer when it gets graver", () => {
    const { rounds, acknowledge, told, open } = desk({}, { escalation });
    rounds(5, [warns("hot", { gpu: "0" })]);
    acknowledge("hot");
    rounds(60, [warns("hot", { gpu: "0" })]);
    rounds(15, [one]);
    expect(open("hot").acknowledged).toBeNull();
    expect(told(2)).toEqual(["66 #ops hot escalated"]);
    rounds(1, [one]);
    expect(told(67)).toEqual(["81 #ops hot unanswered", "81 #managers hot firing"]);
  });

  it("comes again for what fails again", () => {
    const { rounds, told } = desk({}, { escalation });
    rounds(20, [one]);
    rounds(2);
    rounds(16, [one]);
    expect(told(17)).toEqual([
      "23 #ops hot fired-again",
      "23 #managers hot fired-again",
      "38 #ops hot unanswered",
      "38 #managers hot unanswered",
    ]);
  });
});

describe("acknowledging", () => {
  const escalation = { after: 15 * minute, channels: ["#managers"], mention: "" };

  it("stops repeats and escalation, and is said in the thread", () => {
    const { rounds, acknowledge, told, story, open } = desk({ repeatInterval: 30 * minute }, { escalation });
    rounds(2, [one]);
    acknowledge("hot");
    rounds(100, [one, two]);
    expect(told(2)).toEqual([]);
    expect(open("hot").acknowledged).toMatchObject({ name: "Ada" });
    expect(story("hot")).toEqual(["firing", "acknowledged", "grew"]);
  });

  it("twice, or of what is over or unknown, changes nothing", () => {
    const { round, acknowledge, reduce, state, last, now } = desk();
    round([one]);
    acknowledge("hot");
    const before = state();
    acknowledge("hot");
    expect(state()).toBe(before);
    round([]);
    const { id } = last("hot");
    const over = state();
    for (const incident of [id, "no-such-incident"])
      expect(reduce({ kind: "acknowledge", incident, by: { id: "U2", name: "Bo" }, at: now() })).toEqual({
        state: over,
        effects: [],
      });
    expect(state()).toBe(over);
  });

  it("that arrives twice does not answer for what got graver in between", () => {
    const { round, acknowledge, reduce, inputs, open } = desk();
    round([warns("hot", { gpu: "0" })]);
    acknowledge("hot");
    const [answer] = inputs().slice(-1);
    round([one]);
    if (answer) reduce(answer);
    expect(open("hot").acknowledged).toBeNull();
    acknowledge("hot");
    expect(open("hot").acknowledged).not.toBeNull();
  });

  it("holds while it eases, and no longer when it fails again", () => {
    const { round, acknowledge, open } = desk();
    round([one]);
    acknowledge("hot");
    round([warns("hot", { gpu: "0" })]);
    expect(open("hot").acknowledged).not.toBeNull();
    round([]);
    round([one]);
    expect(open("hot").acknowledged).toBeNull();
  });
});

describe("routes", () => {
  const oncall = aRoute("#oncall", { match: { severity: "critical" } });

  it("are gone through until one matches, and on while they say so", () => {
    const { round, told } = desk({ routes: [{ ...oncall, continue: true }, ops, aRoute("#never")] });
    round([one, warns("slow")]);
    expect(told()).toEqual(["1 #oncall hot firing", "1 #ops hot firing", "1 #ops slow firing"]);
  });

  it("that an incident comes to later get it too, and those before stay up to date", () => {
    const { round, told, last } = desk({ routes: [oncall, ops] });
    round([warns("hot")]);
    round([fails("hot")]);
    round([warns("hot")]);
    round([]);
    expect(told()).toEqual(["1 #ops hot firing", "2 #ops hot escalated", "2 #oncall hot firing"]);
    expect(last("hot").channels).toEqual(["#ops", "#oncall"]);
  });

  it("that match nothing of it leave an incident untold, and it lives all the same", () => {
    const { round, told, last } = desk({ routes: [oncall] });
    round([warns("hot", { gpu: "0" })]);
    round([isGone("hot", { gpu: "0" })]);
    expect(told()).toEqual([]);
    expect(last("hot")).toMatchObject({ status: "resolved", resolution: "gone" });
  });
});
