import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type ApplyDeps, applyAnswer } from "../../../../functions/apply-answer/apply.ts";
import { type SweepDeps, sweep } from "../../../../functions/apply-answer/sweep.ts";
import { type Answer, dayOf, formatAnswer, parseApplied } from "../../../../shared/domain/answer.ts";
import { silencedLabels, silencesObject } from "../../../../shared/domain/silence.ts";
import { formatMessageState, type MessageState } from "../../../../shared/domain/state.ts";
import { type Store, storeKeys } from "../../../../shared/domain/store.ts";
import { t0 } from "../../../support/incident.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";
import { access, acknowledge, place, silence } from "../../../support/slack-click.ts";

const minute = 60_000;
const hour = 60 * minute;
const labels = silencedLabels("seoul", { probe: "gpu-temperature", Hostname: "gpu-node-7" });

function anAnswer(change: Partial<Answer> = {}): Answer {
  return {
    version: 1,
    id: "a1",
    writer: "w",
    at: t0,
    by: { id: "U0ADA0001", name: "ada" },
    action: acknowledge,
    place,
    responseUrl: "https://hooks.slack.com/actions/T012AB3CD/1/abc",
    ...change,
  };
}

function aMessage(change: Partial<MessageState> = {}): MessageState {
  return {
    version: 1,
    incident: acknowledge.incident,
    channel: acknowledge.channel,
    writer: "w",
    nonce: "n",
    triedAt: t0,
    attempt: null,
    ts: place.ts,
    channelId: place.channelId,
    editable: true,
    firstSeq: 1,
    messageSeq: 1,
    postedSeq: 1,
    ...change,
  };
}

interface World {
  readonly store: ReturnType<typeof buildMemoryStore>;
  readonly clock: { now: number };
  readonly acknowledged: { readonly by: string; readonly at: number; readonly answer: string }[];
  readonly told: string[];
  readonly refreshed: string[];
  readonly deps: SweepDeps;
}

async function aWorld(
  answers: readonly Answer[] = [anAnswer()],
  change: (world: World) => Partial<ApplyDeps> = () => ({}),
): Promise<World> {
  const store = buildMemoryStore();
  const clock = { now: t0 + 1000 };
  const acknowledged: World["acknowledged"] = [];
  const told: string[] = [];
  const refreshed: string[] = [];
  let nonces = 0;
  const deps: SweepDeps = {
    access,
    store,
    incidents: {
      labelsOf: async () => labels,
      acknowledge: async (_, __, by, at, answer) => {
        acknowledged.push({ by: by.id, at, answer });
        return "done";
      },
      refresh: async (target) => {
        refreshed.push(target);
      },
    },
    tell: async (_, text) => {
      told.push(text);
    },
    settled: new Set(),
    now: () => clock.now,
    nonce: () => `n${++nonces}`,
    pause: async () => undefined,
    log: () => undefined,
  };
  const world = { store, clock, acknowledged, told, refreshed, deps };
  for (const answer of answers) await store.write(keyOf(answer), formatAnswer(answer), { ifNoneMatch: "*" });
  await putMessage(store, aMessage());
  return { ...world, deps: { ...deps, ...change(world) } };
}

async function putMessage(store: Store, message: MessageState) {
  const key = storeKeys.message(message.incident, message.channel);
  await store.write(key, formatMessageState(message), { ifNoneMatch: "*" });
}

const keyOf = ({ at, id }: Answer) => storeKeys.answer(dayOf(at), id);

function recordOf({ store }: World, { at, id }: Answer = anAnswer()) {
  const key = storeKeys.applied(dayOf(at), id);
  const stored = store.objects.get(key);
  return stored ? parseApplied(key, stored.body) : undefined;
}

function silencesOf({ store }: World) {
  const stored = store.objects.get(storeKeys.silences);
  return stored ? silencesObject.parse(storeKeys.silences, stored.body) : [];
}

describe("an answer", () => {
  it("that acknowledges does so in the name of who clicked, and leaves a record of it", async () => {
    const world = await aWorld();
    expect(await applyAnswer(keyOf(anAnswer()), world.deps)).toEqual({ result: "applied" });
    expect(world.acknowledged).toEqual([{ by: "U0ADA0001", at: t0, answer: "a1" }]);
    expect(world.told).toEqual([]);
    expect(recordOf(world)).toMatchObject({
      answer: "a1",
      by: { id: "U0ADA0001", name: "ada" },
      action: acknowledge,
      place,
      at: t0,
      begunAt: t0 + 1000,
      finishedAt: t0 + 1000,
      outcome: { result: "applied" },
    });
  });

  it("that silences adds a silence of what the incident is, from the click on, and has its target follow", async () => {
    const answer = anAnswer({ action: silence });
    const world = await aWorld([answer]);
    world.clock.now = t0 + 10 * minute;
    await applyAnswer(keyOf(answer), world.deps);
    expect(silencesOf(world)).toEqual([
      {
        id: "a1",
        matchers: [
          { name: "Hostname", value: "gpu-node-7" },
          { name: "probe", value: "gpu-temperature" },
          { name: "target", value: "seoul" },
        ],
        startsAt: t0,
        endsAt: t0 + 4 * hour,
        by: { id: "U0ADA0001", name: "ada" },
        reason: "",
        origin: "slack",
      },
    ]);
    expect(world.refreshed).toEqual(["seoul"]);
  });

  it("is applied once by fifty invocations at the same time", async () => {
    const answer = anAnswer({ action: silence });
    const world = await aWorld([answer, anAnswer({ id: "a2" })]);
    const keys = [answer, anAnswer({ id: "a2" })].map(keyOf);
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) => applyAnswer(keys[index % 2] ?? "", world.deps)),
    );
    expect(outcomes.filter((outcome) => outcome !== "elsewhere")).toHaveLength(2);
    expect(silencesOf(world)).toHaveLength(1);
    expect(world.acknowledged).toHaveLength(1);
  });

  it("is not applied again when it comes again later", async () => {
    const world = await aWorld();
    await applyAnswer(keyOf(anAnswer()), world.deps);
    world.clock.now += 2 * hour;
    expect(await applyAnswer(keyOf(anAnswer()), world.deps)).toEqual({ result: "applied" });
    expect(world.acknowledged).toHaveLength(1);
  });

  it("that is settled keeps its record as it is, and nobody is told twice", async () => {
    const answer = anAnswer({ place: { ...place, ts: "1.0" } });
    const world = await aWorld([answer]);
    await applyAnswer(keyOf(answer), world.deps);
    const record = recordOf(world);
    world.clock.now += 2 * hour;
    expect(await applyAnswer(keyOf(answer), world.deps)).toEqual({ result: "refused", because: "message" });
    expect(recordOf(world)).toEqual(record);
    expect(world.told).toHaveLength(1);
  });

  it("for an incident that is over changes nothing, and says so to who clicked", async () => {
    const gone = { labelsOf: async () => null, acknowledge: async () => "gone" as const };
    for (const action of [acknowledge, silence]) {
      const answer = anAnswer({ action });
      const world = await aWorld([answer], ({ deps }) => ({ incidents: { ...deps.incidents, ...gone } }));
      await applyAnswer(keyOf(answer), world.deps);
      expect(recordOf(world)?.outcome).toEqual({ result: "gone" });
      expect(silencesOf(world)).toEqual([]);
      expect(world.told).toEqual(["Nothing was changed: the incident is over."]);
    }
  });

  it("that is nowhere to be found is an error that says so", async () => {
    const world = await aWorld([]);
    await expect(applyAnswer(keyOf(anAnswer()), world.deps)).rejects.toThrow("there is no answer answers/");
  });
});

describe("an answer that may not be applied", () => {
  const cases: readonly {
    readonly what: string;
    readonly answer: Partial<Answer>;
    readonly because: string;
    readonly says: string;
  }[] = [
    {
      what: "by somebody who is not on the list",
      answer: { action: silence, by: { id: "U0EVE0001", name: "eve" } },
      because: "user",
      says: "you are not among those who may silence",
    },
    {
      what: "from a channel that is not on the list",
      answer: { action: { ...silence, channel: "#llm-ops" } },
      because: "channel",
      says: "nobody may silence from this channel",
    },
    {
      what: "from another message than the incident's",
      answer: { place: { ...place, ts: "1772334000.000999" } },
      because: "message",
      says: "this is not the message that Sonde keeps",
    },
    {
      what: "from a message of the same time in another channel",
      answer: { place: { ...place, channelId: "C0OTHER001" } },
      because: "message",
      says: "this is not the message that Sonde keeps",
    },
    {
      what: "about an incident that was never shown there",
      answer: { action: { ...acknowledge, incident: "another" } },
      because: "message",
      says: "this is not the message that Sonde keeps",
    },
  ];

  it.each(cases)(
    "$what is refused, recorded, and told to who clicked alone",
    async ({ answer: change, because, says }) => {
      const answer = anAnswer(change);
      const world = await aWorld([answer]);
      await putMessage(world.store, aMessage({ channel: "#llm-ops" }));
      expect(await applyAnswer(keyOf(answer), world.deps)).toEqual({ result: "refused", because });
      expect(recordOf(world)).toMatchObject({ by: answer.by, outcome: { result: "refused", because } });
      expect(world.told).toEqual([expect.stringContaining(says)]);
      expect(world.acknowledged).toEqual([]);
      expect(silencesOf(world)).toEqual([]);
    },
  );

  it("from a message that is not posted yet is refused: no button of it can have been clicked", async () => {
    const world = await aWorld();
    world.store.objects.delete(storeKeys.message(acknowledge.incident, acknowledge.channel));
    await putMessage(world.store, aMessage({ ts: null, channelId: null }));
    expect(await applyAnswer(keyOf(anAnswer()), world.deps)).toMatchObject({ because: "message" });
  });

  it("where config has no slack section any more is refused", async () => {
    const world = await aWorld(undefined, () => ({ access: null }));
    expect(await applyAnswer(keyOf(anAnswer()), world.deps)).toMatchObject({ because: "config" });
  });

  it("is recorded although who clicked cannot be told", async () => {
    const answer = anAnswer({ place: { ...place, ts: "1.0" } });
    const logged: string[] = [];
    const world = await aWorld([answer], () => ({
      tell: async () => {
        throw new Error("Slack answered 404");
      },
      log: (_, message) => logged.push(message),
    }));
    await applyAnswer(keyOf(answer), world.deps);
    expect(recordOf(world)?.outcome).toMatchObject({ because: "message" });
    expect(logged).toContain("who clicked could not be told");
  });

  it("is recorded where there is nowhere to tell it", async () => {
    const answer = anAnswer({ place: { ...place, ts: "1.0" }, responseUrl: null });
    const world = await aWorld([answer]);
    await applyAnswer(keyOf(answer), world.deps);
    expect(world.told).toEqual([]);
  });

  it.each([
    [hour, "applied"],
    [hour + 1, "expired"],
  ])("%i ms after its click is %s", async (age, result) => {
    const world = await aWorld();
    world.clock.now = t0 + age;
    expect(await applyAnswer(keyOf(anAnswer()), world.deps)).toEqual({ result });
    expect(recordOf(world)?.outcome).toEqual({ result });
    expect(world.told).toEqual([]);
  });
});

describe("a crash", () => {
  it("between the record and the act leaves a record that is not finished, and the sweep finishes it", async () => {
    let crash = true;
    const world = await aWorld(undefined, ({ deps }) => ({
      incidents: {
        ...deps.incidents,
        acknowledge: async (...args) => {
          if (crash) throw new Error("S3 answers 503");
          return deps.incidents.acknowledge(...args);
        },
      },
    }));
    await expect(applyAnswer(keyOf(anAnswer()), world.deps)).rejects.toThrow("503");
    expect(recordOf(world)).toMatchObject({ finishedAt: null, outcome: null });
    crash = false;
    // As long as the first may still be at it, nobody else is.
    world.clock.now += 44_000;
    expect(await sweep(Number.POSITIVE_INFINITY, world.deps)).toEqual({ applied: 0 });
    world.clock.now += 1_000;
    expect(await sweep(Number.POSITIVE_INFINITY, world.deps)).toEqual({ applied: 1 });
    expect(world.acknowledged).toHaveLength(1);
    expect(recordOf(world)).toMatchObject({ outcome: { result: "applied" }, finishedAt: world.clock.now });
  });

  it("is finished by one of many that find it at the same time", async () => {
    const world = await aWorld(undefined, ({ store }) => ({ store: failingWrite(store, 1, false) }));
    await expect(applyAnswer(keyOf(anAnswer()), world.deps)).rejects.toThrow("crash");
    expect(recordOf(world)).toMatchObject({ outcome: null });
    world.clock.now += minute;
    const deps = { ...world.deps, store: world.store };
    await Promise.all(Array.from({ length: 50 }, () => applyAnswer(keyOf(anAnswer()), deps)));
    expect(world.acknowledged).toHaveLength(1);
    expect(recordOf(world)?.outcome).toEqual({ result: "applied" });
  });

  it("is finished even after the hour in which an answer must have begun, and by what was allowed then", async () => {
    const world = await aWorld(undefined, ({ store }) => ({ store: failingWrite(store, 2) }));
    await expect(applyAnswer(keyOf(anAnswer()), world.deps)).rejects.toThrow("crash");
    world.clock.now += 2 * hour;
    await sweep(Number.POSITIVE_INFINITY, { ...world.deps, store: world.store });
    expect(recordOf(world)?.outcome).toEqual({ result: "applied" });
  });

  it("at any write or act, over and over, ends in one silence and one record of it", async () => {
    const answer = anAnswer({ action: silence });
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ at: fc.nat(6), before: fc.boolean(), wait: fc.integer({ min: 45_000, max: 300_000 }) }),
          {
            maxLength: 8,
          },
        ),
        async (crashes) => {
          const world = await aWorld([answer]);
          for (const { at, before, wait } of crashes) {
            const store = failingWrite(world.store, at, before);
            await sweep(Number.POSITIVE_INFINITY, { ...world.deps, store, settled: new Set() }).catch(
              () => undefined,
            );
            world.clock.now += wait;
          }
          const begun = recordOf(world) !== undefined;
          await sweep(Number.POSITIVE_INFINITY, world.deps);
          const late = !begun && world.clock.now - t0 > hour;
          expect(recordOf(world)?.outcome).toEqual({ result: late ? "expired" : "applied" });
          expect(silencesOf(world).map(({ id, endsAt }) => ({ id, endsAt }))).toEqual(
            late ? [] : [{ id: "a1", endsAt: t0 + 4 * hour }],
          );
        },
      ),
    );
  });
});

/** A store whose n-th write fails, before it is done or after; 0 is none. */
function failingWrite(store: Store, n: number, before = true): Store {
  let count = 0;
  return {
    ...store,
    write: async (key, body, condition) => {
      const fails = ++count === n;
      if (fails && before) throw new Error("crash");
      const result = await store.write(key, body, condition);
      if (fails) throw new Error("crash");
      return result;
    },
  };
}

describe("the sweep", () => {
  it("applies what apply-answer was never started for, of today and yesterday", async () => {
    const yesterday = anAnswer({ id: "a0", at: t0 - 4 * hour });
    const world = await aWorld([yesterday, anAnswer()]);
    expect(dayOf(yesterday.at)).not.toBe(dayOf(t0));
    expect(await sweep(Number.POSITIVE_INFINITY, world.deps)).toEqual({ applied: 2 });
    expect(recordOf(world, yesterday)?.outcome).toEqual({ result: "expired" });
    expect(world.acknowledged.map(({ answer }) => answer)).toEqual(["a1"]);
  });

  it("finds an answer whose day has not begun here yet", async () => {
    const midnight = Date.UTC(2026, 2, 2);
    const answer = anAnswer({ at: midnight + 1000 });
    const world = await aWorld([answer]);
    world.clock.now = midnight - 1000;
    expect(await sweep(Number.POSITIVE_INFINITY, world.deps)).toEqual({ applied: 1 });
  });

  it("looks once at what is settled", async () => {
    const world = await aWorld();
    await sweep(Number.POSITIVE_INFINITY, world.deps);
    const reads: string[] = [];
    const store: Store = {
      ...world.store,
      read: async (key) => {
        reads.push(key);
        return world.store.read(key);
      },
    };
    expect(await sweep(Number.POSITIVE_INFINITY, { ...world.deps, store })).toEqual({ applied: 0 });
    expect(reads).toEqual([]);
  });

  it("lets one broken answer hold up no other, and fails in the end", async () => {
    const world = await aWorld([anAnswer({ id: "a2" })]);
    await world.store.write(storeKeys.answer(dayOf(t0), "a1"), "broken", { ifNoneMatch: "*" });
    await expect(sweep(Number.POSITIVE_INFINITY, world.deps)).rejects.toThrow(
      "1 answers could not be applied: the next sweep tries them again",
    );
    expect(world.acknowledged.map(({ answer }) => answer)).toEqual(["a2"]);
  });

  it("begins nothing after its deadline", async () => {
    const world = await aWorld();
    expect(await sweep(world.clock.now, world.deps)).toEqual({ applied: 0 });
    expect(world.acknowledged).toEqual([]);
  });
});
