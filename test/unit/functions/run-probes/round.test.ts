import { describe, expect, it } from "vitest";

import { type RoundDeps, runTargetRound } from "../../../../functions/run-probes/round.ts";
import { buildChangeIncidents } from "../../../../shared/adapters/change-incidents.ts";
import { incidentsObject } from "../../../../shared/domain/incident-state.ts";
import type { Announcement } from "../../../../shared/domain/incidents.ts";
import type { CompiledConfig, Target } from "../../../../shared/domain/probe.ts";
import { PrometheusError, type RangeQuery } from "../../../../shared/domain/prometheus.ts";
import { shardsOf } from "../../../../shared/domain/shards.ts";
import { formatMessageState, type MessageState, parseTargetState } from "../../../../shared/domain/state.ts";
import { storeKeys } from "../../../../shared/domain/store.ts";
import { aLevel, aPolicy, aProbe, aRoute } from "../../../support/builders.ts";
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
  transactions: [],
  probes: [
    aProbe({ levels: [aLevel("fail", "> 85", 2 * minute)] }),
    aProbe({ id: "also-hot", levels: [aLevel("warn", "> 80")] }),
  ],
  incidents: aPolicy({ routes: [aRoute("#oncall", { match: { severity: "critical" } }), aRoute("#ops")] }),
  slack: null,
  heartbeat: "",
  network: null,
  writeResultsTo: "",
};

/** 90 from the third minute on, till the eighth. */
const heating: World = (_, t) => {
  const minutes = (t - start) / minute;
  return [{ labels: { gpu: "5" }, v: minutes >= 3 && minutes < 8 ? 90 : 60 }];
};

function setUp(world: World = heating) {
  const store = buildMemoryStore();
  const sent: RangeQuery[] = [];
  const announced: Announcement[] = [];
  let nonces = 0;
  const nonce = () => `nonce-${++nonces}`;
  const deps: RoundDeps = {
    store,
    changeIncidents: buildChangeIncidents(store, config.incidents, { nonce, pause: async () => undefined }),
    announce: async (_, announcements) => {
      announced.push(...announcements);
    },
    clientFor: async () => buildFakeClient(world, sent),
    nonce,
    shown: new Map(),
  };
  const [shard] = shardsOf(config.probes);
  const round = (minutes: number, others: Partial<RoundDeps> = {}) => {
    if (!shard) throw new Error("there is no shard");
    return runTargetRound(target, shard, config, start + minutes * minute, { ...deps, ...others });
  };
  const state = async () =>
    parseTargetState("state", (await store.read(storeKeys.target("seoul")))?.body ?? "");
  const whole = async () =>
    incidentsObject("seoul").parse("incidents", (await store.read(storeKeys.incidents("seoul")))?.body ?? "");
  const incidents = async () => Object.values((await whole()).incidents);
  return { store, sent, announced, round, state, whole, incidents };
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
    const { round, announced } = setUp();
    for (let minutes = 0; minutes <= 9; minutes++) {
      const { announced: now } = await round(minutes);
      if (minutes === 3) expect(now).toMatchObject([{ channel: "#ops", seq: 1 }]);
    }
    expect(new Set(announced.map(({ channel }) => channel))).toEqual(new Set(["#ops", "#oncall"]));
    // What ended before anything was posted of it is told all the same.
    expect(announced.filter(({ seq }) => seq > 1)).not.toEqual([]);
  });

  it("announces again what its message does not show yet, and stops when it does", async () => {
    const { round, store, incidents } = setUp();
    for (let minutes = 0; minutes <= 3; minutes++) await round(minutes);
    expect((await round(4)).announced).toMatchObject([{ channel: "#ops", seq: 1 }]);
    const [incident] = (await incidents()).filter(({ status }) => status === "firing");
    const id = incident?.id ?? "";
    await store.write(storeKeys.message(id, "#ops"), formatMessageState(aMessage(id)), { ifNoneMatch: "*" });
    expect((await round(4)).announced).toEqual([]);
  });

  it("changes nothing when it is run twice for the same minute", async () => {
    const { round, state, whole } = setUp();
    for (let minutes = 0; minutes <= 5; minutes++) await round(minutes);
    const { writer: _, ...once } = await state();
    const incidents = await whole();
    await round(5);
    const { writer: __, ...twice } = await state();
    expect(twice).toEqual(once);
    expect(await whole()).toEqual(incidents);
  });

  it("counts a round once, however often it is run while the target is down", async () => {
    const { round, state, incidents } = setUp(() => {
      throw new PrometheusError("unreachable", "connection refused");
    });
    for (const minutes of [0, 0, 0, 1]) await round(minutes);
    expect(Object.values((await state()).probes).map(({ blindRounds }) => blindRounds)).toEqual([2, 2]);
    expect(await incidents()).toEqual([]);
  });

  it("announces an end whose message was on its way when it came", async () => {
    const { round, store, incidents } = setUp();
    for (let minutes = 0; minutes <= 8; minutes++) await round(minutes);
    const ended = (await incidents()).find(({ channels }) => channels.includes("#ops"));
    expect(ended).toMatchObject({ status: "resolved", seq: 2 });
    const id = ended?.id ?? "";
    await store.write(storeKeys.message(id, "#ops"), formatMessageState(aMessage(id)), { ifNoneMatch: "*" });
    expect((await round(9)).announced).toContainEqual({ incident: id, channel: "#ops", seq: 2 });
  });

  it("comes to the same incidents when two invocations overlap on every round", async () => {
    const alone = setUp();
    const crowded = setUp();
    for (let minutes = 0; minutes <= 9; minutes++) {
      await alone.round(minutes);
      await Promise.all([crowded.round(minutes), crowded.round(minutes), crowded.round(minutes)]);
    }
    expect(await crowded.incidents()).toEqual(await alone.incidents());
  });

  it("catches up after missed rounds to the same times", async () => {
    const every = setUp();
    for (let minutes = 0; minutes <= 7; minutes++) await every.round(minutes);
    const missed = setUp();
    await missed.round(0);
    await missed.round(7);
    const times = async (one: ReturnType<typeof setUp>) =>
      (await one.incidents()).map(({ probe, activeAt, status }) => [probe, activeAt, status]);
    expect(await times(missed)).toEqual(await times(every));
  });

  it("does not go back in time when an old invocation comes last", async () => {
    const { round, state, whole } = setUp();
    for (let minutes = 0; minutes <= 5; minutes++) await round(minutes);
    const before = [await state(), await whole()];
    await round(2);
    expect([await state(), await whole()]).toEqual(before);
  });

  it("evaluates again what it could not remember, and changes the incidents no more", async () => {
    const { round, state, whole, store } = setUp();
    for (let minutes = 0; minutes <= 2; minutes++) await round(minutes);
    const { roundAt } = await state();
    const refused: RoundDeps["store"] = {
      ...store,
      write: async (key, ...rest) => {
        if (key === storeKeys.target("seoul")) throw new Error("s3://state was refused");
        return store.write(key, ...rest);
      },
    };
    await expect(round(3, { store: refused })).rejects.toThrow("was refused");
    const { incidents } = await whole();
    expect(Object.keys(incidents)).not.toEqual([]);
    expect((await state()).roundAt).toBe(roundAt);
    await round(3);
    expect((await whole()).incidents).toEqual(incidents);
    expect((await state()).roundAt).toBe(start + 3 * minute);
  });

  it("counts as behind what has not been told for a quarter of an hour where config still tells it", async () => {
    const { round } = setUp((_, t) => [{ labels: { gpu: "5" }, v: t >= start ? 90 : 60 }]);
    expect((await round(0)).behind).toBe(0);
    expect((await round(14)).behind).toBe(0);
    const late = await round(17);
    expect(late.announced.map(({ channel }) => channel)).toEqual(["#oncall", "#ops"]);
    // What was only pending till the fourteenth minute has not waited for long.
    expect(late.behind).toBe(1);
    expect((await round(28)).behind).toBe(1);
    expect((await round(29)).behind).toBe(2);
  });

  it("goes on past a message that cannot be read, and announces it for others to find", async () => {
    const { round, store, incidents, state } = setUp();
    for (let minutes = 0; minutes <= 3; minutes++) await round(minutes);
    const id = (await incidents()).find(({ channels }) => channels.includes("#ops"))?.id ?? "";
    await store.write(storeKeys.message(id, "#ops"), '{"version":99}', { ifNoneMatch: "*" });
    expect((await round(4)).announced).toContainEqual({ incident: id, channel: "#ops", seq: 1 });
    expect((await state()).roundAt).toBe(start + 4 * minute);
  });

  it("remembers what it could not announce, and announces what it could not remember", async () => {
    const { round, store, state, announced } = setUp();
    for (let minutes = 0; minutes <= 2; minutes++) await round(minutes);
    const mute = async () => {
      throw new Error("the bus is down");
    };
    await expect(round(3, { announce: mute })).rejects.toThrow("the bus is down");
    expect((await state()).roundAt).toBe(start + 3 * minute);
    const refused: RoundDeps["store"] = {
      ...store,
      write: async (key, ...rest) => {
        if (key === storeKeys.target("seoul")) throw new Error("s3://state was refused");
        return store.write(key, ...rest);
      },
    };
    expect(announced).toEqual([]);
    await expect(round(4, { store: refused })).rejects.toThrow("was refused");
    expect(announced).toMatchObject([{ channel: "#ops", seq: 1 }]);
  });

  it("keeps an incident open and tells of blindness while the target is down", async () => {
    const { round, incidents } = setUp();
    for (let minutes = 0; minutes <= 5; minutes++) await round(minutes);
    const clientFor: RoundDeps["clientFor"] = async () => ({
      ...buildFakeClient(heating),
      queryRange: async () => {
        throw new PrometheusError("unreachable", "http://localhost: connection refused");
      },
    });
    for (let minutes = 6; minutes <= 8; minutes++) await round(minutes, { clientFor });
    const open = await incidents();
    expect(open.filter(({ probe }) => probe !== "blind")).toMatchObject([
      { status: "firing", blind: true },
      { status: "firing", blind: true },
    ]);
    const blind = open.filter(({ probe }) => probe === "blind");
    expect(blind).toMatchObject([{ status: "firing" }]);
    expect(Object.values(blind[0]?.members ?? {}).map(({ labels }) => labels.probe)).toEqual([
      "gpu-temperature",
      "also-hot",
    ]);
    // The rounds that were missed are caught up, and what they saw is dated as it was.
    await round(10);
    expect((await incidents()).every(({ status }) => status === "resolved")).toBe(true);
  });
});
