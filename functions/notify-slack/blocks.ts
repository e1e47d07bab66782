import { formatDuration } from "../../shared/domain/duration.ts";
import type { Incident, IncidentChange } from "../../shared/domain/incident.ts";
import type { Labels } from "../../shared/domain/series.ts";
import type { Mrkdwn, SlackBlock, SlackMessage } from "../../shared/domain/slack.ts";
import { extent, sparkline } from "../../shared/domain/sparkline.ts";
import { formatNumber, formatThreshold, formatValue } from "../../shared/domain/units.ts";
import { code, date, line, link, prose, struck } from "./mrkdwn.ts";

/**
 * Lengths in characters after escaping. Slack takes 3,000 a text, 2,000 a field, 4,000 bytes of `text` in an
 * edit, and (undocumented: github.com/slackapi/bolt-js/issues/2509) about 13,000 over all blocks.
 */
const room = { summary: 600, name: 80, description: 900, label: 180, details: 2900 };
const shownLabels = 10;
const sparklineWidth = 30;

interface Look {
  readonly emoji: string;
  readonly word: string;
  readonly color: string;
}

const red = { emoji: "🔴", color: "#d72b3f" };
const amber = { emoji: "🟠", color: "#e8912d" };
const blue = { emoji: "🔵", color: "#3b82c4" };
const violet = { emoji: "🟣", color: "#8b5cf6" };
const green = { emoji: "✅", color: "#2eb67d" };

/** How an incident looks in the channel: a headline that says it all, and the facts behind a coloured bar. */
export function renderIncident(incident: Incident, now: number): SlackMessage {
  const look = lookOf(incident);
  const blocks = incident.status === "resolved" ? resolvedBlocks(incident) : firingBlocks(incident, now);
  return { text: headline(incident, look), blocks, color: look.color };
}

/** One change as an answer in the message's thread; null where the message already says it all. */
export function renderChange(change: IncidentChange, incident: Incident): SlackMessage | null {
  if (change.what === "pending") return null;
  if (change.what === "firing") return details(incident);
  return { text: `${changeText(change, incident)} · ${date(change.at)}`, blocks: [] };
}

/** Changes that the channel should see even where they stand in a thread. */
export function isNews({ what }: IncidentChange): boolean {
  return what === "firing" || what === "escalated" || what === "recovered" || what === "gone";
}

function headline(incident: Incident, { emoji, word }: Look): string {
  const summary = incident.summary || incident.probe;
  const text = incident.status === "resolved" ? struck(summary, room.summary) : line(summary, room.summary);
  return `${emoji} *${word}* · ${line(incident.target, room.name)} · ${text}`;
}

function lookOf(incident: Incident): Look {
  if (incident.status === "resolved") {
    const lasted = durationOf(incident);
    const done = incident.level === "unknown" ? "No longer blind" : "Resolved";
    return { ...green, word: lasted ? `${done} after ${lasted}` : done };
  }
  if (incident.level === "unknown") return { ...violet, word: "Blind" };
  const { word, ...look } = severityOf(incident);
  return { ...look, word: incident.blind ? `${word}, no longer seen` : word };
}

/** The severity label decides where it is one that people use; else the level that fires. */
function severityOf({ routing, level }: Incident): Look {
  const label = routing.severity ?? "";
  const known = bySeverity[label.toLowerCase()];
  const look = known ?? (level === "warn" ? amber : red);
  const name = label || (level === "warn" ? "warning" : "critical");
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

function firingBlocks(incident: Incident, now: number): SlackBlock[] {
  const since = `${incident.activeAtLeast ? "at least since " : ""}${date(incident.activeAt)}`;
  const blind = incident.level === "unknown";
  return [
    ...(incident.blind && !blind
      ? section("👁 *No fresh data.* The value is the last one that was seen; the incident stays open.")
      : []),
    ...(blind ? section("What cannot be seen is not known to be healthy. Nothing watches these now.") : []),
    ...fields([
      ["Value", blind ? "" : line(formatValue(incident.value, incident.unit), room.name)],
      ["Threshold", code(thresholdOf(incident), room.label)],
      ["Since", since],
      ["Probe", blind ? "" : code(incident.probe, room.label)],
    ]),
    ...section(course(incident)),
    ...section(labelLine(incident.labels)),
    ...section(prose(incident.description, room.description)),
    ...section(links(incident)),
    ...context(`As of ${date(incident.points.at(-1)?.t ?? incident.history.at(-1)?.at ?? now)}`),
  ];
}

function resolvedBlocks(incident: Incident): SlackBlock[] {
  const blind = incident.level === "unknown";
  const { word } = severityOf(incident);
  return [
    ...(incident.resolution === "gone"
      ? section("*The series is gone:* nothing reports it any more. It was not seen to recover.")
      : []),
    ...fields([
      ["From", `${incident.activeAtLeast ? "at least " : ""}${date(incident.activeAt)}`],
      ["To", incident.resolvedAt === null ? "" : date(incident.resolvedAt)],
      ["Last value", blind ? "" : line(formatValue(incident.value, incident.unit), room.name)],
      [
        "Was",
        blind ? "" : `${word}${incident.threshold ? ` ${code(thresholdOf(incident), room.label)}` : ""}`,
      ],
    ]),
    ...section(course(incident)),
    ...section(labelLine(incident.labels)),
    ...section(links(incident)),
  ];
}

/** The last points as a line of bars, with their range. */
function course({ points, unit }: Incident): string {
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

/** Names that say how a series was collected rather than where it hurts come last. */
const plumbing = new Set([
  "job",
  "instance",
  "endpoint",
  "prometheus",
  "prometheus_replica",
  "uid",
  "pod_uid",
  "UUID",
  "container_id",
  "image_id",
  "pci_bus_id",
  "DCGM_FI_DRIVER_VERSION",
]);

function orderedLabels(labels: Labels): string[] {
  return Object.entries(labels)
    .filter(([name]) => name !== "__name__")
    .sort(([a], [b]) => Number(plumbing.has(a)) - Number(plumbing.has(b)))
    .map(([name, value]) => code(`${name}=${value}`, room.label));
}

function labelLine(labels: Labels): string {
  const all = orderedLabels(labels);
  const rest = all.length - shownLabels;
  return [...all.slice(0, shownLabels), ...(rest > 0 ? [`and ${rest} more in the thread`] : [])].join("  ");
}

function links({ runbook, dashboard }: Incident): string {
  return [link(runbook, "📖 Runbook"), link(dashboard, "📈 Grafana panel")]
    .filter((one) => one !== null)
    .join("   ");
}

/** What the message had no room for. */
function details(incident: Incident): SlackMessage | null {
  const labels = orderedLabels(incident.labels);
  const long = prose(incident.description, room.details);
  const texts = [
    ...(long === prose(incident.description, room.description) ? [] : [long]),
    ...(labels.length > shownLabels ? [joinUpTo(labels, "  ", room.details)] : []),
  ];
  return texts.length === 0 ? null : { text: "Details", blocks: texts.flatMap(section) };
}

function joinUpTo(parts: readonly string[], separator: string, max: number): string {
  let joined = "";
  for (const part of parts) {
    if (joined.length + separator.length + part.length + 1 > max) return `${joined}${separator}…`;
    joined += joined === "" ? part : `${separator}${part}`;
  }
  return joined;
}

function changeText(change: IncidentChange, incident: Incident): string {
  const value = change.value === null ? "" : `: ${line(formatValue(change.value, incident.unit), room.name)}`;
  const lasted = durationOf(incident);
  switch (change.what) {
    case "escalated":
      return `🔴 *Escalated*${value}`;
    case "eased":
      return `🟠 *Eased*${value}`;
    case "blind":
      return incident.level === "unknown"
        ? `🟣 *Now ${change.value === null ? "other" : formatNumber(change.value)} probes cannot tell*`
        : "👁 *No fresh data:* still counted as firing";
    case "seen-again":
      return `👁 *Data is back*${value}`;
    case "recovered":
      return `✅ *Recovered*${lasted ? ` after ${lasted}` : ""}${value}`;
    case "gone":
      return `✅ *Gone*${lasted ? ` after ${lasted}` : ""}: nothing reports the series any more`;
    case "pending":
    case "firing":
      return `🔴 *Firing*${value}`;
  }
}

function durationOf({ activeAt, activeAtLeast, resolvedAt }: Incident): string {
  if (resolvedAt === null) return "";
  return `${activeAtLeast ? "at least " : ""}${roundDuration(resolvedAt - activeAt)}`;
}

/** Two units at most: 45s, 12m, 2h5m, 3d4h. */
function roundDuration(ms: number): string {
  const unit = ms < 60_000 ? 1_000 : ms < 86_400_000 ? 60_000 : 3_600_000;
  return formatDuration(Math.round(ms / unit) * unit);
}

function mrkdwn(text: string): Mrkdwn {
  return { type: "mrkdwn", text, verbatim: true };
}

function section(text: string): SlackBlock[] {
  return text === "" ? [] : [{ type: "section", text: mrkdwn(text) }];
}

function context(text: string): SlackBlock[] {
  return [{ type: "context", elements: [mrkdwn(text)] }];
}

function fields(rows: readonly (readonly [name: string, text: string])[]): SlackBlock[] {
  const filled = rows.filter(([, text]) => text !== "").map(([name, text]) => mrkdwn(`*${name}*\n${text}`));
  return filled.length === 0 ? [] : [{ type: "section", fields: filled }];
}

function thresholdOf({ threshold, unit }: Incident): string {
  return threshold === null ? "" : formatThreshold(threshold, unit);
}
