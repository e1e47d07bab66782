import { afterEach, beforeEach, describe, expect, test } from "vitest";

import {
  type SlackFault,
  type SlackStage,
  type SlackStageOptions,
  startSlack,
} from "../../../../cli/stage/slack.ts";
import { renderIncident } from "../../../../functions/notify-slack/blocks.ts";
import { buildSlack } from "../../../../shared/adapters/slack.ts";
import { ConfigError, Retryable, Unacknowledged } from "../../../../shared/domain/errors.ts";
import type { SlackMessage } from "../../../../shared/domain/slack.ts";
import { anIncident, t0 } from "../../../support/incident.ts";

const token = "xoxb-stage";
const channel = "#llm-oncall";
const plain: SlackMessage = { text: "hello", blocks: [] };

let stage: SlackStage;
let now: number;
let refused: unknown[];

async function start(options: Partial<SlackStageOptions> = {}) {
  await stage?.stop();
  stage = await startSlack({ token, channels: [channel], now: () => now, ...options });
  return slackWith();
}

function slackWith(options: { token?: string; timeoutMs?: number } = {}) {
  return buildSlack({
    token,
    baseUrl: stage.url,
    timeoutMs: 500,
    onContentRefused: (details) => refused.push(details),
    ...options,
  });
}

beforeEach(async () => {
  now = t0;
  refused = [];
  await start();
});
afterEach(() => stage.stop());

describe("posting", () => {
  test("puts an incident's message into the channel as it was rendered, with its nonce", async () => {
    const message = renderIncident(anIncident(), t0);
    const place = await slackWith().post(channel, message, "n-1");
    const [stored] = stage.messages();
    expect(stored).toMatchObject({
      ...{ channel, ts: place.ts, channelId: place.channelId, text: message.text },
      attachments: [{ color: "#d72b3f", blocks: message.blocks }],
      metadata: { event_type: "sonde_incident", event_payload: { nonce: "n-1" } },
    });
    expect(refused).toEqual([]);
  });

  test("sends the bare text where Slack refuses the blocks, and says so", async () => {
    const broken: SlackMessage = {
      text: "GPU 3 is hot",
      blocks: [{ type: "section", text: { type: "mrkdwn", text: "x".repeat(3001), verbatim: true } }],
    };
    await slackWith().post(channel, broken, "n-1");
    expect(stage.messages()).toMatchObject([
      { text: "GPU 3 is hot", attachments: [], metadata: { event_payload: { nonce: "n-1" } } },
    ]);
    expect(refused).toEqual([{ method: "chat.postMessage", where: channel, text: "GPU 3 is hot" }]);
  });
});

describe("editing", () => {
  test("changes the message in place and leaves its nonce", async () => {
    const slack = slackWith();
    const place = await slack.post(channel, renderIncident(anIncident(), t0), "n-1");
    expect(await slack.update(place, plain)).toBe("updated");
    expect(stage.messages()).toMatchObject([
      { text: "hello", edited: true, metadata: { event_payload: { nonce: "n-1" } } },
    ]);
  });

  test.each([
    ["message_not_found", "gone"],
    ["cant_update_message", "not-editable"],
    ["edit_window_closed", "not-editable"],
  ] as const)("that ends in %s says %s", async (error, result) => {
    const slack = slackWith();
    const place = await slack.post(channel, plain, "n-1");
    stage.failNext({ method: "chat.update", with: { error } });
    expect(await slack.update(place, plain)).toBe(result);
  });
});

describe("answering in the thread", () => {
  test("stands under the message, in the channel too when it is asked to", async () => {
    const slack = slackWith();
    const place = await slack.post(channel, plain, "n-1");
    expect(await slack.reply(place, { text: "worse", blocks: [] }, "n-1/2", true)).toBe("replied");
    expect(await slack.reply(place, { text: "better", blocks: [] }, "n-1/3", false)).toBe("replied");
    expect(stage.messages().slice(1)).toMatchObject([
      { threadTs: place.ts, text: "worse", broadcast: true },
      { threadTs: place.ts, text: "better", broadcast: false },
    ]);
  });

  test("takes back the answer that Slack put into the channel because the message was deleted", async () => {
    const slack = slackWith();
    const place = await slack.post(channel, plain, "n-1");
    stage.deleteMessage(place.ts);
    expect(await slack.reply(place, plain, "n-1/2", false)).toBe("gone");
    expect(stage.messages()).toEqual([]);
  });

  test.each(["cannot_reply_to_message", "restricted_action_thread_locked"])(
    "is refused by %s",
    async (error) => {
      const slack = slackWith();
      const place = await slack.post(channel, plain, "n-1");
      stage.failNext({ method: "chat.postMessage", with: { error } });
      expect(await slack.reply(place, plain, "n-1/2", false)).toBe("refused");
    },
  );
});

describe("looking for a nonce", () => {
  test("finds a message among many, page by page, by the channel's name", async () => {
    const slack = slackWith();
    const place = await slack.post(channel, plain, "wanted");
    for (let index = 0; index < 450; index++) {
      now += 10;
      await slack.post(channel, plain, `other-${index}`);
    }
    expect(await slackWith().findByNonce({ channel, nonce: "wanted", since: t0 - 1 })).toEqual(place);
    expect(stage.calls().filter(({ method }) => method === "conversations.history")).toHaveLength(3);
  });

  test("does not look at what is older than the first try", async () => {
    await slackWith().post(channel, plain, "wanted");
    expect(await slackWith().findByNonce({ channel, nonce: "wanted", since: t0 + 1 })).toBeNull();
  });

  test("finds an answer in its thread, and not a message in the channel", async () => {
    const slack = slackWith();
    const { channelId, ts } = await slack.post(channel, plain, "n-1");
    await slack.reply({ channelId, ts }, plain, "n-1/2", false);
    expect(
      await slack.findByNonce({ channel: channelId, thread: ts, nonce: "n-1/2", since: t0 - 1 }),
    ).not.toBeNull();
    expect(await slack.findByNonce({ channel: channelId, nonce: "n-1/2", since: t0 - 1 })).toBeNull();
  });

  test("finds nothing in a thread that is gone", async () => {
    const slack = slackWith();
    const { channelId } = await slack.post(channel, plain, "n-1");
    expect(
      await slack.findByNonce({ channel: channelId, thread: "1.000001", nonce: "x", since: 0 }),
    ).toBeNull();
  });

  test("says whom to invite where the app is in no such channel", async () => {
    const slack = await start({ channels: ["#other"] });
    await expect(slack.findByNonce({ channel, nonce: "x", since: 0 })).rejects.toThrow(
      /#llm-oncall.*\/invite @Sonde/,
    );
  });
});

describe("what goes wrong", () => {
  const post = (slack = slackWith()) => slack.post(channel, plain, "n-1");
  const fail = (fault: SlackFault["with"]) => stage.failNext({ method: "chat.postMessage", with: fault });

  test.each([
    {
      who: "nobody was invited",
      options: { channels: [], foreign: [channel] },
      says: /not_in_channel: invite the app/,
    },
    {
      who: "the channel does not exist",
      options: { channels: ["#x"] },
      says: /channel_not_found: check the name/,
    },
    {
      who: "the channel is archived",
      options: { channels: [], archived: [channel] },
      says: /is_archived: unarchive/,
    },
    { who: "a scope is missing", options: { scopes: [] }, says: /missing_scope: give the app the scopes/ },
  ])("is a person's to mend, in one line, where $who", async ({ options, says }) => {
    const slack = await start(options);
    const error = await post(slack).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(says);
    expect(String(error)).not.toContain("\n");
  });

  test("is a person's to mend where the token is wrong, and the token is not shown", async () => {
    const error = await post(slackWith({ token: "xoxb-wrong" })).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain("chat.postMessage in #llm-oncall: invalid_auth: install the app anew");
    expect(JSON.stringify(error)).not.toContain("xoxb-wrong");
  });

  test("waits as long as a 429 asks", async () => {
    fail({ status: 429, retryAfter: 7 });
    const error = await post().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Retryable);
    expect(error).not.toBeInstanceOf(Unacknowledged);
    expect(error).toMatchObject({ afterMs: 7_000 });
  });

  test("may have arrived after a 500, a broken connection, silence, or Slack's own doubt", async () => {
    for (const fault of [
      { status: 500 },
      { drop: "before" as const },
      { error: "internal_error" },
      { error: "fatal_error" },
    ]) {
      fail(fault);
      await expect(post(), JSON.stringify(fault)).rejects.toThrow(Unacknowledged);
    }
    fail({ drop: "after" });
    await expect(post()).rejects.toThrow(Unacknowledged);
    expect(stage.messages()).toHaveLength(1);
  });

  test("cannot have arrived where there was no connection", async () => {
    const slack = slackWith();
    await stage.stop();
    const error = await post(slack).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Retryable);
    expect(error).not.toBeInstanceOf(Unacknowledged);
    expect(String(error)).toContain("ECONNREFUSED");
    await start();
  });

  test("is not hidden where nobody knows the code", async () => {
    fail({ error: "invalid_arguments" });
    await expect(post()).rejects.toThrow("chat.postMessage in #llm-oncall: invalid_arguments");
  });

  test("is tried once only: whether again is safe is not the client's to know", async () => {
    fail({ drop: "before" });
    await post().catch(() => undefined);
    expect(stage.calls()).toEqual([{ method: "chat.postMessage", answered: "dropped" }]);
  });
});
