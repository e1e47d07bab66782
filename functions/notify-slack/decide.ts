import {
  type ChangeKind,
  type Incident,
  type IncidentChange,
  isActive,
} from "../../shared/domain/incident.ts";
import type { SlackMessage } from "../../shared/domain/slack.ts";
import type { MessageState } from "../../shared/domain/state.ts";
import { renderChange } from "./changes.ts";
import { isLoud, isNews } from "./news.ts";

/**
 * How long something that was begun may take to show: the call's own time limit, and the time until Slack's
 * history lists it. Only then is it looked for, and only if it is not there is it done again.
 */
export const graceMs = 30_000;

/** The one thing to do next about a message. */
export type Step =
  | { readonly do: "nothing" }
  /** Something was begun a moment ago, here or elsewhere. */
  | { readonly do: "wait"; readonly ms: number }
  /** Something was begun and may have arrived. */
  | { readonly do: "look"; readonly for: "post" | "reply"; readonly seq: number }
  /** Nothing is left to show up to the incident's seq: remember that. */
  | { readonly do: "settle" }
  | { readonly do: "post" }
  | { readonly do: "update" }
  | {
      readonly do: "reply";
      readonly seq: number;
      readonly message: SlackMessage;
      readonly broadcast: boolean;
    };

/** A message by the bot token: one an incident, kept up to date, its changes in its thread. */
export function decideMessage(incident: Incident, message: MessageState | null, now: number): Step {
  const { attempt = null, ts = null } = message ?? {};
  if (attempt && now < attempt.at + graceMs) return { do: "wait", ms: attempt.at + graceMs - now };
  if (attempt?.effect === "post") return { do: "look", for: "post", seq: attempt.seq };
  if (attempt?.effect === "reply") return { do: "look", for: "reply", seq: attempt.seq };
  if (!message || ts === null) return decideFirst(incident, message);
  if (message.editable && message.messageSeq < incident.seq) return { do: "update" };
  if (message.postedSeq >= incident.seq) return { do: "nothing" };
  const next = nextReply(incident, message.postedSeq);
  if (!next) return { do: "settle" };
  const broadcast = next.seq > message.firstSeq && isForChannel(incident, next.change, message.editable);
  return { do: "reply", seq: next.seq, message: next.message, broadcast };
}

/** Not while it is muted, and not what newer changes have overtaken. */
function isForChannel(incident: Incident, change: IncidentChange, editable: boolean): boolean {
  if (isQuiet(incident)) return false;
  const tells = editable ? isLoud : isNews;
  const overtaken = incident.history.some((later) => later.seq > change.seq && tells(later));
  return tells(change) && !overtaken && (isActive(incident) || !isLoud(change));
}

export type PushStep = Exclude<Step, { do: "look" | "update" | "reply" }>;

/** Where nothing can be edited: each change that `tells` is sent, at least once. */
export function decidePush(
  incident: Incident,
  message: MessageState | null,
  now: number,
  tells: (change: IncidentChange) => boolean = isNews,
): PushStep {
  const { attempt = null, firstSeq = 0, postedSeq = 0 } = message ?? {};
  if (attempt && now < attempt.at + graceMs) return { do: "wait", ms: attempt.at + graceMs - now };
  if (!attempt && postedSeq >= incident.seq) return { do: "nothing" };
  if (isQuiet(incident)) return { do: "settle" };
  // What may have arrived needs its end, too.
  if (attempt) return { do: "post" };
  if (firstSeq === 0) return decideFirst(incident, message);
  return changesAfter(incident, postedSeq).some(({ change }) => tells(change))
    ? { do: "post" }
    : { do: "settle" };
}

/** What was to be told and is over by now is told all the same; what is muted waits. */
function decideFirst(incident: Incident, message: MessageState | null): PushStep {
  if (message && message.postedSeq >= incident.seq) return { do: "nothing" };
  if (incident.status === "pending") return { do: "nothing" };
  return isQuiet(incident) || endedQuietly(incident) ? { do: "settle" } : { do: "post" };
}

/** Nobody is to be told of it for now. */
function isQuiet(incident: Incident): boolean {
  return incident.mute !== null && isActive(incident);
}

/** It was muted when it ended: who never heard of it need not hear that it is over. */
function endedQuietly({ status, history }: Incident): boolean {
  return status === "resolved" && history.findLast(({ what }) => turnsSound.has(what))?.what === "muted";
}

const turnsSound: ReadonlySet<ChangeKind> = new Set([
  "firing",
  "fired-again",
  "flapping",
  "muted",
  "unmuted",
  "seen-again",
]);

/** The seq before the next change that the thread should tell; the incident's own where there is none. */
export function toldUpTo(incident: Incident, seq: number): number {
  const next = nextReply(incident, seq);
  return next ? next.seq - 1 : incident.seq;
}

function nextReply(incident: Incident, after: number) {
  for (const { seq, change } of changesAfter(incident, after)) {
    const message = renderChange(change, incident);
    if (message) return { seq, change, message };
  }
  return null;
}

/** The steps after a change, oldest first; the very old ones may have been dropped. */
function changesAfter({ history }: Incident, after: number): { seq: number; change: IncidentChange }[] {
  return history.filter(({ seq }) => seq > after).map((change) => ({ seq: change.seq, change }));
}
