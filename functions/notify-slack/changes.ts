import {
  blindProbe,
  firingMembers,
  type Incident,
  type IncidentChange,
  isActive,
  leadOf,
  stormProbe,
} from "../../shared/domain/incident.ts";
import type { SlackMessage } from "../../shared/domain/slack.ts";
import { formatValue } from "../../shared/domain/units.ts";
import { orderedLabels, shownLabels } from "./labels.ts";
import { durationOf, mentionOf, openLook } from "./look.ts";
import { date, line, prose } from "./mrkdwn.ts";
import { joinUpTo, room, section } from "./parts.ts";

/** One change as an answer in the message's thread; null where the message already says it all. */
export function renderChange(change: IncidentChange, incident: Incident): SlackMessage | null {
  if (change.what === "pending") return null;
  if (change.what === "firing") return details(incident);
  return { text: `${changeText(change, incident)} · ${date(change.at)}`, blocks: [] };
}

/** What the message had no room for. */
function details(incident: Incident): SlackMessage | null {
  const lead = leadOf(incident);
  const labels = orderedLabels(lead.labels);
  const long = prose(lead.description, room.details);
  const texts = [
    ...(long === prose(lead.description, room.description) ? [] : [long]),
    ...(labels.length > shownLabels ? [joinUpTo(labels, "  ", room.details)] : []),
  ];
  return texts.length === 0 ? null : { text: "Details", blocks: texts.flatMap(section) };
}

function changeText(change: IncidentChange, incident: Incident): string {
  const { emoji } = openLook(incident);
  const [firing, again] = incident.probe === blindProbe ? ["blind", "Blind"] : ["firing", "Firing"];
  const value = newValue(change, incident);
  const said = line(change.note, room.label);
  // Of an earlier end nobody knows any more how long it took.
  const lasted = change.at === incident.resolvedAt ? durationOf(incident) : "";
  switch (change.what) {
    case "fired-again":
      return `${emoji} *${again} again*${value}`;
    case "grew":
      return `👥 ${said}${countOf(change, incident)}`;
    case "escalated":
      return `🔴 *Escalated*${value}`;
    case "eased":
      return `🟠 *Eased*${value}`;
    case "blind":
      return "👁 *No fresh data:* still counted as firing";
    case "seen-again":
      return `👁 *Data is back*${value}`;
    case "acknowledged":
      return `👤 *Acknowledged* by ${said}`;
    case "muted":
      return `🔕 *Quiet from here on:* ${said}`;
    case "unmuted":
      return `🔔 *Still ${firing}*, and no longer muted${value}`;
    case "mute-ending":
      return `🔔 The silence ends in ${said}`;
    case "flapping":
      return "🔁 *Flapping:* nothing more is said until it is calm";
    case "calm":
      return `${emoji} *Calm, and still ${firing}*${value}`;
    case "unanswered":
      return `🔔 ${[mentionOf(incident), "*Nobody has acknowledged this yet*"].join(" ").trim()}${value}`;
    case "repeated":
      return `${emoji} *Still ${firing}*${value}`;
    case "recovered":
      return `✅ *Recovered*${lasted ? ` after ${lasted}` : ""}${value}`;
    case "gone":
      return `✅ *Gone*${lasted ? ` after ${lasted}` : ""}: nothing reports it any more`;
    case "pending":
    case "firing":
      return `${emoji} *${again}*${value}`;
  }
}

function newValue({ value }: IncidentChange, incident: Incident): string {
  if (value === null || incident.probe === stormProbe) return "";
  return `: ${line(formatValue(value, leadOf(incident).unit), room.name)}`;
}

/** How many fail, where that is still what the change left behind. */
function countOf({ seq }: IncidentChange, incident: Incident): string {
  if (!isActive(incident) || incident.history.at(-1)?.seq !== seq) return "";
  const count = firingMembers(incident).length;
  if (incident.probe === blindProbe)
    return count === 1 ? ": 1 probe cannot tell" : `: ${count} probes cannot tell`;
  return count === 1 ? ": 1 fails now" : `: ${count} fail now`;
}
