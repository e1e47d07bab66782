import {
  blindProbe,
  compareLevels,
  firingMembers,
  type Incident,
  leadOf,
  type Member,
  stormProbe,
} from "../../shared/domain/incident.ts";
import type { SlackBlock, SlackMessage } from "../../shared/domain/slack.ts";
import { extent, sparkline } from "../../shared/domain/sparkline.ts";
import { formatThreshold, formatValue } from "../../shared/domain/units.ts";
import { labelLine, orderedLabels, tellApart } from "./labels.ts";
import { type Look, lookOf, roundDuration, severityOf } from "./look.ts";
import { code, date, line, link, prose, struck } from "./mrkdwn.ts";
import { context, fields, joinUpTo, room, section } from "./parts.ts";

const sparklineWidth = 30;
const shownMembers = 8;

/** How an incident looks in the channel: a headline that says it all, and the facts behind a coloured bar. */
export function renderIncident(incident: Incident, now: number): SlackMessage {
  const look = lookOf(incident);
  const blocks = incident.status === "resolved" ? resolvedBlocks(incident) : openBlocks(incident, now);
  return { text: headline(incident, look), blocks, color: look.color };
}

function headline(incident: Incident, { emoji, word }: Look): string {
  const summary = summaryOf(incident);
  const text = incident.status === "resolved" ? struck(summary, room.summary) : line(summary, room.summary);
  return `${emoji} *${word}* · ${line(incident.target, room.name)} · ${text}`;
}

/** One line that stands for all members. */
function summaryOf(incident: Incident): string {
  const members = shownOf(incident);
  const lead = leadOf(incident);
  const names = members.map(({ labels }) => labels.probe ?? labels.of ?? "").sort();
  if (incident.probe === blindProbe)
    return `${names.length === 1 ? "1 probe" : `${names.length} probes`} cannot tell: ${names.join(", ")}`;
  if (incident.probe === stormProbe) {
    const count = members.reduce((sum, { value }) => sum + (value ?? 0), 0);
    return `${count} incidents began at once, by ${names.join(", ")}`;
  }
  const rest = members.length - 1;
  return `${lead.summary || incident.probe}${rest > 0 ? ` (and ${rest} more)` : ""}`;
}

/** Who fails now; of what is over, who failed at the end. The leading one comes first. */
function shownOf(incident: Incident): Member[] {
  const firing = firingMembers(incident);
  const members = firing.length > 0 ? firing : Object.values(incident.members);
  const lead = leadOf(incident);
  return members.toSorted(
    (a, b) =>
      Number(b === lead) - Number(a === lead) || compareLevels(b.level, a.level) || a.activeAt - b.activeAt,
  );
}

function openBlocks(incident: Incident, now: number): SlackBlock[] {
  const lead = leadOf(incident);
  const blind = incident.probe === blindProbe;
  const plain = !blind && incident.probe !== stormProbe;
  const members = shownOf(incident);
  const since = `${incident.activeAtLeast ? "at least since " : ""}${date(incident.activeAt)}`;
  return [
    ...section(noticeOf(incident)),
    ...fields([
      ["Value", plain ? line(formatValue(lead.value, lead.unit), room.name) : ""],
      ["Threshold", code(thresholdOf(lead), room.label)],
      ["Since", since],
      ["Probe", plain ? code(lead.probe, room.label) : ""],
      ["Error budget left", budgetOf(lead)],
    ]),
    ...(members.length === 1 ? section(course(lead)) : []),
    ...section(plain ? labelLine(tellApart(members.map(({ labels }) => labels)).shared) : ""),
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
  const plain = incident.probe !== blindProbe && incident.probe !== stormProbe;
  const members = shownOf(incident);
  const { word } = severityOf(incident);
  const threshold = lead.threshold ? ` ${code(thresholdOf(lead), room.label)}` : "";
  return [
    ...(incident.resolution === "gone"
      ? section("*The series is gone:* nothing reports it any more. It was not seen to recover.")
      : []),
    ...fields([
      ["From", `${incident.activeAtLeast ? "at least " : ""}${date(incident.activeAt)}`],
      ["To", incident.resolvedAt === null ? "" : date(incident.resolvedAt)],
      ["Last value", plain ? line(formatValue(lead.value, lead.unit), room.name) : ""],
      ["Was", plain ? `${word}${threshold}` : ""],
    ]),
    ...(members.length === 1 ? section(course(lead)) : []),
    ...section(plain ? labelLine(tellApart(members.map(({ labels }) => labels)).shared) : ""),
    ...section(links(lead)),
  ];
}

/** The members one by one: what sets each apart, and how it stands. */
function memberLines(incident: Incident, members: readonly Member[]): string {
  if (incident.probe === blindProbe || incident.probe === stormProbe)
    return listed(members.map(({ summary }) => line(summary, room.member)));
  if (members.length === 1) return "";
  const { own } = tellApart(members.map(({ labels }) => labels));
  const probes = new Set(members.map(({ probe }) => probe));
  return listed(
    members.map((member, index) => {
      const apart = orderedLabels(own[index] ?? {}).slice(0, 3);
      const name = probes.size > 1 ? [code(member.probe, room.label), ...apart] : apart;
      const value = line(formatValue(member.value, member.unit), room.name);
      const mild = incident.level === "fail" && member.level === "warn" ? " (warns)" : "";
      return `${name.join(" ")}  ${value}${mild}${member.blind ? " 👁" : ""}`;
    }),
  );
}

function listed(lines: readonly string[]): string {
  const rest = lines.length - shownMembers;
  const shown = lines.slice(0, shownMembers).map((one) => `• ${one}`);
  return joinUpTo([...shown, ...(rest > 0 ? [`… and ${rest} more`] : [])], "\n", room.details);
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

function thresholdOf({ threshold, unit }: Member): string {
  return threshold === null ? "" : formatThreshold(threshold, unit);
}

function budgetOf({ budget }: Member): string {
  if (!budget) return "";
  const left = formatValue(budget.left, "ratio");
  if (budget.left <= 0) return `${left}: overspent`;
  return budget.exhaustedIn === null
    ? left
    : `${left}, gone in ${roundDuration(budget.exhaustedIn)} at this rate`;
}
