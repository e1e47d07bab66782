import { Retryable, Unacknowledged } from "../../shared/domain/errors.ts";
import type { Slack, SlackMessage } from "../../shared/domain/slack.ts";

/** A message as the model of Slack keeps it. */
export interface FakeMessage {
  readonly ts: string;
  readonly at: number;
  readonly nonce: string;
  readonly thread: string | null;
  readonly broadcast: boolean;
  text: string;
}

/** How a call ends: done and answered, done without an answer, not done without an answer, refused, or a crash. */
export type CallEnd = "answered" | "answer-lost" | "lost" | "refused" | "crash-before" | "crash-after";

export class Crash extends Error {}

export interface FakeSlack extends Slack {
  readonly messages: FakeMessage[];
}

/**
 * Slack as far as messages go. `end` says how each call ends; it may take its time, and a write that takes
 * longer than the client waits is lost.
 */
export function buildFakeSlack(
  now: () => number,
  end: (call: string) => Promise<CallEnd> = async () => "answered",
  clientTimeoutMs = 10_000,
): FakeSlack {
  const messages: FakeMessage[] = [];
  let count = 0;
  const during = async <T>(call: string, act: () => T): Promise<T> => {
    const begun = now();
    const how = await end(call);
    if (how === "refused") throw new Retryable("ratelimited", { afterMs: 1_000 });
    if (how === "crash-before") throw new Crash(call);
    if (how === "lost" || now() - begun > clientTimeoutMs) throw new Unacknowledged("no answer");
    const result = act();
    if (how === "crash-after") throw new Crash(call);
    if (how === "answer-lost") throw new Unacknowledged("no answer");
    return result;
  };
  const add = (message: SlackMessage, nonce: string, thread: string | null, broadcast: boolean) => {
    count += 1;
    const ts = `${count}.000000`;
    messages.push({ ts, at: now(), nonce, thread, broadcast, text: message.text });
    return ts;
  };
  const root = (ts: string) => messages.find((message) => message.ts === ts);
  return {
    messages,
    post: (_channel, message, nonce) =>
      during("post", () => ({ channelId: "C0TEST001", ts: add(message, nonce, null, false) })),
    update: ({ ts }, message) =>
      during("update", () => {
        const found = root(ts);
        if (!found) return "gone";
        found.text = message.text;
        return "updated";
      }),
    reply: ({ ts }, message, nonce, broadcast) =>
      during("reply", () => {
        if (!root(ts)) return "gone";
        add(message, nonce, ts, broadcast);
        return "replied";
      }),
    findByNonce: ({ thread, nonce, since }) =>
      during("find", () => {
        const found = messages.find(
          (message) => message.nonce === nonce && message.thread === (thread ?? null) && message.at >= since,
        );
        return found ? { channelId: "C0TEST001", ts: found.ts } : null;
      }),
  };
}
