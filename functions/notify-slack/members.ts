import {
  blindProbe,
  compareLevels,
  firingMembers,
  type Incident,
  leadOf,
  type Member,
  stormProbe,
} from "../../shared/domain/incident.ts";
import type { Labels } from "../../shared/domain/series.ts";
import { formatThreshold, formatValue } from "../../shared/domain/units.ts";
import { labelLine, orderedLabels, tellApart } from "./labels.ts";
import { code, line } from "./mrkdwn.ts";
import { room } from "./parts.ts";

const shownMembers = 8;

/** Who fails now; of what is over, who failed at the end. The leading one comes first. */
export function shownOf(incident: Incident): Member[] {
  const firing = firingMembers(incident);
  const members = firing.length > 0 ? firing : Object.values(incident.members);
  const lead = leadOf(incident);
  return members.toSorted(
    (a, b) =>
      Number(b === lead) - Number(a === lead) || compareLevels(b.level, a.level) || a.activeAt - b.activeAt,
  );
}

/** One line that stands for all members. */
export function summaryOf(incident: Incident): string {
  const members = shownOf(incident);
  const lead = leadOf(incident);
  const names = members.map(({ labels }) => labels.probe ?? labels.of ?? "").sort();
  if (incident.probe === blindProbe)
    return `${names.length === 1 ? "1 probe" : `${names.length} probes`} cannot tell: ${names.join(", ")}`;
  if (incident.probe === stormProbe) {
    const count = members.reduce((sum, { value }) => sum + (value ?? 0), 0);
    return `${count} incidents began at once: ${names.join(", ")}`;
  }
  const rest = members.length - 1;
  return `${lead.summary.trim() || incident.probe}${rest > 0 ? ` (and ${rest} more)` : ""}`;
}

/** About series of a probe, and not about what Sonde itself can see or say. */
export function isPlain({ probe }: Incident): boolean {
  return probe !== blindProbe && probe !== stormProbe;
}

export function shownValue(incident: Incident, { value, unit }: Member): string {
  return isPlain(incident) && value !== null ? line(formatValue(value, unit), room.name) : "";
}

/** The probe of all members; null where they have several, or none of config's. */
export function sharedProbe(incident: Incident, members: readonly Member[]): string | null {
  const [first, ...others] = new Set(members.map(({ probe }) => probe));
  return isPlain(incident) && first !== undefined && others.length === 0 ? first : null;
}

/** The gravest threshold that was crossed; empty where members of several probes each have their own. */
export function sharedThreshold(incident: Incident, members: readonly Member[]): string {
  const [lead] = members;
  if (!lead || lead.threshold === null || sharedProbe(incident, members) === null) return "";
  return formatThreshold(lead.threshold, lead.unit);
}

/** How many fail, where that is more than one to be counted. */
export function countOf(incident: Incident, members: readonly Member[]): string {
  return isPlain(incident) && members.length > 1 ? String(members.length) : "";
}

export function sharedLabels(incident: Incident, members: readonly Member[]): string {
  return isPlain(incident) ? labelLine(tellApart(members.map(({ labels }) => labels)).shared) : "";
}

/** The members one by one, as many as there is room for: what sets each apart, and how it stands. */
export function memberLines(incident: Incident, members: readonly Member[]): string {
  if (isPlain(incident) && members.length === 1) return "";
  const { own } = tellApart(members.map(({ labels }) => labels));
  const several = new Set(members.map(({ probe }) => probe)).size > 1;
  const lines = members
    .slice(0, shownMembers)
    .map((member, index) =>
      isPlain(incident)
        ? memberLine(member, own[index] ?? {}, several, incident)
        : line(member.summary, room.member),
    );
  const rest = members.length - shownMembers;
  return [...lines.map((one) => `• ${one}`), ...(rest > 0 ? [`… and ${rest} more`] : [])].join("\n");
}

function memberLine(member: Member, own: Labels, withProbe: boolean, { level }: Incident): string {
  const { probe, value, unit, blind } = member;
  const parts = [
    ...(withProbe ? [code(probe, room.name)] : []),
    ...orderedLabels(own, room.small).slice(0, 3),
    ...(value === null ? [] : [line(formatValue(value, unit), room.small)]),
  ];
  const mild = level === "fail" && member.level === "warn" ? " (warns)" : "";
  return `${parts.join("  ")}${mild}${blind ? " 👁" : ""}`;
}
