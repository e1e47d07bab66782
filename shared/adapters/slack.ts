import { LogLevel, WebClient } from "@slack/web-api";
import * as z from "zod/mini";

import { ConfigError } from "../domain/errors.ts";
import type { MessagePlace, Slack, SlackMessage } from "../domain/slack.ts";
import { refusalOf, slackFailure } from "./slack-failure.ts";

export interface SlackOptions {
  /** A bot token, xoxb-…. */
  readonly token: string;
  /** Slack's own unless told; ends in `/api/`. */
  readonly baseUrl?: string;
  readonly timeoutMs?: number;
  /** Hears of messages that Slack would only take as plain text. */
  readonly onContentRefused?: (details: Readonly<Record<string, unknown>>) => void;
}

const defaultTimeoutMs = 10_000;
/** Slack's recommended page, and a bound on how much is read to find one message. */
const pageSize = 200;
const maxPages = 50;
/** Letters, digits and underscores: Slack drops others silently (github.com/slackapi/bolt-python/issues/863). */
const eventType = "sonde_incident";

/** The blocks are at fault, so the bare text is sent in their place: a plain alert is better than none. */
const contentRefused = new Set([
  "invalid_blocks",
  "invalid_blocks_format",
  "invalid_attachments",
  "msg_blocks_too_long",
  "attachment_payload_limit_exceeded",
]);

/** The Slack port over the Web API. No call is repeated here: whether that is safe is the caller's to know. */
export function buildSlack(options: SlackOptions): Slack {
  const call = buildCall(options);
  const ids = new Map<string, string>();
  const channelId = async (channel: string): Promise<string> => {
    if (/^[CGD][A-Z0-9]{6,}$/.test(channel)) return channel;
    const id = ids.get(channel) ?? (await findChannel(call, channel));
    ids.set(channel, id);
    return id;
  };
  const send = async (method: string, where: string, args: Args, message: SlackMessage, handled: Handled) => {
    const rich = await call(method, where, { ...args, ...content(message) }, { ...handled, ...plainInstead });
    if (rich !== "plain") return rich;
    options.onContentRefused?.({ method, where, text: message.text });
    return call(method, where, { ...args, text: message.text, blocks: [], attachments: [] }, handled);
  };
  return {
    post: async (channel, message, nonce) => {
      const args = { channel, ...quiet, metadata: metadata(nonce) };
      const answer = await send("chat.postMessage", channel, args, message, {});
      const place = readPlace(answer);
      ids.set(channel, place.channelId);
      return place;
    },
    update: async ({ channelId, ts }, message) => {
      const args = { channel: channelId, ts, parse: "none", link_names: false };
      const answer = await send("chat.update", channelId, args, message, {
        message_not_found: "gone",
        cant_update_message: "not-editable",
        edit_window_closed: "not-editable",
      });
      return answer === "gone" || answer === "not-editable" ? answer : "updated";
    },
    reply: async (place, message, nonce, broadcast) => {
      const args = {
        channel: place.channelId,
        thread_ts: place.ts,
        reply_broadcast: broadcast,
        ...quiet,
        metadata: metadata(nonce),
      };
      const answer = await send("chat.postMessage", place.channelId, args, message, threadRefused);
      if (answer === "gone" || answer === "refused") return answer;
      const { channel, ts, message: echoed } = posted.parse(answer);
      if (echoed?.thread_ts !== undefined) return "replied";
      // Where the thread's first message is gone, Slack puts the answer into the channel instead. A stray
      // answer that cannot be taken back is a blemish, not worth a second one.
      await call("chat.delete", channel, { channel, ts }, {}).catch(() => undefined);
      return "gone";
    },
    findByNonce: async ({ channel, thread, nonce, since }) => {
      const id = await channelId(channel);
      const args = { channel: id, oldest: (since / 1000).toFixed(6), include_all_metadata: true };
      const pages =
        thread === undefined
          ? readPages(call, "conversations.history", id, args, {})
          : readPages(
              call,
              "conversations.replies",
              id,
              { ...args, ts: thread },
              { thread_not_found: "none" },
            );
      for await (const page of pages) {
        const found = history.parse(page).messages.find((message) => nonceOf(message) === nonce);
        if (found) return { channelId: id, ts: found.ts };
      }
      return null;
    },
  };
}

type Args = Readonly<Record<string, unknown>>;
/** Error codes that the caller turns into a result of its own. */
type Handled = Readonly<Record<string, string>>;
type Call = (method: string, where: string, args: Args, handled: Handled) => Promise<unknown>;

function buildCall({ token, baseUrl, timeoutMs = defaultTimeoutMs }: SlackOptions): Call {
  const client = new WebClient(token, {
    ...(baseUrl === undefined ? {} : { slackApiUrl: baseUrl }),
    timeout: timeoutMs,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    logger: silent,
  });
  return async (method, where, args, handled) => {
    try {
      return await client.apiCall(method, { ...args });
    } catch (error) {
      const code = refusalOf(error)?.code;
      const result = code === undefined ? undefined : handled[code];
      if (result !== undefined) return result;
      throw slackFailure(`${method} in ${where}`, error);
    }
  };
}

/** What the SDK would print is in the errors, and nowhere else. */
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => LogLevel.ERROR,
  setName: () => undefined,
};

/** Nothing in a message is looked up, linked or unfurled but what its markup says. */
const quiet = { parse: "none", link_names: false, unfurl_links: false, unfurl_media: false } as const;

const plainInstead: Handled = Object.fromEntries([...contentRefused].map((code) => [code, "plain"]));

const threadRefused: Handled = {
  thread_not_found: "gone",
  message_not_found: "gone",
  cannot_reply_to_message: "refused",
  restricted_action_thread_locked: "refused",
  restricted_action_non_threadable_channel: "refused",
};

function content({ text, blocks, color }: SlackMessage) {
  if (blocks.length === 0) return { text };
  return { text, attachments: [{ ...(color === undefined ? {} : { color }), fallback: text, blocks }] };
}

function metadata(nonce: string) {
  return { event_type: eventType, event_payload: { nonce } };
}

const posted = z.object({
  channel: z.string(),
  ts: z.string(),
  message: z.optional(z.object({ thread_ts: z.optional(z.string()) })),
});

function readPlace(answer: unknown): MessagePlace {
  const { channel, ts } = posted.parse(answer);
  return { channelId: channel, ts };
}

const nextPage = z.object({
  response_metadata: z.optional(z.object({ next_cursor: z.optional(z.string()) })),
});
const history = z.object({
  messages: z.array(
    z.object({
      ts: z.string(),
      metadata: z.optional(
        z.object({
          event_type: z.string(),
          event_payload: z.optional(z.object({ nonce: z.optional(z.string()) })),
        }),
      ),
    }),
  ),
});

function nonceOf({ metadata: found }: z.infer<typeof history>["messages"][number]): string | undefined {
  return found?.event_type === eventType ? found.event_payload?.nonce : undefined;
}

/** The pages of a list, none where a handled error says that there is no list. */
async function* readPages(call: Call, method: string, where: string, args: Args, handled: Handled) {
  let cursor = "";
  for (let page = 0; page < maxPages; page++) {
    const answer = await call(
      method,
      where,
      { ...args, limit: pageSize, ...(cursor && { cursor }) },
      handled,
    );
    if (typeof answer === "string") return;
    yield answer;
    cursor = nextPage.parse(answer).response_metadata?.next_cursor ?? "";
    if (cursor === "") return;
  }
  throw new Error(
    `${method} in ${where} has more than ${maxPages * pageSize} entries: the search was given up`,
  );
}

const conversations = z.object({ channels: z.array(z.object({ id: z.string(), name: z.string() })) });

/** History is read by id. A channel whose history the app may read is one that it is a member of. */
async function findChannel(call: Call, channel: string): Promise<string> {
  const name = channel.replace(/^#/, "");
  const args = { types: "public_channel,private_channel", exclude_archived: true };
  for await (const page of readPages(call, "users.conversations", channel, args, {})) {
    const found = conversations.parse(page).channels.find((one) => one.name === name);
    if (found) return found.id;
  }
  throw new ConfigError(
    `${channel}: the app is in no channel of this name: /invite @Sonde there, or write its id`,
  );
}
