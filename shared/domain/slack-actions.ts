import * as z from "zod/mini";

import { parseDuration } from "./duration.ts";
import { untilMonday } from "./monday.ts";
import type { SlackButton } from "./slack.ts";

export const silenceDurations = ["1h", "4h", "monday"] as const;
export type SilenceDuration = (typeof silenceDurations)[number];

const place = { target: z.string(), incident: z.string(), channel: z.string() };
export const slackActionSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("acknowledge"), ...place }),
  z.object({ kind: z.literal("silence"), for: z.enum(silenceDurations), ...place }),
]);
/** What a click asks for, of which incident, and in which channel, written as `notify` writes it. */
export type SlackAction = z.infer<typeof slackActionSchema>;
export type SlackActionKind = SlackAction["kind"];

/** No two buttons of a block may have the same id, so that each duration has its own. */
const actionIds = {
  "sonde-acknowledge": { kind: "acknowledge" },
  "sonde-silence-1h": { kind: "silence", for: "1h" },
  "sonde-silence-4h": { kind: "silence", for: "4h" },
  "sonde-silence-monday": { kind: "silence", for: "monday" },
} as const;

/** Slack tells an app of clicks on links too; those ask for nothing. */
const linkPrefix = "sonde-open-";

/** Slack's limit for a button's value. */
export const maxButtonValue = 2_000;

/** The button that asks for an action; its value names the incident. */
export function actionButton(action: SlackAction, label: string): SlackButton {
  const id = action.kind === "silence" ? `sonde-silence-${action.for}` : "sonde-acknowledge";
  const { target, incident, channel } = action;
  return { ...button(id, label), value: JSON.stringify({ target, incident, channel }) };
}

/** A button that opens a page. `name` tells it from the other links of its block. */
export function linkButton(name: string, label: string, url: string): SlackButton {
  return { ...button(`${linkPrefix}${name}`, label), url };
}

function button(id: string, label: string): SlackButton {
  return { type: "button", action_id: id, text: { type: "plain_text", text: label, emoji: true } };
}

/** What a clicked button asks for: `link` for nothing, null where it is no button of Sonde's. */
export function parseAction(actionId: string, value: string | undefined): SlackAction | "link" | null {
  if (actionId.startsWith(linkPrefix)) return "link";
  const known = Object.entries(actionIds).find(([id]) => id === actionId)?.[1];
  if (!known || value === undefined || value.length > maxButtonValue) return null;
  const named = z.strictObject(place).safeParse(parseJson(value));
  return named.success ? { ...known, ...named.data } : null;
}

/** When a silence that begins now ends. Unix milliseconds. */
export function endOfSilence(duration: SilenceDuration, now: number, timeZone: string): number {
  return duration === "monday" ? untilMonday(now, timeZone) : now + parseDuration(duration);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
