import { createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import {
  type SlackStage,
  type SlackStageOptions,
  stageInstallation,
  startSlack,
} from "../../../../cli/stage/slack.ts";
import { type Loopback, serveHttp } from "../../../support/loopback.ts";

const token = "xoxb-stage";
const id = "C0STAGE001";
let stage: SlackStage;
let now: number;

async function start(options: Partial<SlackStageOptions> = {}) {
  await stage?.stop();
  stage = await startSlack({ token, channels: ["#ops"], now: () => now, ...options });
}

beforeEach(async () => {
  now = 1_772_334_000_000;
  await start();
});
afterEach(() => stage.stop());

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Record<string, unknown>;
}

async function call(
  method: string,
  args: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(method, JSON.stringify(args), {
    authorization: `Bearer ${token}`,
    "content-type": "application/json; charset=utf-8",
    ...headers,
  });
}

async function send(method: string, body: string, headers: Record<string, string>): Promise<Answer> {
  const answer = await fetch(`${stage.url}${method}`, { method: "POST", body, headers });
  return {
    status: answer.status,
    retryAfter: answer.headers.get("retry-after"),
    body: { ...Object(await answer.json()) },
  };
}

async function webhook(body: string): Promise<string> {
  const answer = await fetch(stage.webhookUrl, { method: "POST", body });
  return `${answer.status} ${await answer.text()}`;
}

const post = (more: Record<string, unknown> = {}) =>
  call("chat.postMessage", { channel: "#ops", text: "hello", ...more });
const section = { type: "section", text: { type: "mrkdwn", text: "x" } };

describe("who calls", () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };

  test.each([
    {
      how: "a Bearer header",
      body: "channel=%23ops&text=a",
      headers: { ...form, authorization: `Bearer ${token}` },
      ok: true,
    },
    { how: "the token in a form", body: `channel=%23ops&text=a&token=${token}`, headers: form, ok: true },
    { how: "no token", body: "channel=%23ops&text=a", headers: form, error: "not_authed" },
    {
      how: "a wrong token",
      body: "channel=%23ops&text=a&token=xoxb-x",
      headers: form,
      error: "invalid_auth",
    },
    {
      how: "a token within JSON, which Slack does not read",
      body: JSON.stringify({ channel: "#ops", text: "a", token }),
      headers: { "content-type": "application/json" },
      error: "not_authed",
    },
  ])("with $how", async ({ body, headers, ok, error }) => {
    const answer = await send("chat.postMessage", body, headers);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject(ok ? { ok } : { ok: false, error });
  });

  test("needs the method's scope", async () => {
    await start({ scopes: ["chat:write"] });
    expect((await call("conversations.history", { channel: id })).body).toMatchObject({
      error: "missing_scope",
      needed: "channels:history",
      provided: "chat:write",
    });
  });
});

describe("what is called", () => {
  test.each([
    { what: "a body that is not JSON", body: "{", type: "application/json", error: "invalid_json" },
    { what: "JSON that is no object", body: "[]", type: "application/json", error: "json_not_object" },
    { what: "a type that Slack does not know", body: "a", type: "text/csv", error: "invalid_post_type" },
  ])("is refused for $what", async ({ body, type, error }) => {
    const answer = await send("chat.postMessage", body, {
      authorization: `Bearer ${token}`,
      "content-type": type,
    });
    expect(answer.body).toEqual({ ok: false, error });
  });

  test("must be a method", async () => {
    expect((await call("chat.shout", {})).body).toMatchObject({ error: "unknown_method" });
  });

  test("is warned of a missing charset", async () => {
    const answer = await call("auth.test", {}, { "content-type": "application/json" });
    expect(answer.body).toMatchObject({ ok: true, warning: "missing_charset", bot_id: "B0STAGE" });
  });
});

describe("chat.postMessage", () => {
  test("answers with the channel's id, the message and its metadata", async () => {
    const metadata = { event_type: "sonde_incident", event_payload: { nonce: "n" } };
    const { body } = await post({ metadata, attachments: [{ color: "#d72b3f", blocks: [section] }] });
    expect(body).toMatchObject({ ok: true, channel: id, message: { text: "hello", metadata } });
    expect(stage.messages()).toMatchObject([
      { channel: "#ops", channelId: id, ts: body.ts, metadata, edited: false },
    ]);
  });

  test("takes lists as JSON text in forms", async () => {
    const form = new URLSearchParams({ channel: "ops", blocks: JSON.stringify([section]), token });
    const answer = await send("chat.postMessage", String(form), {
      "content-type": "application/x-www-form-urlencoded",
    });
    expect(answer.body.ok).toBe(true);
  });

  test.each([
    { what: "no content", args: { text: "" }, error: "no_text" },
    { what: "a channel that is not there", args: { channel: "#x" }, error: "channel_not_found" },
    { what: "a text that is too long", args: { text: "x".repeat(40_001) }, error: "msg_too_long" },
    { what: "blocks that are no list", args: { blocks: "{" }, error: "invalid_blocks_format" },
    {
      what: "attachments with keys of their own",
      args: { attachments: [{ hue: 1 }] },
      error: "invalid_attachments",
    },
    {
      what: "too many attachments",
      args: { attachments: Array.from({ length: 101 }, () => ({ text: "x" })) },
      error: "too_many_attachments",
    },
    { what: "metadata that is no object", args: { metadata: "[]" }, error: "invalid_metadata_format" },
    {
      what: "metadata without a payload",
      args: { metadata: { event_type: "a" } },
      error: "invalid_metadata_schema",
    },
    {
      what: "metadata that is too large",
      args: { metadata: { event_type: "a", event_payload: { x: "x".repeat(20_000) } } },
      error: "metadata_too_large",
    },
    {
      what: "more text in its blocks than Slack takes over all",
      args: {
        blocks: Array.from({ length: 5 }, () => ({
          type: "section",
          text: { type: "mrkdwn", text: "x".repeat(2_900) },
        })),
      },
      error: "msg_blocks_too_long",
    },
  ])("refuses $what", async ({ args, error }) => {
    expect((await post(args)).body).toMatchObject({ ok: false, error });
    expect(stage.messages()).toEqual([]);
  });

  test("says what is wrong with blocks, twice, as Slack does", async () => {
    const says = "unsupported type: x [json-pointer:/blocks/0/type]";
    expect((await post({ blocks: [{ type: "x" }] })).body).toEqual({
      ...{ ok: false, error: "invalid_blocks", errors: [says] },
      response_metadata: { messages: [`[ERROR] ${says}`] },
    });
  });

  test("says what is wrong with blocks in an attachment as one of attachments", async () => {
    expect((await post({ attachments: [{ blocks: [{ type: "x" }] }] })).body).toMatchObject({
      error: "invalid_attachments",
      errors: ["unsupported type: x [json-pointer:/attachments/0/blocks/0/type]"],
    });
  });

  test("drops metadata whose type has other characters than letters, digits and underscores", async () => {
    await post({ metadata: { event_type: "sonde.incident", event_payload: {} } });
    expect(stage.messages()).toMatchObject([{ metadata: null }]);
  });

  test("puts an answer under its message, and one without a message into the channel", async () => {
    const { body } = await post();
    await post({ thread_ts: body.ts, reply_broadcast: true });
    const stray = await post({ thread_ts: "1.000001" });
    expect(stage.messages().map(({ threadTs, broadcast }) => [threadTs, broadcast])).toEqual([
      [null, false],
      [body.ts, true],
      [null, false],
    ]);
    expect(stray.body).not.toHaveProperty("message.thread_ts");
  });

  test.each([
    { options: { channels: [], foreign: ["#ops"] }, error: "not_in_channel" },
    { options: { channels: [], archived: ["#ops"] }, error: "is_archived" },
  ])("refuses a channel with $error", async ({ options, error }) => {
    await start(options);
    expect((await post()).body).toEqual({ ok: false, error });
  });

  test("gives every message a timestamp of its own, ascending", async () => {
    const stamps: unknown[] = [];
    for (let index = 0; index < 5; index++) stamps.push((await post()).body.ts);
    expect(new Set(stamps).size).toBe(5);
    expect(stamps.toSorted()).toEqual(stamps);
  });
});

describe("chat.update", () => {
  test("changes what is given and keeps what is not", async () => {
    const metadata = { event_type: "a", event_payload: {} };
    const { body } = await post({ metadata, attachments: [{ text: "x" }] });
    await call("chat.update", { channel: id, ts: body.ts, text: "bye" });
    expect(stage.messages()).toMatchObject([
      { text: "bye", metadata, attachments: [{ text: "x" }], edited: true },
    ]);
  });

  test.each([
    { what: "a channel by name", args: { channel: "#ops" }, error: "channel_not_found" },
    { what: "a message that is not there", args: { ts: "1.0" }, error: "message_not_found" },
    { what: "a text of more than 4,000 bytes", args: { text: "é".repeat(2_001) }, error: "msg_too_long" },
    { what: "nothing to change", args: { text: undefined }, error: "no_text" },
  ])("refuses $what", async ({ args, error }) => {
    const { body } = await post();
    const answer = await call("chat.update", { channel: id, ts: body.ts, text: "bye", ...args });
    expect(answer.body).toEqual({ ok: false, error });
  });

  test("refuses what a webhook posted", async () => {
    expect(await webhook('{"text":"hello"}')).toBe("200 ok");
    const [message] = stage.messages();
    const answer = await call("chat.update", { channel: id, ts: message?.ts, text: "bye" });
    expect(answer.body).toEqual({ ok: false, error: "cant_update_message" });
  });
});

describe("conversations.history", () => {
  test("lists the newest first, page by page, without what stands in threads", async () => {
    const first = (await post()).body.ts;
    await post({ thread_ts: first });
    const second = (await post()).body.ts;
    const page = await call("conversations.history", { channel: id, limit: 1 });
    expect(page.body).toMatchObject({ messages: [{ ts: second }], has_more: true });
    const cursor = Object(page.body.response_metadata).next_cursor;
    const rest = await call("conversations.history", { channel: id, limit: 1, cursor });
    expect(rest.body).toMatchObject({
      messages: [{ ts: first }],
      has_more: false,
      response_metadata: { next_cursor: "" },
    });
  });

  test("leaves out the edges, and the metadata's payload, unless asked", async () => {
    const { ts } = (await post({ metadata: { event_type: "a", event_payload: { n: 1 } } })).body;
    const at = (more: object) => call("conversations.history", { channel: id, oldest: ts, ...more });
    expect((await at({})).body.messages).toEqual([]);
    expect((await at({ inclusive: true })).body.messages).toMatchObject([{ metadata: { event_type: "a" } }]);
    expect((await at({ inclusive: true })).body).not.toHaveProperty("messages.0.metadata.event_payload");
    const all = await at({ inclusive: true, include_all_metadata: true });
    expect(all.body.messages).toMatchObject([{ metadata: { event_payload: { n: 1 } } }]);
  });

  test("lags behind the channel, if told to", async () => {
    await start({ historyLagMs: 5_000 });
    await post();
    expect((await call("conversations.history", { channel: id })).body.messages).toEqual([]);
    now += 5_000;
    expect((await call("conversations.history", { channel: id })).body.messages).toHaveLength(1);
  });

  test.each([
    { args: { channel: "#ops" }, error: "channel_not_found" },
    { args: { cursor: "bm9uc2Vuc2U=" }, error: "invalid_cursor" },
    { args: { oldest: "yesterday" }, error: "invalid_ts_oldest" },
    { args: { limit: 0 }, error: "invalid_limit" },
  ])("refuses with $error", async ({ args, error }) => {
    expect((await call("conversations.history", { channel: id, ...args })).body).toEqual({
      ok: false,
      error,
    });
  });
});

describe("other methods", () => {
  test("conversations.replies lists a thread from its first message", async () => {
    const { ts } = (await post()).body;
    const answer = (await post({ thread_ts: ts })).body.ts;
    expect((await call("conversations.replies", { channel: id, ts })).body.messages).toMatchObject([
      { ts },
      { ts: answer },
    ]);
    expect((await call("conversations.replies", { channel: id, ts: "1.0" })).body.error).toBe(
      "thread_not_found",
    );
  });

  test("users.conversations lists the channels that the app is in", async () => {
    await start({ foreign: ["#other"] });
    expect((await call("users.conversations", {})).body.channels).toMatchObject([{ id, name: "ops" }]);
  });

  test("chat.delete deletes", async () => {
    const { ts } = (await post()).body;
    expect((await call("chat.delete", { channel: id, ts })).body.ok).toBe(true);
    expect((await call("chat.delete", { channel: id, ts })).body.error).toBe("message_not_found");
  });
});

describe("rates", () => {
  test("are a message a second and channel, if told to", async () => {
    await start({ rateLimit: true, channels: ["#ops", "#oncall"] });
    expect((await post()).status).toBe(200);
    expect((await post({ channel: "#oncall" })).status).toBe(200);
    const refused = await post({ channel: id });
    expect(refused).toMatchObject({ status: 429, retryAfter: "1", body: { error: "ratelimited" } });
    now += 1_000;
    expect((await post()).status).toBe(200);
    expect(stage.messages()).toHaveLength(3);
  });

  test("are not watched otherwise", async () => {
    await post();
    expect((await post()).status).toBe(200);
  });
});

describe("faults on order", () => {
  test("come once each, in order, for the method they are for", async () => {
    stage.failNext({ method: "chat.postMessage", with: { status: 503 } });
    stage.failNext({ method: "chat.postMessage", with: { drop: "after" } });
    expect((await call("auth.test", {})).status).toBe(200);
    await expect(post()).rejects.toThrow(/JSON/);
    await expect(post()).rejects.toThrow(/fetch failed/);
    expect((await post()).status).toBe(200);
    expect(stage.messages()).toHaveLength(2);
    expect(stage.calls().map(({ answered }) => answered)).toEqual(["ok", "503", "ok", "ok"]);
  });
});

describe("the incoming webhook", () => {
  test.each([
    { body: '{"text":"hello"}', answer: "200 ok" },
    { body: "hello", answer: "400 invalid_payload" },
    { body: "{}", answer: "400 no_text" },
    { body: '{"text":"x","blocks":[{"type":"x"}]}', answer: "400 invalid_blocks" },
  ])("answers $answer to $body", async ({ body, answer }) => {
    expect(await webhook(body)).toBe(answer);
  });

  test("has a rate, too", async () => {
    await start({ rateLimit: true });
    await webhook('{"text":"hello"}');
    expect(await webhook('{"text":"hello"}')).toBe("429 rate_limited");
  });
});

describe("a click", () => {
  const buttons = [
    {
      type: "actions",
      elements: [
        { type: "button", action_id: "go", text: { type: "plain_text", text: "Go" }, value: "v" },
        {
          type: "overflow",
          action_id: "more",
          options: [{ text: { type: "plain_text", text: "One" }, value: "1" }],
        },
      ],
    },
  ];
  const outsider = { id: "U0OTHER01", name: "eve", teamId: "T0OTHER00" };
  let app: Loopback;
  let status: number;
  let seen: { headers: IncomingHttpHeaders; body: string }[];

  beforeEach(async () => {
    [status, seen] = [200, []];
    app = await serveHttp(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      seen.push({ headers: request.headers, body });
      response.writeHead(status).end();
    });
  });
  afterEach(() => app.stop());

  async function clickOn(args: Record<string, unknown>, actionId: string, more: object = {}) {
    const { body } = await post(args);
    const url = `http://127.0.0.1:${app.port}/`;
    const answered = await stage.click({ ts: String(body.ts), actionId, url, ...more });
    const payload: unknown = JSON.parse(new URLSearchParams(seen[0]?.body).get("payload") ?? "null");
    return { answered, payload: Object(payload) };
  }

  test("comes as a signed form, with who clicked what in which message", async () => {
    const { answered, payload } = await clickOn({ blocks: buttons }, "go");
    expect(answered).toBe(200);
    const { headers, body } = seen[0] ?? { headers: {}, body: "" };
    const digest = createHmac("sha256", stageInstallation.signingSecret)
      .update(`v0:${headers["x-slack-request-timestamp"]}:${body}`)
      .digest("hex");
    expect(headers["x-slack-signature"]).toBe(`v0=${digest}`);
    expect(headers["x-slack-request-timestamp"]).toBe(String(now / 1000));
    expect(payload).toMatchObject({
      type: "block_actions",
      api_app_id: stageInstallation.appId,
      team: { id: stageInstallation.teamId },
      user: { id: "U0STAGE01", team_id: stageInstallation.teamId },
      container: { type: "message", channel_id: id, message_ts: payload.message.ts },
      actions: [{ type: "button", action_id: "go", value: "v" }],
    });
  });

  test("behind a coloured bar says so", async () => {
    const { payload } = await clickOn({ attachments: [{ color: "#d72b3f", blocks: buttons }] }, "go");
    expect(payload.container).toMatchObject({ type: "message_attachment", attachment_id: 1 });
  });

  test("on a menu names the option", async () => {
    const { payload } = await clickOn({ blocks: buttons }, "more", { option: "1" });
    expect(payload.actions).toMatchObject([{ type: "overflow", selected_option: { value: "1" } }]);
  });

  test("from outside carries the person's own team beside the app's", async () => {
    const { payload } = await clickOn({ blocks: buttons }, "go", { person: outsider });
    expect(payload).toMatchObject({
      user: { id: outsider.id, team_id: "T0OTHER00" },
      team: { id: stageInstallation.teamId },
    });
  });

  test("answers what the app answers", async () => {
    status = 401;
    expect((await clickOn({ blocks: buttons }, "go")).answered).toBe(401);
  });

  test("needs a button that the message shows", async () => {
    await expect(clickOn({ blocks: buttons }, "stop")).rejects.toThrow("shows nothing that is called stop");
  });

  test("gives a response URL that tells who clicked something, five times within half an hour", async () => {
    const { payload } = await clickOn({ blocks: buttons }, "go", { person: outsider });
    const tell = async (body: string) => {
      const answer = await fetch(payload.response_url, { method: "POST", body });
      return `${answer.status} ${await answer.text()}`;
    };
    expect(await tell("{")).toBe("400 invalid_payload");
    expect(await tell("{}")).toBe("400 no_text");
    expect(await tell('{"response_type":"ephemeral","text":"No."}')).toBe("200 ok");
    expect(stage.told()).toEqual([{ person: outsider, text: "No.", ephemeral: true }]);
    for (let left = 4; left > 0; left--) expect(await tell('{"text":"again"}')).toBe("200 ok");
    expect(await tell('{"text":"again"}')).toBe("404 used_url");
    now += 31 * 60_000;
    expect(await tell('{"text":"late"}')).toBe("404 expired_url");
  });
});
