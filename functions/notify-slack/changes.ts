import {
  blindProbe,
  firingMembers,
  type Incident,
  type IncidentChange,
  leadOf,
} from "../../shared/domain/incident.ts";
import type { SlackMessage } from "../../shared/domain/slack.ts";
import { formatValue } from "../../shared/domain/units.ts";
import { orderedLabels, shownLabels } from "./labels.ts";
import { durationOf } from "./look.ts";
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

/** How Slack calls people; what is stored is checked again before it does. */
const mention =
  /^(<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<!here>|<!channel>)( (<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>))*$/;

function changeText(change: IncidentChange, incident: Incident): string {
  const { unit } = leadOf(incident);
  const value = change.value === null ? "" : `: ${line(formatValue(change.value, unit), room.name)}`;
  const lasted = durationOf(incident);
  const said = line(change.note, room.label);
  const count = firingMembers(incident).length;
  const now = count === 1 ? "1 fails now" : `${count} fail now`;
  switch (change.what) {
    case "fired-again":
      return `🔴 *Firing again*${value}`;
    case "grew":
      return `➕ ${said}: ${incident.probe === blindProbe ? `${count} probes cannot tell` : now}`;
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
      return `🔔 *Still firing*, and no longer muted${value}`;
    case "mute-ending":
      return `🔔 The silence ends in ${said}`;
    case "flapping":
      return "🔁 *Flapping:* nothing more is said until it is calm";
    case "calm":
      return `🔴 *Calm, and still firing*${value}`;
    case "unanswered":
      return `🔔 ${mention.test(change.note) ? `${change.note} ` : ""}*Nobody has acknowledged this yet*${value}`;
    case "repeated":
      return `🔴 *Still firing*${value}`;
    case "recovered":
      return `✅ *Recovered*${lasted ? ` after ${lasted}` : ""}${value}`;
    case "gone":
      return `✅ *Gone*${lasted ? ` after ${lasted}` : ""}: nothing reports it any more`;
    case "pending":
    case "firing":
      return `🔴 *Firing*${value}`;
  }
}
