import { describe, expect, test } from "vitest";

import { type DeliverDeps, deliver } from "../../../../functions/notify-slack/deliver.ts";
import { ConfigError, Retryable, Unacknowledged } from "../../../../shared/domain/errors.ts";
import type { Slack } from "../../../../shared/domain/slack.ts";
import { buildFakeSlack } from "../../../support/fake-slack.ts";
import { anIncident, storeIncidents, t0 } from "../../../support/incident.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";
import { noOutlets } from "../../../support/outlets.ts";

const minute = 60_000;

async function setUp(post?: (channel: string, text: string, fake: Slack) => ReturnType<Slack["post"]>) {
  let now = t0 + 6 * minute;
  let nonces = 0;
  const store = buildMemoryStore();
  const fake = buildFakeSlack(() => now);
  const slept: number[] = [];
  const logged: { level: string; message: string; data: Readonly<Record<string, unknown>> }[] = [];
  const ids = ["a", "b", "c", "d"];
  await storeIncidents(
    store,
    ids.map((id) => anIncident({ id }, { summary: `incident ${id}` })),
  );
  const deps: DeliverDeps = {
    store,
    slack: {
      ...fake,
      post: async (channel, message, nonce) =>
        post
          ? post(channel, message.text, { ...fake, post: (to) => fake.post(to, message, nonce) })
          : fake.post(channel, message, nonce),
    },
    ...noOutlets,
    access: null,
    now: () => now,
    nonce: () => `nonce-${++nonces}`,
    pace: async () => undefined,
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
    log: (level, message, data) => logged.push({ level, message, data }),
  };
  return { deps, fake, slept, logged, deadline: (ms: number) => now + ms };
}

function hint(id: string, group: string, channel = "#ops") {
  return { id, body: JSON.stringify({ type: "group-changed", target: "seoul", group, seq: 1, channel }) };
}

function texts({ messages }: { messages: readonly { text: string }[] }): string[] {
  return messages.map(({ text }) => text.replace(/.* /, ""));
}

describe("a batch of hints", () => {
  test("is followed in order, and nothing is given back", async () => {
    const { deps, fake, deadline } = await setUp();
    const hints = [hint("1", "a"), hint("2", "b"), hint("3", "a"), hint("4", "c")];
    expect(await deliver(hints, deadline(minute), deps)).toEqual([]);
    expect(texts(fake)).toEqual(["a", "b", "c"]);
  });

  test("names channel, incident and what was done in one line each, and nothing for what was done already", async () => {
    const { deps, logged, deadline } = await setUp();
    await deliver([hint("1", "a")], deadline(minute), deps);
    await deliver([hint("2", "a")], deadline(minute), deps);
    expect(logged).toEqual([
      {
        level: "info",
        message: "message converged",
        data: { channel: "#ops", incident: "a", effects: ["posted"] },
      },
    ]);
  });

  test("gives back what is no event, and goes on", async () => {
    const { deps, fake, logged, deadline } = await setUp();
    const hints = [{ id: "1", body: "not json" }, { id: "2", body: '{"type":"other"}' }, hint("3", "a")];
    expect(await deliver(hints, deadline(minute), deps)).toEqual(["1", "2"]);
    expect(texts(fake)).toEqual(["a"]);
    expect(logged.filter(({ level }) => level === "error")).toHaveLength(2);
  });

  test("gives back the rest of a channel that cannot be written to, untried, and serves the others", async () => {
    const tried: string[] = [];
    const { deps, deadline } = await setUp(async (channel, text, fake) => {
      tried.push(text.replace(/.* /, ""));
      if (channel === "#ops") throw new ConfigError("not_in_channel: invite the app");
      return fake.post(channel, { text, blocks: [] }, "");
    });
    const hints = [hint("1", "a"), hint("2", "b"), hint("3", "c", "#oncall"), hint("4", "d")];
    expect(await deliver(hints, deadline(minute), deps)).toEqual(["1", "2", "4"]);
    expect(tried.sort()).toEqual(["a", "c"]);
  });

  test("keeps no hint of an incident that cannot be shown: in the queue it would hold up the whole channel", async () => {
    const { deps, fake, logged, deadline } = await setUp(async (channel, text, inner) => {
      if (text.endsWith("a")) throw new Error("chat.postMessage: invalid_arguments");
      return inner.post(channel, { text, blocks: [] }, "");
    });
    const hints = [hint("1", "a"), hint("2", "b"), hint("3", "a")];
    expect(await deliver(hints, deadline(minute), deps)).toEqual([]);
    expect(texts(fake)).toEqual(["b"]);
    expect(logged.find(({ level }) => level === "error")?.message).toContain("invalid_arguments");
  });
});

describe("patience", () => {
  function busyFor(times: number, afterMs?: number) {
    let left = times;
    return async (channel: string, text: string, fake: Slack) => {
      if (left-- > 0) throw new Retryable("ratelimited", afterMs === undefined ? {} : { afterMs });
      return fake.post(channel, { text, blocks: [] }, "");
    };
  }

  test("waits as long as Slack asks, and then succeeds", async () => {
    const { deps, fake, slept, deadline } = await setUp(busyFor(1, 7_000));
    expect(await deliver([hint("1", "a")], deadline(minute), deps)).toEqual([]);
    expect(slept).toEqual([7_000]);
    expect(fake.messages).toHaveLength(1);
  });

  test("grows where nobody says how long", async () => {
    const { deps, slept, deadline } = await setUp(busyFor(3));
    await deliver([hint("1", "a")], deadline(minute), deps);
    expect(slept).toEqual([1_000, 2_000, 4_000]);
  });

  test("ends before the deadline: the queue is asked to come again", async () => {
    const { deps, slept, deadline } = await setUp(busyFor(1, 90_000));
    expect(await deliver([hint("1", "a"), hint("2", "b")], deadline(minute), deps)).toEqual(["1", "2"]);
    expect(slept).toEqual([]);
  });

  test("begins nothing after the deadline", async () => {
    const { deps, fake, deadline } = await setUp();
    expect(await deliver([hint("1", "a")], deadline(-1), deps)).toEqual(["1"]);
    expect(fake.messages).toEqual([]);
  });

  test("is not held up by a message that cannot be looked for", async () => {
    let first = true;
    const { deps, fake, deadline } = await setUp(async (channel, text, real) => {
      if (text.endsWith(" a") && first) {
        first = false;
        throw new Unacknowledged("no answer");
      }
      return real.post(channel, { text, blocks: [] }, "");
    });
    const blindfold: DeliverDeps = {
      ...deps,
      slack: {
        ...deps.slack,
        findByNonce: async () => {
          throw new ConfigError("the app lacks groups:history");
        },
      },
    };
    const failed = await deliver([hint("1", "a"), hint("2", "b")], deadline(10 * minute), blindfold);
    expect(failed).toEqual([]);
    expect(texts(fake)).toEqual(["b"]);
  });
});
