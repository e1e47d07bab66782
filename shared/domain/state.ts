import * as z from "zod/mini";

import { parseVersioned } from "./versioned.ts";

const stateVersion = 1;

const labels = z.record(z.string(), z.string());
const level = z.enum(["warn", "fail"]);
const nullableNumber = z.nullable(z.number());

const levelStateSchema = z.object({
  state: z.enum(["pending", "firing"]),
  activeAt: z.number(),
  atLeast: z.boolean(),
  keepFiringSince: nullableNumber,
  /** It fired on fresh data at least once: what fires on stale data alone is not known to. */
  confirmed: z.boolean(),
});
/** One level of one series, in Prometheus's own terms; inactive levels are not kept. */
export type LevelState = z.infer<typeof levelStateSchema>;

const seriesStateSchema = z.object({
  labels,
  levels: z.partialRecord(level, levelStateSchema),
  value: nullableNumber,
});
/** A series that is pending or firing at some level. */
export type SeriesState = z.infer<typeof seriesStateSchema>;

const budgetStateSchema = z.object({
  /** When the target was asked, Unix milliseconds; also where it did not answer. */
  at: z.number(),
  /** The share of the error budget that was left, by series. */
  left: z.record(z.string(), z.number()),
});
/** What an SLO's target said of the error budget, which is asked rarely. */
export type BudgetState = z.infer<typeof budgetStateSchema>;

export const probeStateSchema = z.object({
  /** The query as it was sent; another query starts from nothing. */
  query: z.string(),
  /** The last grid point that was folded, Unix milliseconds. */
  evaluatedTo: z.number(),
  series: z.record(z.string(), seriesStateSchema),
  /** Rounds in a row that could not tell, and the time of the first. */
  blindRounds: z.number(),
  blindSince: nullableNumber,
  /** Whether this probe has ever been answered with fresh data on this target. */
  everFresh: z.boolean(),
  budget: z.optional(budgetStateSchema),
});
export type ProbeState = z.infer<typeof probeStateSchema>;

const lastSeen = z.record(z.string(), z.number());
const keptNamesSchema = z.object({
  /** The lookup that was planned: other probes ask for other names. */
  plan: z.string(),
  /** Unix milliseconds. */
  lookedUpAt: z.number(),
  found: z.object({ foundAt: z.number(), metrics: lastSeen, labels: z.record(z.string(), lastSeen) }),
});
/** The names that a target was found to have. */
export type KeptNames = z.infer<typeof keptNamesSchema>;

const targetStateSchema = z.object({
  version: z.literal(stateVersion),
  target: z.string(),
  /** Who wrote this, so that a writer recognises its own write after a lost answer. */
  writer: z.string(),
  /** The end of the last round, Unix milliseconds. */
  roundAt: z.number(),
  names: z.nullable(keptNamesSchema),
  probes: z.record(z.string(), probeStateSchema),
});
/** What the probes of one shard of a target remember: one object, written only by the rounds of that shard. */
export type TargetState = z.infer<typeof targetStateSchema>;

export function emptyTargetState(target: string): TargetState {
  return { version: stateVersion, target, writer: "", roundAt: 0, names: null, probes: {} };
}

/** Reads a stored target state; throws StateTooNew, or an Error that says which object is broken and where. */
export function parseTargetState(key: string, body: string): TargetState {
  return parseVersioned(targetStateSchema, stateVersion, key, body);
}

export function formatTargetState(state: TargetState): string {
  return JSON.stringify(state);
}

const messageVersion = 1;
const messageStateSchema = z.object({
  version: z.literal(messageVersion),
  incident: z.string(),
  channel: z.string(),
  /** Differs with every write, so that a writer recognises its own after a lost answer. */
  writer: z.string(),
  /** Saved before the post and sent as message metadata: after a crash the message is looked for by it. */
  nonce: z.string(),
  /** When the post was first tried, Unix milliseconds. */
  triedAt: z.number(),
  /** What was begun and is not known to be over. Until it is old enough, nobody else begins anything. */
  attempt: z.nullable(
    z.object({ effect: z.enum(["post", "update", "reply"]), seq: z.number(), at: z.number() }),
  ),
  /** Slack's id of the message; null until a post is known to have arrived, and always with a webhook. */
  ts: z.nullable(z.string()),
  channelId: z.nullable(z.string()),
  /** Slack refused to edit the message: from then on its thread alone tells what changes. */
  editable: z.boolean(),
  /** The change that the message was first posted with, 0 before: later ones may be news to the channel. */
  firstSeq: z.number(),
  /** Up to which change of the incident the message itself shows. */
  messageSeq: z.number(),
  /** Up to which change both the message and its thread show; at the incident's seq there is nothing to do. */
  postedSeq: z.number(),
});
/** What notify-slack, and it alone, remembers of one incident's message in one channel. */
export type MessageState = z.infer<typeof messageStateSchema>;

export function parseMessageState(key: string, body: string): MessageState {
  return parseVersioned(messageStateSchema, messageVersion, key, body);
}

export function formatMessageState(state: MessageState): string {
  return JSON.stringify(state);
}
