import { formatDuration } from "../../shared/domain/duration.ts";
import { blindProbe, type Incident, isActive, leadOf, stormProbe } from "../../shared/domain/incident.ts";
import { line } from "./mrkdwn.ts";
import { room } from "./parts.ts";

export interface Look {
  readonly emoji: string;
  readonly word: string;
  readonly color: string;
}

const red = { emoji: "🔴", color: "#d72b3f" };
const amber = { emoji: "🟠", color: "#e8912d" };
const blue = { emoji: "🔵", color: "#3b82c4" };
const violet = { emoji: "🟣", color: "#8b5cf6" };
const green = { emoji: "✅", color: "#2eb67d" };
const grey = { emoji: "🔕", color: "#8d8d8d" };

/** How an incident stands, at one glance. */
export function lookOf(incident: Incident): Look {
  const blind = incident.probe === blindProbe;
  if (incident.status === "resolved") {
    const lasted = durationOf(incident);
    const done = blind ? "No longer blind" : incident.probe === stormProbe ? "Storm over" : "Resolved";
    return { ...green, word: lasted ? `${done} after ${lasted}` : done };
  }
  const { word, ...look } = openLook(incident);
  if (incident.mute)
    return { ...grey, word: `${word}, ${incident.mute.by === "silence" ? "silenced" : "muted"}` };
  if (incident.status === "flapping") return { ...look, emoji: "🔁", word: `${word}, flapping` };
  return { ...look, word: incident.blind && !blind ? `${word}, no longer seen` : word };
}

/** How it looks while it is open, whatever is told of it. */
export function openLook(incident: Incident): Look {
  return incident.probe === blindProbe ? { ...violet, word: "Blind" } : severityOf(incident);
}

/** The severity label decides where it is one that people use; else the level that fires. */
export function severityOf(incident: Incident): Look {
  const label = leadOf(incident).own.severity ?? "";
  const known = bySeverity[label.toLowerCase()];
  const warns = incident.level === "warn";
  const look = known ?? (warns ? amber : red);
  const name = label || (warns ? "warning" : "critical");
  return { ...look, word: line(name.charAt(0).toUpperCase() + name.slice(1), room.name) };
}

const bySeverity: Readonly<Record<string, typeof red>> = {
  critical: red,
  page: red,
  emergency: red,
  error: red,
  high: red,
  warning: amber,
  warn: amber,
  medium: amber,
  ticket: amber,
  info: blue,
  notice: blue,
  low: blue,
  none: blue,
};

/** How Slack calls people; what is stored is checked again before it does. */
const mention =
  /^(<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<!here>|<!channel>)( (<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>))*$/;

/** Whom to call because nobody has answered yet; empty as soon as somebody has, or nobody need. */
export function mentionOf(incident: Incident): string {
  const { acknowledged, mute, escalatedAt } = incident;
  if (!isActive(incident) || acknowledged || mute || escalatedAt === null) return "";
  const called = incident.history.findLast(({ what }) => what === "unanswered")?.note ?? "";
  return mention.test(called) ? called : "";
}

export function durationOf({ activeAt, activeAtLeast, resolvedAt }: Incident): string {
  if (resolvedAt === null) return "";
  return `${activeAtLeast ? "at least " : ""}${roundDuration(resolvedAt - activeAt)}`;
}

/** Two units at most: 45s, 12m, 2h5m, 3d4h. */
export function roundDuration(ms: number): string {
  const unit = ms < 60_000 ? 1_000 : ms < 86_400_000 ? 60_000 : 3_600_000;
  return formatDuration(Math.round(ms / unit) * unit);
}
