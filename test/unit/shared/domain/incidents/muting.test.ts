import { describe, expect, it } from "vitest";

import type { IncidentPolicy, MaintenanceWindow } from "../../../../../shared/domain/incident-policy.ts";
import { silencedLabels } from "../../../../../shared/domain/silence.ts";
import { aPolicy, aProbe, aRoute } from "../../../../support/builders.ts";
import { fails, hour, minute, openDesk, type Seen, warns } from "../../../../support/incident-desk.ts";

const ids = ["hot", "slow", "node-ready", "pod-restarts", "gateway", "backend"];
const hot = fails("hot", { gpu: "0" });
const warm = warns("hot", { gpu: "0" });

function desk(change: Partial<IncidentPolicy> = {}) {
  return openDesk({
    policy: aPolicy({ routes: [aRoute("#ops")], ...change }),
    probes: ids.map((id) => aProbe({ id })),
  });
}

describe("a silence", () => {
  it("from before keeps an incident from being told, until it ends while it still fires", () => {
    const { silence, rounds, told, open } = desk();
    silence({ probe: "hot" }, 30 * minute);
    rounds(29, [hot]);
    expect(open("hot")).toMatchObject({ mute: { by: "silence", note: "Ada" }, channels: [] });
    expect(told()).toEqual([]);
    rounds(1, [hot]);
    expect(open("hot").mute).toBeNull();
    expect(told()).toEqual(["30 #ops hot firing"]);
  });

  it("says nothing at all of what came and went under it", () => {
    const { silence, rounds, told, last } = desk();
    silence({ probe: "hot" }, 30 * minute);
    rounds(5, [hot]);
    rounds(60);
    expect(told()).toEqual([]);
    expect(last("hot")).toMatchObject({ status: "resolved", channels: [] });
  });

  it("of what was told is noted in its thread, says that it ends soon, and that it has ended", () => {
    const { silence, rounds, told, story, open } = desk();
    rounds(2, [hot]);
    silence({ probe: "hot" }, hour);
    rounds(61, [hot]);
    expect(story("hot")).toEqual(["firing", "muted", "mute-ending", "unmuted"]);
    expect(open("hot").history.map(({ note }) => note)).toEqual(["", "silenced by Ada for 59m", "15m", ""]);
    expect(told()).toEqual(["1 #ops hot firing", "62 #ops hot unmuted"]);
  });

  it("that is short says only once how long", () => {
    const { silence, rounds, story } = desk();
    rounds(1, [hot]);
    silence({ probe: "hot" }, 10 * minute);
    rounds(9, [hot]);
    expect(story("hot")).toEqual(["firing", "muted"]);
  });

  it("ended by hand is over at once", () => {
    const { silence, unsilence, rounds, told, tick, pass } = desk();
    rounds(1, [hot]);
    silence({ probe: "hot" }, hour, "s");
    rounds(5, [hot]);
    unsilence("s");
    pass(1);
    tick();
    expect(told(2)).toHaveLength(1);
    expect(told(2)[0]).toContain("unmuted");
  });

  it("keeps quiet what gets graver or fails again under it", () => {
    const { silence, rounds, told, story, open } = desk();
    rounds(1, [warm]);
    silence({ probe: "hot" }, hour);
    rounds(2, [warm]);
    rounds(2, [hot]);
    rounds(2);
    rounds(2, [hot]);
    expect(told(2)).toEqual([]);
    expect(story("hot")).toEqual(["firing", "muted", "recovered", "muted"]);
    expect(open("hot").level).toBe("fail");
    rounds(60, [hot]);
    expect(told(2)).toEqual(["61 #ops hot unmuted"]);
  });

  it("that begins in the very round in which something gets graver keeps that quiet, too", () => {
    const { silence, rounds, told, story } = desk();
    rounds(1, [warm]);
    silence({ probe: "hot" }, hour);
    rounds(1, [hot]);
    expect(story("hot")).toEqual(["firing", "muted"]);
    expect(told(2)).toEqual([]);
  });

  it("stops repeats and escalations, and those begin anew when it ends", () => {
    const escalation = { after: 15 * minute, channels: ["#managers"], mention: "" };
    const { silence, rounds, told } = desk({
      repeatInterval: 30 * minute,
      routes: [aRoute("#ops", { escalation })],
    });
    rounds(1, [hot]);
    silence({ probe: "hot" }, 2 * hour);
    rounds(136, [hot]);
    expect(told(2)).toEqual(["121 #ops hot unmuted", "136 #ops hot unanswered", "136 #managers hot firing"]);
  });

  it("of some members silences none of the others", () => {
    const { silence, rounds, told, open } = desk();
    silence({ gpu: "0" }, hour);
    rounds(1, [hot]);
    expect(open("hot").mute).not.toBeNull();
    rounds(1, [hot, fails("hot", { gpu: "1" })]);
    expect(open("hot").mute).toBeNull();
    expect(told()).toEqual(["2 #ops hot firing"]);
    rounds(1, [hot]);
    expect(open("hot").mute).toMatchObject({ by: "silence" });
  });

  it("of a probe silences no other probe of the same group", () => {
    const { silence, rounds, told } = desk({ groupBy: ["object"] });
    silence({ probe: "hot" }, hour);
    rounds(1, [fails("hot", { node: "n1" })]);
    expect(told()).toEqual([]);
    rounds(1, [fails("hot", { node: "n1" }), warns("slow", { node: "n1" })]);
    expect(told()).toEqual(["2 #ops hot firing"]);
  });

  it("made of a group's labels and target holds for whoever joins", () => {
    const { silence, rounds, told, open } = desk();
    rounds(1, [fails("hot", { node: "n1", gpu: "0" })]);
    silence(silencedLabels("seoul", open("hot").groupedBy), hour);
    rounds(5, [fails("hot", { node: "n1", gpu: "0" }), warns("hot", { node: "n1", gpu: "1" })]);
    rounds(5, [warns("hot", { node: "n1", gpu: "1" })]);
    expect(open("hot").mute).toMatchObject({ by: "silence" });
    expect(told(2)).toEqual([]);
  });

  it("of an incident that several probes share is of all of them", () => {
    const { silence, rounds, told, open } = desk({ groupBy: ["object"] });
    rounds(1, [fails("hot", { node: "n1" })]);
    silence(silencedLabels("seoul", open("hot").groupedBy), hour);
    rounds(5, [fails("hot", { node: "n1" }), warns("slow", { node: "n1" })]);
    expect(open("hot").mute).toMatchObject({ by: "silence" });
    expect(told(2)).toEqual([]);
  });

  it("of the longest of several counts, and another one is noted when it takes over", () => {
    const { silence, rounds, open, story } = desk();
    rounds(1, [hot]);
    silence({ probe: "hot" }, hour, "short");
    silence({ gpu: "0" }, 2 * hour, "long");
    rounds(1, [hot]);
    expect(open("hot").mute).toMatchObject({ id: "long" });
    rounds(90, [hot]);
    expect(story("hot")).toEqual(["firing", "muted"]);
  });
});

describe("a maintenance window", () => {
  const window: MaintenanceWindow = {
    match: { probe: ["hot", "pod-*"], target: "seoul" },
    cron: "10 12 * * *",
    timezone: "UTC",
    duration: 20 * minute,
  };

  it("mutes what it matches for as long as it is open, and no more", () => {
    const { rounds, told, story } = desk({ maintenance: [window] });
    rounds(9, [hot, fails("slow")]);
    expect(told()).toEqual(["1 #ops hot firing", "1 #ops slow firing"]);
    rounds(30, [hot, fails("slow"), fails("pod-restarts")]);
    expect(story("hot")).toEqual(["firing", "muted", "unmuted"]);
    expect(told(2)).toEqual(["30 #ops hot unmuted", "30 #ops pod-restarts firing"]);
    expect(story("slow")).toEqual(["firing"]);
  });

  it("of a target mutes blindness, too, and one of its probes does not", () => {
    const whole = { ...window, match: { target: "seoul" } };
    for (const [maintenance, told] of [
      [[whole], []],
      [[window], ["12 #ops blind firing"]],
    ] as const) {
      const opened = desk({ maintenance });
      opened.rounds(9);
      opened.rounds(6, [], { down: ids });
      expect(opened.told()).toEqual(told);
    }
  });
});

describe("an inhibition", () => {
  const nodes = {
    source: { probe: "node-ready" },
    mutes: { probe: ["hot", "pod-*"] },
    equal: ["node"],
  };
  const node = fails("node-ready", { node: "ip-10-0-1-2.ap-northeast-2.compute.internal" });

  it.each<[string, Seen, boolean]>([
    ["on the node by another label and its short name", fails("hot", { Hostname: "ip-10-0-1-2" }), true],
    ["on the node by the same label", fails("pod-restarts", { node: "ip-10-0-1-2.compute.internal" }), true],
    ["on another node", fails("hot", { Hostname: "ip-10-0-1-3" }), false],
    ["on no node that it names", fails("hot", { gpu: "0" }), false],
    ["that does not follow from nodes", fails("slow", { node: "ip-10-0-1-2" }), false],
  ])("of what is %s", (_, seen, muted) => {
    const { rounds, open } = desk({ inhibitions: [nodes] });
    rounds(1, [node, seen]);
    expect(open(seen.probe).mute).toEqual(
      muted ? { by: "inhibition", id: open("node-ready").id, until: null, note: "node-ready" } : null,
    );
  });

  it("takes addresses whole", () => {
    const { rounds, open } = desk({ inhibitions: [nodes] });
    rounds(1, [fails("node-ready", { node: "10.0.1.2" }), fails("hot", { Hostname: "10.0.1.3" })]);
    expect(open("hot").mute).toBeNull();
  });

  it("mutes no incident that has a member elsewhere", () => {
    const { rounds, open, told } = desk({ inhibitions: [nodes], groupBy: ["probe"] });
    rounds(1, [node, fails("hot", { Hostname: "ip-10-0-1-2" })]);
    expect(open("hot").mute).not.toBeNull();
    rounds(1, [node, fails("hot", { Hostname: "ip-10-0-1-2" }), fails("hot", { Hostname: "other" })]);
    expect(open("hot").mute).toBeNull();
    expect(told()).toEqual(["1 #ops node-ready firing", "2 #ops hot firing"]);
  });

  it("tells what is left when its cause is over, and stays quiet while the cause flaps", () => {
    const pod = fails("pod-restarts", { node: "ip-10-0-1-2" });
    const { round, rounds, told, open } = desk({ inhibitions: [nodes] });
    for (let time = 0; time < 4; time++) {
      round([node, pod]);
      round([pod]);
    }
    expect(open("node-ready").status).toBe("flapping");
    expect(open("pod-restarts").mute).toMatchObject({ by: "inhibition" });
    rounds(20, [pod]);
    expect(open("pod-restarts").mute).toBeNull();
    expect(told().filter((one) => one.includes("pod-restarts"))).toEqual([
      "2 #ops pod-restarts firing",
      "4 #ops pod-restarts unmuted",
      "23 #ops pod-restarts unmuted",
    ]);
  });

  it("by something silenced mutes all the same: somebody knows of it", () => {
    const { silence, rounds, told } = desk({ inhibitions: [nodes] });
    silence({ probe: "node-ready" }, hour);
    rounds(5, [node, fails("hot", { Hostname: "ip-10-0-1-2" })]);
    expect(told()).toEqual([]);
  });

  it("needs every member covered, be it by silence or by cause", () => {
    const { silence, rounds, told, open } = desk({ inhibitions: [nodes], groupBy: ["probe"] });
    silence({ Hostname: "other" }, hour);
    rounds(5, [node, fails("hot", { Hostname: "ip-10-0-1-2" }), fails("hot", { Hostname: "other" })]);
    expect(told()).toEqual(["1 #ops node-ready firing"]);
    expect(open("hot").mute).toMatchObject({ by: "inhibition" });
  });

  it("goes down a chain, from what people are told of", () => {
    const chain = [
      { source: { probe: "backend" }, mutes: { probe: "gateway" }, equal: [] },
      { source: { probe: "gateway" }, mutes: { probe: "slow" }, equal: [] },
    ];
    const { rounds, told } = desk({ inhibitions: chain });
    rounds(3, [fails("slow"), fails("gateway"), fails("backend")]);
    expect(told()).toEqual(["1 #ops backend firing"]);
  });

  it("all round leaves the oldest told", () => {
    const ring = ["backend", "gateway", "slow"].map((probe, index, all) => ({
      source: { probe },
      mutes: { probe: all[(index + 1) % 3] ?? "" },
      equal: [],
    }));
    const { round, told } = desk({ inhibitions: ring });
    round([fails("gateway")]);
    round([fails("gateway"), fails("backend"), fails("slow")]);
    expect(told()).toEqual(["1 #ops gateway firing"]);
    round([fails("backend"), fails("slow")]);
    expect(told()).toHaveLength(2);
  });

  it("whose cause and effect are the same mutes nothing", () => {
    const all = { source: { severity: "critical" }, mutes: { target: "seoul" }, equal: [] };
    const { round, told } = desk({ inhibitions: [all] });
    round([fails("hot"), fails("slow"), warns("gateway")]);
    expect(told()).toEqual(["1 #ops hot firing", "1 #ops slow firing"]);
  });
});

describe("a target that cannot be seen", () => {
  it("is one incident, which mutes what fires unseen, and that is no news when it is seen again", () => {
    const { rounds, told, story } = desk();
    rounds(1, [hot, fails("slow")]);
    rounds(5, [], { down: ids });
    expect(told(2)).toEqual(["4 #ops blind firing"]);
    rounds(3, [hot]);
    expect(told(5)).toEqual([]);
    expect(story("hot")).toEqual(["firing", "muted", "seen-again"]);
    expect(story("slow")).toEqual(["firing", "muted", "recovered"]);
  });

  it("that comes back worse than it went is told so", () => {
    const { rounds, told, story } = desk();
    rounds(1, [warm]);
    rounds(5, [], { down: ids });
    rounds(1, [hot]);
    expect(story("hot")).toEqual(["firing", "muted", "escalated", "seen-again"]);
    expect(told(5)).toEqual(["7 #ops hot escalated"]);
  });

  it("in part mutes only what it hides", () => {
    const { rounds, open } = desk();
    rounds(1, [hot, fails("slow")]);
    rounds(5, [fails("slow")], { down: ["hot"] });
    expect(open("hot").mute).toMatchObject({ by: "inhibition", note: "blind" });
    expect(open("slow").mute).toBeNull();
  });

  it("is not told for the blindness of a part that another shard runs", () => {
    const { roundNow, pass, open, last } = desk();
    const halves = [
      { shard: "1/2", of: ["hot", "slow"] },
      { shard: "2/2", of: ["node-ready", "gateway"] },
    ];
    for (let time = 0; time < 4; time++) {
      pass(minute);
      roundNow([], { ...halves[0], down: ["hot", "slow"] });
      roundNow([], { ...halves[1] });
    }
    expect(Object.keys(open("blind").members)).toHaveLength(2);
    roundNow([], { ...halves[1] });
    pass(minute);
    roundNow([], { ...halves[0] });
    expect(last("blind").status).toBe("resolved");
  });
});
