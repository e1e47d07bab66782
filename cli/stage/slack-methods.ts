import type { Channel, StoredMessage, Workspace } from "./slack-channels.ts";
import { isRefusal, readContent } from "./slack-content.ts";

type Args = Readonly<Record<string, unknown>>;
/** A Web API answer; `ok` is false where there is an `error`. */
export type Answer = Readonly<Record<string, unknown>> & { readonly error?: string };

export interface MethodContext {
  readonly workspace: Workspace;
  readonly now: () => number;
  /** How long a message stands in the channel before history lists it. */
  readonly historyLagMs: number;
}

interface Method {
  /** Any one of these will do. */
  readonly scopes: readonly string[];
  readonly run: (args: Args, context: MethodContext) => Answer;
}

const bot = { bot_id: "B0STAGE", app_id: "A0STAGE", user_id: "U0STAGE" };

/** The methods that Sonde uses, as https://docs.slack.dev/reference/methods describes them. */
export const methods: Readonly<Record<string, Method>> = {
  "auth.test": {
    scopes: [],
    run: () => ({
      url: "https://stage.slack.com/",
      team: "Stage",
      user: "sonde",
      team_id: "T0STAGE",
      ...bot,
    }),
  },
  "chat.postMessage": { scopes: ["chat:write"], run: postMessage },
  "chat.update": { scopes: ["chat:write"], run: update },
  "chat.delete": { scopes: ["chat:write"], run: remove },
  "conversations.history": { scopes: ["channels:history", "groups:history"], run: history },
  "conversations.replies": { scopes: ["channels:history", "groups:history"], run: replies },
  "users.conversations": { scopes: ["channels:read", "groups:read"], run: conversations },
};

function postMessage(args: Args, { workspace }: MethodContext): Answer {
  const found = writable(workspace, args.channel, "name");
  if (typeof found === "string") return { error: found };
  const content = readContent(args, "post");
  if (isRefusal(content)) return refuse(content);
  const root = typeof args.thread_ts === "string" ? threadRoot(workspace, found, args.thread_ts) : undefined;
  const stored = workspace.add(found, {
    text: "",
    blocks: [],
    attachments: [],
    metadata: null,
    ...content,
    // Slack puts an answer whose thread is gone into the channel (github.com/slack-go/slack/issues/1571).
    threadTs: root?.ts ?? null,
    broadcast: root !== undefined && truthy(args.reply_broadcast),
    via: "bot",
  });
  return { channel: found.id, ts: stored.ts, message: showMessage(stored, true) };
}

function update(args: Args, { workspace }: MethodContext): Answer {
  const found = writable(workspace, args.channel, "id");
  if (typeof found === "string") return { error: found === "is_archived" ? "is_inactive" : found };
  const message = typeof args.ts === "string" ? workspace.find(found.id, args.ts) : undefined;
  if (!message) return { error: "message_not_found" };
  if (message.via === "webhook") return { error: "cant_update_message" };
  const content = readContent(args, "update");
  if (isRefusal(content)) return refuse(content);
  if (Object.keys(content).length === 0) return { error: "no_text" };
  const edited = workspace.edit(message, content);
  return { channel: found.id, ts: edited.ts, text: edited.text, message: showMessage(edited, true) };
}

function remove(args: Args, { workspace }: MethodContext): Answer {
  const found = writable(workspace, args.channel, "id");
  if (typeof found === "string") return { error: found };
  const message = typeof args.ts === "string" ? workspace.find(found.id, args.ts) : undefined;
  if (!message) return { error: "message_not_found" };
  workspace.remove(message);
  return { channel: found.id, ts: message.ts };
}

function history(args: Args, context: MethodContext): Answer {
  const found = readable(context.workspace, args.channel);
  if (typeof found === "string") return { error: found };
  const shown = listed(context, found).filter(({ threadTs, broadcast }) => threadTs === null || broadcast);
  return page(shown.reverse(), args, 100);
}

function replies(args: Args, context: MethodContext): Answer {
  const found = readable(context.workspace, args.channel);
  if (typeof found === "string") return { error: found };
  const root = typeof args.ts === "string" ? threadRoot(context.workspace, found, args.ts) : undefined;
  if (!root) return { error: "thread_not_found" };
  const thread = listed(context, found).filter(({ ts, threadTs }) => ts === root.ts || threadTs === root.ts);
  return page(thread, args, 1000);
}

function conversations(args: Args, { workspace }: MethodContext): Answer {
  const own = workspace.channels.filter(
    ({ member, archived }) => member && !(archived && truthy(args.exclude_archived)),
  );
  const items = own.map(({ id, name, archived }) => ({ id, name, is_channel: true, is_archived: archived }));
  return slice(items, args, 100, "channels");
}

/** Posting takes names and ids, everything else ids alone. */
function writable(workspace: Workspace, channel: unknown, by: "name" | "id"): Channel | string {
  const wanted = typeof channel === "string" ? channel : "";
  const name = wanted.replace(/^#/, "").toLowerCase();
  const found = workspace.channels.find((one) => one.id === wanted || (by === "name" && one.name === name));
  if (!found) return "channel_not_found";
  if (found.archived) return "is_archived";
  return found.member ? found : "not_in_channel";
}

function readable(workspace: Workspace, channel: unknown): Channel | string {
  const found = workspace.channels.find(({ id }) => id === channel);
  if (!found) return "channel_not_found";
  return found.member ? found : "not_in_channel";
}

/** The first message of the thread that a timestamp belongs to. */
function threadRoot(workspace: Workspace, { id }: Channel, ts: string): StoredMessage | undefined {
  const message = workspace.find(id, ts);
  return message?.threadTs ? workspace.find(id, message.threadTs) : message;
}

function listed({ workspace, now, historyLagMs }: MethodContext, { id }: Channel): StoredMessage[] {
  return workspace
    .all()
    .filter(({ channelId, ts }) => channelId === id && Math.floor(Number(ts) * 1000) <= now() - historyLagMs);
}

function page(messages: readonly StoredMessage[], args: Args, defaultLimit: number): Answer {
  const oldest = readTs(args.oldest, 0);
  const latest = readTs(args.latest, Number.POSITIVE_INFINITY);
  if (oldest === null) return { error: "invalid_ts_oldest" };
  if (latest === null) return { error: "invalid_ts_latest" };
  const inclusive = truthy(args.inclusive);
  const within = messages.filter(({ ts }) => {
    const at = Number(ts);
    return inclusive ? at >= oldest && at <= latest : at > oldest && at < latest;
  });
  const items = within.map((message) => showMessage(message, truthy(args.include_all_metadata)));
  return slice(items, args, defaultLimit, "messages");
}

/** One page of a list. The cursor names the place of the next page's first item. */
function slice(items: readonly unknown[], args: Args, defaultLimit: number, name: string): Answer {
  const limit = args.limit === undefined ? defaultLimit : Number(args.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) return { error: "invalid_limit" };
  const from = readCursor(args.cursor);
  if (from === null) return { error: "invalid_cursor" };
  const next = from + limit;
  const more = next < items.length;
  const cursor = more ? Buffer.from(`next:${next}`).toString("base64") : "";
  return { [name]: items.slice(from, next), has_more: more, response_metadata: { next_cursor: cursor } };
}

function readCursor(cursor: unknown): number | null {
  if (cursor === undefined || cursor === "") return 0;
  const place = /^next:(\d+)$/.exec(Buffer.from(String(cursor), "base64").toString("utf8"))?.[1];
  return place === undefined ? null : Number(place);
}

function readTs(value: unknown, otherwise: number): number | null {
  if (value === undefined || value === "") return otherwise;
  const text = String(value);
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

/** A message as the API shows it; without `include_all_metadata` only what kind of metadata it has. */
export function showMessage(message: StoredMessage, allMetadata: boolean) {
  const { ts, threadTs, text, blocks, attachments, metadata, broadcast, edited } = message;
  return {
    type: "message",
    subtype: broadcast ? "thread_broadcast" : "bot_message",
    bot_id: bot.bot_id,
    app_id: bot.app_id,
    text,
    ts,
    ...(threadTs === null ? {} : { thread_ts: threadTs }),
    ...(blocks.length === 0 ? {} : { blocks }),
    ...(attachments.length === 0 ? {} : { attachments }),
    ...(metadata === null ? {} : { metadata: allMetadata ? metadata : { event_type: metadata.event_type } }),
    ...(edited ? { edited: { user: bot.user_id, ts } } : {}),
  };
}

/** Slack says what is wrong twice: bare, and marked in the metadata. */
function refuse({ error, messages = [] }: { error: string; messages?: readonly string[] }): Answer {
  if (messages.length === 0) return { error };
  return {
    error,
    errors: messages,
    response_metadata: { messages: messages.map((one) => `[ERROR] ${one}`) },
  };
}

function truthy(value: unknown): boolean {
  return value === true || value === 1 || /^(true|1)$/i.test(String(value));
}
