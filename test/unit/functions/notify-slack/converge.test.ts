import { beforeEach, describe, expect, test } from "vitest";

import { type ConvergeDeps, converge } from "../../../../functions/notify-slack/converge.ts";
import { ConfigError, Retryable, Unacknowledged } from "../../../../shared/domain/errors.ts";
import { parseMessageState } from "../../../../shared/domain/state.ts";
import { storeKeys } from "../../../../shared/domain/store.ts";
import { buildFakeSlack, type CallEnd } from "../../../support/fake-slack.ts";
import { afterChange, anIncident, storeIncidents, t0 } from "../../../support/incident.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";
import { noOutlets } from "../../../support/outlets.ts";

const minute = 60_000;
const channel = "C0TEST001";

function setUp() {
  const store = buildMemoryStore();
  const ends: CallEnd[] = [];
  let now = t0 + 6 * minute;
  let nonces = 0;
  const slack = buildFakeSlack(
    () => now,
    async () => ends.shift() ?? "answered",
  );
  const sent: string[] = [];
  const deps: ConvergeDeps = {
    store,
    slack,
    ...noOutlets,
    access: null,
    postToWebhook:
      async () =>
      async ({ text }) => {
        const end = ends.shift() ?? "answered";
        if (end === "lost") throw new Unacknowledged("no answer");
        if (end === "refused") throw new ConfigError("no_service");
        sent.push(text);
        if (end === "answer-lost") throw new Unacknowledged("no answer");
      },
    now: () => now,
    nonce: () => `nonce-${++nonces}`,
    pace: async () => undefined,
  };
  const incident = anIncident();
  const event = (to = channel) => ({
    type: "group-changed" as const,
    target: incident.target,
    group: incident.id,
    seq: 1,
    channel: to,
  });
  const state = async () => {
    const key = storeKeys.message(incident.id, channel);
    const stored = await store.read(key);
    return stored && parseMessageState(key, stored.body);
  };
  return {
    ...{ store, slack, deps, ends, sent, incident, state },
    run: (to = channel) => converge(event(to), deps),
    put: (next = incident) => storeIncidents(store, [next]),
    wait: (ms: number) => {
      now += ms;
    },
  };
}

let t: ReturnType<typeof setUp>;
beforeEach(() => {
  t = setUp();
});

const aWarning = (own = {}) => anIncident({ level: "warn" }, { level: "warn", own });
const escalated = (incident = anIncident()) => afterChange(incident, "escalated", t0 + 8 * minute, 95);
const muted = (incident = anIncident()) =>
  afterChange(incident, "muted", t0 + 9 * minute, 92, "silenced by Ada");
const recovered = (incident = anIncident()) => afterChange(incident, "recovered", t0 + 20 * minute, 70);

describe("one incident in one channel", () => {
  test("is posted once, however often it is announced", async () => {
    await t.put();
    expect(await t.run()).toEqual(["posted"]);
    expect(await t.run()).toEqual([]);
    expect(t.slack.messages.map(({ text }) => text)).toEqual([
      "🔴 *Critical* · seoul · GPU 3 on gpu-node-7 is at 91.2 °C",
    ]);
  });

  test("turns green in place, and its thread tells the changes in order", async () => {
    await t.put();
    await t.run();
    await t.put(escalated());
    expect(await t.run()).toEqual(["updated", "replied"]);
    await t.put(recovered(escalated()));
    expect(await t.run()).toEqual(["updated", "replied"]);
    const [message, ...answers] = t.slack.messages;
    expect(message?.text).toContain("✅ *Resolved after 20m*");
    expect(answers.map(({ thread, text }) => [thread, text.split(" · ")[0]])).toEqual([
      [message?.ts, "🔴 *Escalated*: 95 °C"],
      [message?.ts, "✅ *Recovered* after 20m: 70 °C"],
    ]);
  });

  test("shows an escalation in the channel too, for an edit alerts nobody", async () => {
    await t.put(aWarning({ severity: "critical" }));
    await t.run();
    await t.put(escalated());
    await t.run();
    await t.put(recovered(escalated()));
    await t.run();
    expect(t.slack.messages.map(({ broadcast }) => broadcast)).toEqual([false, true, false]);
  });

  test("does not repeat in the channel what its first message already said", async () => {
    await t.put(escalated());
    expect(await t.run()).toEqual(["posted", "replied"]);
    expect(t.slack.messages.map(({ broadcast }) => broadcast)).toEqual([false, false]);
  });

  test("is not posted while it is pending", async () => {
    await t.put(
      anIncident({
        status: "pending",
        seq: 0,
        history: [{ seq: 1, at: t0, what: "pending", value: 86, note: "" }],
      }),
    );
    expect(await t.run()).toEqual([]);
    expect(t.slack.messages).toEqual([]);
  });

  test("is told when it was over before anybody was told: as over", async () => {
    await t.put(recovered());
    expect(await t.run()).toEqual(["posted", "replied"]);
    expect(t.slack.messages.map(({ text }) => text.split(" · ")[0])).toEqual([
      "✅ *Resolved after 20m*",
      "✅ *Recovered* after 20m: 70 °C",
    ]);
    expect(await t.run()).toEqual([]);
  });

  test("is not posted while it is muted, and told as soon as it is not", async () => {
    await t.put(muted());
    expect(await t.run()).toEqual(["settled"]);
    expect(await t.run()).toEqual([]);
    expect(t.slack.messages).toEqual([]);
    await t.put(afterChange(muted(), "unmuted", t0 + 40 * minute, 93));
    expect(await t.run()).toEqual(["posted", "replied", "replied"]);
    expect(t.slack.messages.map(({ text }) => text.split(" · ")[0])).toEqual([
      "🔴 *Critical*",
      "🔕 *Quiet from here on:* silenced by Ada",
      "🔔 *Still firing*, and no longer muted: 93 °C",
    ]);
    expect(t.slack.messages.some(({ broadcast }) => broadcast)).toBe(false);
  });

  test("that is muted after it was told has its message say so", async () => {
    await t.put();
    await t.run();
    await t.put(muted());
    expect(await t.run()).toEqual(["updated", "replied"]);
    expect(t.slack.messages[0]?.text).toContain("🔕 *Critical, silenced*");
  });

  test("that is loud while it is muted is so in its thread only", async () => {
    await t.put();
    await t.run();
    await t.put(muted(afterChange(anIncident(), "escalated", t0 + 8 * minute, 95)));
    expect(await t.run()).toEqual(["updated", "replied", "replied"]);
    await t.put(recovered(muted(escalated())));
    await t.run();
    expect(t.slack.messages.map(({ broadcast }) => broadcast)).toEqual([false, false, false, false]);
    expect(t.slack.messages[0]?.text).toContain("✅ *Resolved after 20m*");
  });

  test("that ends while it is muted, and was never told, is not told", async () => {
    await t.put(muted());
    await t.run();
    await t.put(recovered(muted()));
    expect(await t.run()).toEqual(["settled"]);
    expect(await t.run()).toEqual([]);
    expect(t.slack.messages).toEqual([]);
  });

  test("that ends while it is muted is not told even where nobody had looked before", async () => {
    await t.put(recovered(muted()));
    expect(await t.run()).toEqual(["settled"]);
    expect(t.slack.messages).toEqual([]);
  });

  test("that was muted only as long as it could not be seen is told when it ended in sight", async () => {
    const seen = { ...afterChange(muted(), "seen-again", t0 + 12 * minute, 92), mute: null };
    await t.put(recovered(seen));
    expect((await t.run())[0]).toBe("posted");
  });

  test("that fires again after it ended while it was muted is told, and so is its end", async () => {
    const again = afterChange(recovered(muted()), "fired-again", t0 + 22 * minute, 92);
    await t.put(again);
    expect((await t.run())[0]).toBe("posted");
    expect(t.slack.messages[0]?.text).toContain("🔴 *Critical*");
    const other = setUp();
    await other.put(recovered(again));
    expect((await other.run())[0]).toBe("posted");
    expect(other.slack.messages[0]?.text).toContain("✅ *Resolved");
  });

  test("that fires again turns red in place, and tells the channel", async () => {
    await t.put(recovered());
    await t.run();
    await t.put(afterChange(recovered(), "fired-again", t0 + 22 * minute, 92));
    expect(await t.run()).toEqual(["updated", "replied"]);
    expect(t.slack.messages[0]?.text).toContain("🔴 *Critical*");
    expect(t.slack.messages.at(-1)).toMatchObject({
      text: expect.stringContaining("🔴 *Firing again*: 92 °C"),
      broadcast: true,
    });
  });

  test("that flaps says so once in its thread, and tells the channel only when it is calm", async () => {
    await t.put();
    await t.run();
    const flapping = afterChange(anIncident(), "flapping", t0 + 9 * minute, 60);
    await t.put(flapping);
    await t.run();
    await t.put(afterChange(flapping, "calm", t0 + 30 * minute, 93));
    await t.run();
    expect(t.slack.messages.map(({ text, broadcast }) => [text.split(" · ")[0], broadcast])).toEqual([
      ["🔴 *Critical*", false],
      ["🔁 *Flapping:* nothing more is said until it is calm", false],
      ["🔴 *Calm, and still firing*: 93 °C", true],
    ]);
  });

  test("shows the channel only the last of what it missed", async () => {
    await t.put();
    await t.run();
    const twice = afterChange(escalated(), "repeated", t0 + 4 * 60 * minute, 95);
    await t.put(twice);
    expect(await t.run()).toEqual(["updated", "replied", "replied"]);
    expect(t.slack.messages.map(({ broadcast }) => broadcast)).toEqual([false, false, true]);
  });

  test("does not alarm the channel when it is over by now", async () => {
    await t.put();
    await t.run();
    await t.put(recovered(escalated()));
    expect(await t.run()).toEqual(["updated", "replied", "replied"]);
    expect(t.slack.messages.some(({ broadcast }) => broadcast)).toBe(false);
  });

  test("is left alone when its state has expired", async () => {
    expect(await t.run()).toEqual([]);
    await storeIncidents(t.store, [anIncident({ id: "another" })]);
    expect(await t.run()).toEqual([]);
  });
});

describe("an answer that was lost", () => {
  test("makes the next try wait, look, and find the message", async () => {
    await t.put();
    t.ends.push("answer-lost");
    await expect(t.run()).rejects.toThrow(Unacknowledged);
    await expect(t.run()).rejects.toThrow(Retryable);
    t.wait(31_000);
    expect(await t.run()).toEqual(["found", "updated"]);
    expect(t.slack.messages).toHaveLength(1);
  });

  test("makes the next try post where there is nothing to be found", async () => {
    await t.put();
    t.ends.push("lost");
    await expect(t.run()).rejects.toThrow(Unacknowledged);
    t.wait(31_000);
    expect(await t.run()).toEqual(["posted"]);
    expect(t.slack.messages).toHaveLength(1);
  });

  test("of a post that arrived is put right even when the incident is over by then", async () => {
    await t.put();
    t.ends.push("answer-lost");
    await expect(t.run()).rejects.toThrow();
    await t.put(recovered());
    t.wait(31_000);
    expect(await t.run()).toEqual(["found", "updated", "replied"]);
    expect(t.slack.messages[0]?.text).toContain("Resolved");
  });

  test("of a post that never arrived makes one that says it is over when it is by then", async () => {
    await t.put();
    t.ends.push("lost");
    await expect(t.run()).rejects.toThrow();
    await t.put(recovered());
    t.wait(31_000);
    expect(await t.run()).toEqual(["posted", "replied"]);
    expect(t.slack.messages).toHaveLength(2);
    expect(t.slack.messages[0]?.text).toContain("Resolved");
    expect(await t.state()).toMatchObject({ postedSeq: 2, attempt: null });
  });

  test("of several tries leads to the message that did arrive, brought up to date", async () => {
    await t.put(aWarning());
    t.ends.push("answer-lost");
    await expect(t.run()).rejects.toThrow(Unacknowledged);
    await t.put(escalated(aWarning()));
    t.wait(31_000);
    const lagging = {
      ...t.slack,
      findByNonce: async () => null,
      post: async () => Promise.reject(new Unacknowledged("no answer")),
    };
    const event = { type: "group-changed" as const, target: "seoul", group: t.incident.id, seq: 2, channel };
    await expect(converge(event, { ...t.deps, slack: lagging })).rejects.toThrow(Unacknowledged);
    t.wait(31_000);
    expect(await t.run()).toEqual(["found", "updated", "replied"]);
    expect(t.slack.messages[0]?.text).toContain("🔴 *Critical*");
  });

  test("of a thread's answer does not double it", async () => {
    await t.put();
    await t.run();
    await t.put(recovered());
    t.ends.push("answered", "answer-lost");
    await expect(t.run()).rejects.toThrow(Unacknowledged);
    t.wait(31_000);
    expect(await t.run()).toEqual(["found"]);
    expect(t.slack.messages).toHaveLength(2);
    expect(await t.state()).toMatchObject({ postedSeq: 2 });
  });
});

describe("two invocations at once", () => {
  test("one posts, the other is told to come back", async () => {
    await t.put();
    const results = await Promise.allSettled([t.run(), t.run()]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(t.slack.messages).toHaveLength(1);
    expect(await t.run()).toEqual([]);
  });

  test("an edit that is slow never overwrites one that knows more", async () => {
    await t.put(aWarning());
    await t.run();
    await t.put(escalated(aWarning()));
    const slow = Promise.withResolvers<void>();
    const update: typeof t.slack.update = async (place, message) => {
      await slow.promise;
      return t.slack.update(place, message);
    };
    const event = { type: "group-changed" as const, target: "seoul", group: t.incident.id, seq: 2, channel };
    const first = converge(event, { ...t.deps, slack: { ...t.slack, update } });
    await new Promise((resolve) => setImmediate(resolve));
    await t.put(recovered(escalated(aWarning())));
    await expect(t.run()).rejects.toThrow(Retryable);
    slow.resolve();
    await first;
    await t.run();
    expect(t.slack.messages[0]?.text).toContain("Resolved");
  });

  test("a call that was held up until another may have begun is not made", async () => {
    await t.put();
    const write: typeof t.store.write = async (...args) => {
      t.wait(11_000);
      return t.store.write(...args);
    };
    const event = { type: "group-changed" as const, target: "seoul", group: t.incident.id, seq: 1, channel };
    await expect(converge(event, { ...t.deps, store: { ...t.store, write } })).rejects.toThrow(Retryable);
    expect(t.slack.messages).toEqual([]);
  });
});

describe("a refusal", () => {
  test("leaves nothing to look for: the next try posts at once", async () => {
    await t.put();
    t.ends.push("refused");
    await expect(t.run()).rejects.toThrow(Retryable);
    expect(await t.run()).toEqual(["posted"]);
  });
});

describe("a message that somebody deleted", () => {
  test("is posted anew when the incident still fires", async () => {
    await t.put();
    await t.run();
    t.slack.messages.length = 0;
    await t.put(escalated());
    expect(await t.run()).toEqual(["posted", "replied"]);
    expect(t.slack.messages[0]?.text).toContain("Critical");
  });

  test("is not missed when the incident is over", async () => {
    await t.put();
    await t.run();
    t.slack.messages.length = 0;
    await t.put(recovered());
    expect(await t.run()).toEqual(["settled"]);
    expect(t.slack.messages).toEqual([]);
    expect(await t.run()).toEqual([]);
  });
});

describe("a message that Slack does not let be edited", () => {
  test("stays as it is, and its thread tells the channel what is news", async () => {
    await t.put();
    await t.run();
    const deps = { ...t.deps, slack: { ...t.slack, update: async () => "not-editable" as const } };
    const event = { type: "group-changed" as const, target: "seoul", group: t.incident.id, seq: 2, channel };
    await t.put(recovered());
    expect(await converge(event, deps)).toEqual(["updated", "replied"]);
    expect(t.slack.messages.map(({ broadcast }) => broadcast)).toEqual([false, true]);
    expect(await converge(event, deps)).toEqual([]);
  });
});

describe("through a webhook", () => {
  const webhook = "slack-webhook:sonde/ops-webhook";

  test("an incident is sent once when it fires and once when it is over", async () => {
    await t.put();
    expect(await t.run(webhook)).toEqual(["posted"]);
    expect(await t.run(webhook)).toEqual([]);
    await t.put(afterChange(anIncident(), "blind", t0 + 9 * minute));
    expect(await t.run(webhook)).toEqual(["settled"]);
    await t.put(recovered(afterChange(anIncident(), "blind", t0 + 9 * minute)));
    expect(await t.run(webhook)).toEqual(["posted"]);
    expect(t.sent.map((text) => text.split(" · ")[0])).toEqual(["🔴 *Critical*", "✅ *Resolved after 20m*"]);
  });

  test("an escalation is sent, for nothing can be edited", async () => {
    await t.put(aWarning());
    await t.run(webhook);
    await t.put(escalated(aWarning()));
    expect(await t.run(webhook)).toEqual(["posted"]);
  });

  test("what may not have arrived is sent again: at least once", async () => {
    await t.put();
    t.ends.push("answer-lost");
    await expect(t.run(webhook)).rejects.toThrow(Unacknowledged);
    t.wait(31_000);
    expect(await t.run(webhook)).toEqual(["posted"]);
    expect(t.sent).toHaveLength(2);
  });

  test("the end is sent where the beginning may have arrived", async () => {
    await t.put();
    t.ends.push("answer-lost");
    await expect(t.run(webhook)).rejects.toThrow();
    await t.put(recovered());
    t.wait(31_000);
    expect(await t.run(webhook)).toEqual(["posted"]);
    expect(t.sent.at(-1)).toContain("Resolved");
  });

  test("nothing is sent while it is muted, and its end only where its beginning was", async () => {
    await t.put(muted());
    expect(await t.run(webhook)).toEqual(["settled"]);
    await t.put(recovered(muted()));
    expect(await t.run(webhook)).toEqual(["settled"]);
    expect(t.sent).toEqual([]);
    const told = setUp();
    await told.put();
    await told.run(webhook);
    await told.put(muted(escalated()));
    expect(await told.run(webhook)).toEqual(["settled"]);
    await told.put(recovered(muted(escalated())));
    expect(await told.run(webhook)).toEqual(["posted"]);
    expect(told.sent.map((text) => text.split(" · ")[0])).toEqual([
      "🔴 *Critical*",
      "✅ *Resolved after 20m*",
    ]);
  });

  test("what may have arrived before it was muted gets its end", async () => {
    await t.put();
    t.ends.push("answer-lost");
    await expect(t.run(webhook)).rejects.toThrow(Unacknowledged);
    await t.put(muted());
    t.wait(31_000);
    expect(await t.run(webhook)).toEqual(["settled"]);
    await t.put(recovered(muted()));
    expect(await t.run(webhook)).toEqual(["posted"]);
    expect(t.sent.at(-1)).toContain("Resolved");
  });

  test("it is sent when it is heard again", async () => {
    await t.put(muted());
    await t.run(webhook);
    await t.put(afterChange(muted(), "unmuted", t0 + 40 * minute, 93));
    expect(await t.run(webhook)).toEqual(["posted"]);
    expect(await t.run(webhook)).toEqual([]);
  });

  test("a refusal is tried again at once", async () => {
    await t.put();
    t.ends.push("refused");
    await expect(t.run(webhook)).rejects.toThrow(ConfigError);
    expect(await t.run(webhook)).toEqual(["posted"]);
  });
});
