import { describe, expect, it } from "vitest";

import { type GroupChanged, parseGroupChanged } from "../../../../events/group-changed.ts";
import { type RoundDeps, runTargetRound } from "../../../../functions/run-probes/round.ts";
import type { CompiledConfig, Target } from "../../../../shared/domain/probe.ts";
import { PrometheusError, type RangeQuery } from "../../../../shared/domain/prometheus.ts";
import { formatMessageState, type MessageState, parseTargetState } from "../../../../shared/domain/state.ts";
import { storeKeys } from "../../../../shared/domain/store.ts";
import { aLevel, aProbe } from "../../../support/builders.ts";
import { buildFakeClient, type World } from "../../../support/fake-prometheus.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";

const minute = 60_000;
const start = 1_700_000_100_000;
const target: Target = {
  name: "seoul",
  url: "http://localhost",
  auth: { kind: "none" },
  amp: false,
  delay: 0,
};
const config: CompiledConfig = {
  version: 1,
  targets: [target],
  probes: [
    aProbe({ levels: [aLevel("fail", "> 85", 2 * minute)] }),
    aProbe({ id: "also-hot", levels: [aLevel("warn", "> 80")] }),
  ],
  routes: [
    { match: { severity: "critical" }, slack: "#oncall" },
    { match: {}, slack: "#ops" },
  ],
  blindAfter: 3,
  heartbeat: "",
};

/** 90 from the third minute on, till the eighth. */
const heating: World = (_, t) => {
  const minutes = (t - start) / minute;
  return [{ labels: { gpu: "5" }, v: minutes >= 3 && minutes < 8 ? 90 : 60 }];
};

function setUp(world: World = heating) {
  const store = buildMemoryStore();
  const sent: RangeQuery[] = [];
  const published: GroupChanged[] = [];
  let nonce = 0;
  const deps: RoundDeps = {
    store,
    publish: async (events) => {
      for (const { detail } of events) published.push(parseGroupChanged(detail));
    },
    clientFor: async () => buildFakeClient(world, sent),
    nonce: () => `nonce-${++nonce}`,
    shown: new Set(),
  };
  const round = (minutes: number) => runTargetRound(target, config, start + minutes * minute, deps);
  const state = async () =>
    parseTargetState("state", (await store.read(storeKeys.target("seoul")))?.body ?? "");
  return { store, sent, published, deps, round, state };
}

/** What is remembered of a message that shows the first change of an incident. */
function aMessage(incident: string): MessageState {
  return {
    version: 1,
    incident,
    channel: "#ops",
    writer: "w",
    nonce: "n",
    triedAt: 0,
    ts: "1",
    channelId: "C1",
    attempt: null,
    editable: true,
    firstSeq: 1,
    messageSeq: 1,
    postedSeq: 1,
  };
}

describe("a round", () => {
  it("asks equal queries and equal freshness once", async () => {
    const { round, sent } = setUp();
    await round(0);
    // Two windows (with and without a `for` to look back over), each with one query and one freshness query.
    expect(sent.length).toBe(4);
    sent.length = 0;
    await round(1);
    expect(sent.map(({ start: from, end }) => [from, end])).toEqual([
      [start + minute, start + minute],
      [start + minute, start + minute],
    ]);
  });

  it("announces each change of each incident to the channel of its route", async () => {
    const { round, published } = setUp();
    for (let minutes = 0; minutes <= 9; minutes++) {
      const { announced } = await round(minutes);
      if (minutes === 3) expect(announced).toMatchObject([{ channel: "#ops", seq: 1, target: "seoul" }]);
    }
    expect(new Set(published.map(({ channel }) => channel))).toEqual(new Set(["#ops", "#oncall"]));
    // What ended before anything was posted of it needs no message.
    expect(published.filter(({ seq }) => seq > 1)).toEqual([]);
  });

  it("announces again what its message does not show yet, and stops when it does", async () => {
    const { round, store, state } = setUp();
    for (let minutes = 0; minutes <= 3; minutes++) await round(minutes);
    expect((await round(4)).announced).toMatchObject([{ channel: "#ops", seq: 1 }]);
    const [incident] = Object.values((await state()).incidents).filter(({ status }) => status === "firing");
    const id = incident?.id ?? "";
    await store.write(storeKeys.message(id, "#ops"), formatMessageState(aMessage(id)), { ifNoneMatch: "*" });
    expect((await round(4)).announced).toEqual([]);
  });

  it("changes nothing when it is run twice for the same minute", async () => {
    const { round, state } = setUp();
    for (let minutes = 0; minutes <= 5; minutes++) await round(minutes);
    const { writer: _, ...once } = await state();
    await round(5);
    const { writer: __, ...twice } = await state();
    expect(twice).toEqual(once);
  });

  it("counts a round once, however often it is run while the target is down", async () => {
    const { round, state } = setUp(() => {
      throw new PrometheusError("unreachable", "connection refused");
    });
    for (const minutes of [0, 0, 0, 1]) await round(minutes);
    expect(Object.values((await state()).probes).map(({ blindRounds }) => blindRounds)).toEqual([2, 2]);
    expect((await state()).incidents).toEqual({});
  });

  it("announces an end whose message was on its way when it came", async () => {
    const { round, store, state } = setUp();
    for (let minutes = 0; minutes <= 8; minutes++) await round(minutes);
    const ended = Object.values((await state()).incidents).find(({ channels }) => channels.includes("#ops"));
    expect(ended).toMatchObject({ status: "resolved", seq: 2 });
    const id = ended?.id ?? "";
    await store.write(storeKeys.message(id, "#ops"), formatMessageState(aMessage(id)), { ifNoneMatch: "*" });
    expect((await round(9)).announced).toMatchObject([{ group: id, seq: 2 }]);
  });

  it("comes to the same incidents when two invocations overlap on every round", async () => {
    const alone = setUp();
    const crowded = setUp();
    for (let minutes = 0; minutes <= 9; minutes++) {
      await alone.round(minutes);
      await Promise.all([crowded.round(minutes), crowded.round(minutes), crowded.round(minutes)]);
    }
    expect((await crowded.state()).incidents).toEqual((await alone.state()).incidents);
  });

  it("catches up after missed rounds to the same times", async () => {
    const every = setUp();
    for (let minutes = 0; minutes <= 7; minutes++) await every.round(minutes);
    const missed = setUp();
    await missed.round(0);
    await missed.round(7);
    const times = async (one: ReturnType<typeof setUp>) =>
      Object.values((await one.state()).incidents).map(({ probe, activeAt, status }) => [
        probe,
        activeAt,
        status,
      ]);
    expect(await times(missed)).toEqual(await times(every));
  });

  it("does not go back in time when an old invocation comes last", async () => {
    const { round, state } = setUp();
    for (let minutes = 0; minutes <= 5; minutes++) await round(minutes);
    const before = await state();
    await round(2);
    expect(await state()).toEqual(before);
  });

  it("keeps an incident open and tells of blindness while the target is down", async () => {
    const { round, deps, state } = setUp();
    for (let minutes = 0; minutes <= 5; minutes++) await round(minutes);
    const down: RoundDeps = {
      ...deps,
      clientFor: async () => ({
        ...buildFakeClient(heating),
        queryRange: async () => {
          throw new PrometheusError("unreachable", "http://localhost: connection refused");
        },
      }),
    };
    for (let minutes = 6; minutes <= 8; minutes++)
      await runTargetRound(target, config, start + minutes * minute, down);
    const incidents = Object.values((await state()).incidents);
    expect(incidents.filter(({ probe }) => probe !== "blind")).toMatchObject([
      { status: "firing", blind: true },
      { status: "firing", blind: true },
    ]);
    expect(incidents.filter(({ probe }) => probe === "blind")).toMatchObject([
      { status: "firing", value: 2 },
    ]);
    // The rounds that were missed are caught up, and what they saw is dated as it was.
    await round(10);
    expect(Object.values((await state()).incidents).every(({ status }) => status === "resolved")).toBe(true);
  });
});
