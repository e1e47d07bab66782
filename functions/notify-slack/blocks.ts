import {
  blindProbe,
  firingMembers,
  type Incident,
  leadOf,
  type Member,
  stormProbe,
} from "../../shared/domain/incident.ts";
import type { SlackBlock, SlackButton, SlackMessage } from "../../shared/domain/slack.ts";
import { extent, sparkline } from "../../shared/domain/sparkline.ts";
import { formatValue } from "../../shared/domain/units.ts";
import { type Look, lookOf, mentionOf, roundDuration, severityOf } from "./look.ts";
import {
  countOf,
  isPlain,
  memberLines,
  sharedLabels,
  sharedProbe,
  sharedThreshold,
  shownOf,
  shownValue,
  summaryOf,
} from "./members.ts";
import { code, date, line, link, prose, struck } from "./mrkdwn.ts";
import { actions, context, fields, room, section } from "./parts.ts";

const sparklineWidth = 30;

/** How an incident looks in the channel: a headline that says it all, and the facts behind a coloured bar. */
export function renderIncident(
  incident: Incident,
  now: number,
  buttons: readonly SlackButton[] = [],
): SlackMessage {
  const look = lookOf(incident);
  const blocks = incident.status === "resolved" ? resolvedBlocks(incident) : openBlocks(incident, now);
  return { text: headline(incident, look), blocks: [...blocks, ...actions(buttons)], color: look.color };
}

function headline(incident: Incident, { emoji, word }: Look): string {
  const summary = summaryOf(incident);
  const text = incident.status === "resolved" ? struck(summary, room.summary) : line(summary, room.summary);
  const called = mentionOf(incident);
  return `${emoji} *${word}* · ${line(incident.target, room.name)} · ${text}${called && ` · ${called}`}`;
}

function openBlocks(incident: Incident, now: number): SlackBlock[] {
  const lead = leadOf(incident);
  const members = shownOf(incident);
  const single = members.length === 1;
  const since = `${incident.activeAtLeast ? "at least since " : ""}${date(incident.activeAt)}`;
  return [
    ...section(noticeOf(incident)),
    ...fields([
      ["Failing", countOf(incident, firingMembers(incident))],
      ["Value", single ? shownValue(incident, lead) : ""],
      ["Threshold", code(sharedThreshold(incident, members), room.label)],
      ["Since", since],
      ["Probe", code(sharedProbe(incident, members) ?? "", room.label)],
      ["Error budget left", budgetOf(lead)],
    ]),
    ...(single ? section(course(lead)) : []),
    ...section(sharedLabels(incident, members)),
    ...section(memberLines(incident, members)),
    ...section(prose(lead.description, room.description)),
    ...section(links(lead)),
    ...context(footer(incident, lead, now)),
  ];
}

/** What a person should know before all else. */
function noticeOf(incident: Incident): string {
  const { mute, status } = incident;
  const until = mute?.until ? ` until ${date(mute.until)}` : "";
  if (mute?.by === "silence") return `🔕 *Silenced*${until} by ${line(mute.note, room.label)}`;
  if (mute?.by === "maintenance") return `🔕 *In a maintenance window*${until}`;
  if (mute?.by === "inhibition")
    return `🔕 *Follows from* ${code(mute.note, room.label)}, which is told by itself`;
  if (mute?.by === "storm") return "🔕 *Part of a storm*, which is told as one";
  if (status === "flapping")
    return "🔁 *Flapping:* it fails and recovers again and again. Nothing more is said until it is calm.";
  if (incident.probe === blindProbe)
    return "What cannot be seen is not known to be healthy. Nothing watches these now.";
  if (incident.probe === stormProbe)
    return "Too many to tell one by one. What is left when the storm is over gets a message of its own.";
  return incident.blind
    ? "👁 *No fresh data.* The value is the last one that was seen; the incident stays open."
    : "";
}

function footer(incident: Incident, lead: Member, now: number): string {
  const { acknowledged } = incident;
  const taken = acknowledged
    ? ` · 👤 acknowledged by ${line(acknowledged.name, room.name)}, ${date(acknowledged.at)}`
    : "";
  return `As of ${date(lead.points.at(-1)?.t ?? incident.history.at(-1)?.at ?? now)}${taken}`;
}

function resolvedBlocks(incident: Incident): SlackBlock[] {
  const lead = leadOf(incident);
  const members = shownOf(incident);
  const single = members.length === 1;
  const { word } = severityOf(incident);
  const threshold = code(sharedThreshold(incident, members), room.label);
  return [
    ...section(incident.resolution === "gone" ? goneNotice(single) : ""),
    ...fields([
      ["From", `${incident.activeAtLeast ? "at least " : ""}${date(incident.activeAt)}`],
      ["To", incident.resolvedAt === null ? "" : date(incident.resolvedAt)],
      ["Failed at the end", countOf(incident, members)],
      ["Last value", single ? shownValue(incident, lead) : ""],
      ["Was", isPlain(incident) ? `${word} ${threshold}`.trim() : ""],
    ]),
    ...(single ? section(course(lead)) : []),
    ...section(sharedLabels(incident, members)),
    ...section(memberLines(incident, members)),
    ...section(links(lead)),
  ];
}

function goneNotice(single: boolean): string {
  return single
    ? "*The series is gone:* nothing reports it any more. It was not seen to recover."
    : "*The last of these series are gone:* nothing reports them any more. They were not seen to recover.";
}

/** The last points as a line of bars, with their range. */
function course({ points, unit }: Member): string {
  const bars = sparkline(
    points.map(({ v }) => v),
    sparklineWidth,
  );
  const first = points[0];
  const last = points.at(-1);
  const known = points.flatMap(({ v }) => v ?? []);
  if (known.length < 2 || !first || !last) return "";
  const [low, high] = extent(known);
  const range =
    low === high ? formatValue(low, unit) : `${formatValue(low, unit)} to ${formatValue(high, unit)}`;
  return `\`${bars}\`  ${line(range, room.label)} over ${roundDuration(last.t - first.t)}`;
}

function links({ runbook, dashboard }: Member): string {
  return [link(runbook, "📖 Runbook"), link(dashboard, "📈 Grafana panel")]
    .filter((one) => one !== null)
    .join("   ");
}

function budgetOf({ budget }: Member): string {
  if (!budget) return "";
  const left = formatValue(budget.left, "ratio");
  if (budget.left <= 0) return `${left}: overspent`;
  return budget.exhaustedIn === null
    ? left
    : `${left}, gone in ${roundDuration(budget.exhaustedIn)} at this rate`;
}
