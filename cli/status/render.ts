import { formatDuration } from "../../shared/domain/duration.ts";
import {
  type ChangeKind,
  compareLevels,
  firingMembers,
  type Incident,
  isActive,
  leadOf,
} from "../../shared/domain/incident.ts";
import { activeSilences, type Silence } from "../../shared/domain/silence.ts";
import { formatValue } from "../../shared/domain/units.ts";
import { column, fit, paint, paintStatus, type Style } from "../output/style.ts";
import type { Remembered } from "./read.ts";

/** What is remembered, for a person: what fires first, and who knows of it. */
export function renderStatus(
  { incidents, silences, evaluated }: Remembered,
  now: number,
  style: Style,
): string[] {
  return [
    ...Object.entries(evaluated).flatMap(([target, at]) => {
      const own = incidents.filter((incident) => incident.target === target).toSorted(gravestFirst);
      const age = at === null ? "never evaluated" : `evaluated ${ago(now - at)}`;
      return [
        "",
        `${paint(style, "bold", fit(target, style.width))}  ${paint(style, "dim", age)}`,
        ...(own.length === 0 ? [`  ${paintStatus(style, "ok")} no incidents`] : []),
        ...own.flatMap((incident) => renderIncident(incident, now, style)),
      ];
    }),
    ...renderSilences(activeSilences(silences, now), incidents, now, style),
  ];
}

function gravestFirst(a: Incident, b: Incident): number {
  return (
    Number(isActive(b)) - Number(isActive(a)) ||
    Number(a.mute !== null) - Number(b.mute !== null) ||
    compareLevels(b.level, a.level) ||
    a.activeAt - b.activeAt
  );
}

const indent = " ".repeat(12);

function renderIncident(incident: Incident, now: number, style: Style): string[] {
  const lead = leadOf(incident);
  const count = firingMembers(incident).length;
  const more = count > 1 ? ` (and ${count - 1} more)` : "";
  const value = formatValue(lead.value, lead.unit);
  const end = incident.resolvedAt ?? now;
  const since = `${incident.activeAtLeast ? "at least " : ""}${round(end - incident.activeAt)}`;
  const state =
    incident.status === "resolved" ? `resolved ${ago(now - end)}, lasted ${since}` : `for ${since}`;
  const facts = [
    state,
    ...(incident.status === "flapping" ? ["flapping"] : []),
    ...(incident.status === "pending" ? ["pending"] : []),
    ...(incident.blind && incident.level !== "unknown" ? ["no longer seen"] : []),
    ...(incident.acknowledged ? [`acknowledged by ${incident.acknowledged.name}`] : []),
    ...(incident.mute ? [describeMute(incident, now)] : []),
    ...(incident.channels.length > 0 ? [`told in ${incident.channels.join(", ")}`] : ["told nowhere"]),
    ...(lead.budget ? [`error budget left ${formatValue(lead.budget.left, "ratio")}`] : []),
  ];
  const text = `${lead.summary || `${lead.probe}  ${value}`}${more}`;
  const mark =
    incident.status === "resolved" || incident.status === "pending"
      ? paint(style, incident.status === "resolved" ? "green" : "dim", column(incident.status, 9))
      : paintStatus(style, incident.level);
  return [
    `  ${mark} ${fit(text, style.width - indent.length)}`,
    paint(style, "dim", `${indent}${fit(facts.join(" · "), style.width - indent.length)}`),
    paint(style, "dim", `${indent}${fit(incident.id, style.width - indent.length)}`),
  ];
}

function describeMute({ mute }: Incident, now: number): string {
  if (!mute) return "";
  const left = mute.until === null ? "" : ` for ${round(mute.until - now)}`;
  switch (mute.by) {
    case "silence":
      return `silenced by ${mute.note}${left}`;
    case "maintenance":
      return `in a maintenance window${left}`;
    case "inhibition":
      return `follows from ${mute.note}`;
    case "storm":
      return "part of a storm";
  }
}

/** A silence that ends within this time says so. */
const endingSoon = 15 * 60_000;

function renderSilences(
  silences: readonly Silence[],
  incidents: readonly Incident[],
  now: number,
  style: Style,
): string[] {
  if (silences.length === 0) return [];
  return [
    "",
    paint(style, "bold", "silences"),
    ...silences.flatMap(({ id, matchers, endsAt, by, reason }) => {
      const muted = incidents.filter(({ mute }) => mute?.id === id).length;
      const what = matchers.map(({ name, value }) => `${name}=${value}`).join(" ");
      const left = endsAt - now;
      const ends = left <= endingSoon ? `ends in ${round(left)}, soon` : `ends in ${round(left)}`;
      return [
        `  ${fit(what, style.width - 2)}`,
        paint(
          style,
          left <= endingSoon ? "yellow" : "dim",
          `${indent}${fit(
            [`by ${by.name}`, ...(reason ? [reason] : []), ends, `mutes ${muted} now`].join(" · "),
            style.width - indent.length,
          )}`,
        ),
        paint(style, "dim", `${indent}${fit(id, style.width - indent.length)}`),
      ];
    }),
  ];
}

const whats: Readonly<Record<ChangeKind, string>> = {
  pending: "pending",
  firing: "fires",
  "fired-again": "fires again",
  grew: "changes its members",
  escalated: "escalates",
  eased: "eases",
  blind: "is no longer seen",
  "seen-again": "is seen again",
  acknowledged: "is acknowledged",
  muted: "is muted",
  unmuted: "is heard again",
  "mute-ending": "its silence ends soon",
  flapping: "flaps",
  calm: "is calm, and fires",
  unanswered: "nobody has acknowledged it",
  repeated: "is told again",
  recovered: "recovers",
  gone: "is gone",
};

/** One incident's life, step by step, and who is in it now. */
export function renderLife(incident: Incident, now: number, style: Style): string[] {
  const first = incident.history[0]?.at ?? incident.activeAt;
  const { unit } = leadOf(incident);
  return [
    ...renderIncident(incident, now, style),
    "",
    ...incident.history.map(({ at, what, value, note }) => {
      const shown = value === null ? "" : `  ${formatValue(value, unit)}`;
      const when = `${new Date(at).toISOString().replace(".000Z", "Z")}  ${`+${round(at - first)}`.padStart(8)}`;
      return `  ${paint(style, "dim", when)}  ${fit(`${whats[what]}${shown}${note ? `  ${note}` : ""}`, style.width - 34)}`;
    }),
    ...(firingMembers(incident).length > 0 ? ["", paint(style, "bold", "  failing now")] : []),
    ...firingMembers(incident).map(({ probe, labels, value, unit: own, activeAt }) => {
      const names = Object.entries(labels).map(([name, text]) => `${name}=${text}`);
      const line = `${probe}  ${formatValue(value, own)}  for ${round(now - activeAt)}  ${names.join(" ")}`;
      return `  ${fit(line, style.width - 2)}`;
    }),
  ];
}

function ago(ms: number): string {
  return `${round(ms)} ago`;
}

/** Two units at most: 45s, 12m, 2h5m, 3d4h. */
function round(ms: number): string {
  const unit = ms < 60_000 ? 1_000 : ms < 86_400_000 ? 60_000 : 3_600_000;
  return formatDuration(Math.round(ms / unit) * unit);
}
