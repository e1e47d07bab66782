import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod/mini";

const queueSchema = z.object({
  FifoQueue: z.literal(true),
  ContentBasedDeduplication: z.literal(true),
  MessageRetentionPeriod: z.number(),
  VisibilityTimeout: z.number(),
  RedrivePolicy: z.object({ maxReceiveCount: z.number() }),
});
const functionFile = z.object({
  stack: z.object({ Resources: z.object({ NotifySlackHints: z.object({ Properties: queueSchema }) }) }),
});

/** As the deployment sets it, in seconds. */
function deployedSettings(): z.infer<typeof queueSchema> {
  const file = new URL("../../../functions/notify-slack/function.yml", import.meta.url);
  const data: unknown = parse(readFileSync(file, "utf8"), { logLevel: "silent" });
  return functionFile.parse(data).stack.Resources.NotifySlackHints.Properties;
}

/** SQS remembers what it was sent for five minutes, received and deleted or not. */
const deduplicationMs = 5 * 60_000;
const batchSize = 10;

export interface Received {
  readonly messageId: string;
  readonly body: string;
}

export interface FifoQueue {
  readonly send: (group: string, body: string) => void;
  /** Up to ten messages of one group of which none is in flight, in order; none where there is no such group. */
  readonly receive: () => readonly Received[];
  readonly remove: (messageId: string) => void;
  readonly size: () => number;
  readonly deadLetters: () => readonly string[];
}

interface Held extends Received {
  readonly group: string;
  readonly sentAt: number;
  receives: number;
  visibleAt: number;
}

/** An SQS FIFO queue with the settings of the deployment, and its dead letters. */
export function buildFifoQueue(now: () => number): FifoQueue {
  const settings = deployedSettings();
  const seen = new Map<string, number>();
  const deadLetters: string[] = [];
  let messages: Held[] = [];
  let count = 0;

  const take = (group: string): Held[] => {
    const own = messages.filter((message) => message.group === group);
    // What is in flight holds up what came after it (repost.aws/knowledge-center/sqs-fifo-messages-not-returned).
    if (own.some(({ visibleAt }) => visibleAt > now())) return [];
    const dead = own.filter(({ receives }) => receives >= settings.RedrivePolicy.maxReceiveCount);
    deadLetters.push(...dead.map(({ body }) => body));
    messages = messages.filter((message) => !dead.includes(message));
    const taken = own.filter((message) => !dead.includes(message)).slice(0, batchSize);
    for (const message of taken) {
      message.receives += 1;
      message.visibleAt = now() + settings.VisibilityTimeout * 1000;
    }
    return taken;
  };

  return {
    send: (group, body) => {
      const id = createHash("sha256").update(body).digest("hex");
      const before = seen.get(id);
      if (before !== undefined && now() - before < deduplicationMs) return;
      seen.set(id, now());
      const messageId = `message-${++count}`;
      messages.push({ messageId, group, body, sentAt: now(), receives: 0, visibleAt: 0 });
    },
    receive: () => {
      messages = messages.filter(({ sentAt }) => now() - sentAt < settings.MessageRetentionPeriod * 1000);
      for (const group of new Set(messages.map((message) => message.group))) {
        const taken = take(group);
        if (taken.length > 0) return taken.map(({ messageId, body }) => ({ messageId, body }));
      }
      return [];
    },
    remove: (messageId) => {
      messages = messages.filter((message) => message.messageId !== messageId);
    },
    size: () => messages.length,
    deadLetters: () => [...deadLetters],
  };
}
