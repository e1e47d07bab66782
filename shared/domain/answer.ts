import * as z from "zod/mini";

import { slackActionSchema } from "./slack-actions.ts";
import { parseVersioned } from "./versioned.ts";

const person = z.object({ id: z.string(), name: z.string() });
const place = z.object({ channelId: z.string(), ts: z.string() });

const answerVersion = 1;
const answerSchema = z.object({
  version: z.literal(answerVersion),
  /** SHA-256 of the request, so that the same request is the same answer. */
  id: z.string(),
  /** Differs with every write. */
  writer: z.string(),
  /** When Slack sent it, Unix milliseconds. */
  at: z.number(),
  by: person,
  action: slackActionSchema,
  /** The message whose button was clicked. */
  place,
  /** Where the person who clicked can be told something, for half an hour. */
  responseUrl: z.nullable(z.string()),
});
/** A click that Slack has signed, as answer-slack keeps it. It says what somebody wants, not that they may. */
export type Answer = z.infer<typeof answerSchema>;

export function parseAnswer(key: string, body: string): Answer {
  return parseVersioned(answerSchema, answerVersion, key, body);
}

export function formatAnswer(answer: Answer): string {
  return JSON.stringify(answer);
}

const outcomeSchema = z.discriminatedUnion("result", [
  z.object({ result: z.literal("applied") }),
  /** The incident ended before its answer was applied. */
  z.object({ result: z.literal("gone") }),
  z.object({ result: z.literal("refused"), because: z.enum(["user", "channel", "message", "config"]) }),
  /** Found too late to be still what anybody wants. */
  z.object({ result: z.literal("expired") }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;

const appliedVersion = 1;
const appliedSchema = z.object({
  version: z.literal(appliedVersion),
  /** The answer's id. */
  answer: z.string(),
  writer: z.string(),
  by: person,
  action: slackActionSchema,
  place,
  /** When Slack sent it, when somebody last set about it, and when that was over. Unix milliseconds. */
  at: z.number(),
  begunAt: z.number(),
  finishedAt: z.nullable(z.number()),
  /** Null as long as it is not known how it ended. */
  outcome: z.nullable(outcomeSchema),
});
/** The audit record of one answer: written before anything is done, and finished afterwards. */
export type Applied = z.infer<typeof appliedSchema>;

export function parseApplied(key: string, body: string): Applied {
  return parseVersioned(appliedSchema, appliedVersion, key, body);
}

export function formatApplied(applied: Applied): string {
  return JSON.stringify(applied);
}

/** The day that an answer's objects stand under, UTC, by the time that Slack signed. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
