import { nodeOf } from "../../shared/domain/grouping.ts";
import { shortHash } from "../../shared/domain/hash.ts";
import { firingMembers, type Incident, type IncidentChange, leadOf } from "../../shared/domain/incident.ts";
import type { PagerDutyAlert, PagerDutyEvent, PagerDutySeverity } from "../../shared/domain/pagerduty.ts";
import type { MessageState } from "../../shared/domain/state.ts";
import { formatThreshold, formatValue } from "../../shared/domain/units.ts";
import { decidePush } from "./decide.ts";
import { shownOf, summaryOf } from "./members.ts";
import { attempt, busy, newMessage, settle } from "./message.ts";
import { webAddress } from "./mrkdwn.ts";
import { isLoud } from "./news.ts";
import type { Notifier } from "./notifier.ts";
import { clip, oneLine } from "./text.ts";

/**
 * Takes the next step of an incident's alert in PagerDuty. What is muted is left as it stands there, and
 * resolved when it is over, muted or not: else it would go on calling people
 * (github.com/prometheus/alertmanager/issues/226).
 */
export const stepPagerDuty: Notifier = async ({ incident, channel, name, held }, deps) => {
  const step = decidePush(incident, held?.state ?? null, deps.now(), isForPager);
  if (step.do === "nothing") return "done";
  if (step.do === "wait") throw busy(channel, step.ms);
  const own = held ?? newMessage(incident.id, channel, deps);
  const event = step.do === "post" ? eventOf(incident, own.state) : null;
  if (!event) return settle(incident, own, deps);
  const send = await deps.sendToPagerDuty(name);
  const { held: begun } = await attempt("post", incident.seq, own, deps, () => send(event));
  return settle(incident, begun, deps, "posted");
};

function isForPager(change: IncidentChange): boolean {
  const { what } = change;
  return isLoud(change) || what === "acknowledged" || what === "recovered" || what === "gone";
}

/** Nobody is called for what is over or taken on already. */
function eventOf(incident: Incident, { firstSeq, attempt: begun }: MessageState): PagerDutyEvent | null {
  const dedupKey = dedupKeyOf(incident.id);
  const action =
    incident.status === "resolved" ? "resolve" : incident.acknowledged ? "acknowledge" : "trigger";
  if (action === "trigger") return { action, dedupKey, alert: alertOf(incident) };
  return firstSeq === 0 && !begun ? null : { action, dedupKey };
}

/** PagerDuty's limits, in characters. */
const maxKey = 255;
const maxSummary = 1_024;
/** What it has no limit for is kept short all the same: its events are limited as a whole. */
const maxName = 255;
const maxDescription = 1_000;
const maxLabels = 30;
const maxMembers = 20;

function dedupKeyOf(id: string): string {
  return id.length <= maxKey ? id : `${clip(id, maxKey - 20)}-${shortHash(id)}`;
}

function alertOf(incident: Incident): PagerDutyAlert {
  const { target, probe, groupedBy, labels, firedAt, activeAt } = incident;
  const object = Object.entries(groupedBy).flatMap(([name, value]) => (name === "probe" ? [] : [value]));
  return {
    summary: clip(oneLine(`${target}: ${summaryOf(incident)}`), maxSummary),
    source: named(nodeOf(labels) ?? target),
    severity: severityOf(incident),
    at: firedAt ?? activeAt,
    component: named(object.join(" ") || probe),
    group: named(target),
    class: named(probe),
    details: detailsOf(incident),
    links: linksOf(incident),
  };
}

function named(text: string): string {
  return clip(oneLine(text), maxName) || "-";
}

function detailsOf(incident: Incident): Readonly<Record<string, unknown>> {
  const lead = leadOf(incident);
  const members = shownOf(incident);
  const labels = Object.entries(incident.labels).slice(0, maxLabels);
  return {
    incident: incident.id,
    status: incident.status,
    failing: firingMembers(incident).length,
    ...(lead.value === null ? {} : { value: formatValue(lead.value, clip(lead.unit, maxName)) }),
    ...(lead.threshold === null
      ? {}
      : { threshold: clip(formatThreshold(lead.threshold, lead.unit), maxName) }),
    since: `${incident.activeAtLeast ? "at least " : ""}${new Date(incident.activeAt).toISOString()}`,
    labels: Object.fromEntries(labels.map(([name, value]) => [clip(name, maxName), clip(value, maxName)])),
    ...(members.length > 1
      ? { members: members.slice(0, maxMembers).map(({ summary }) => clip(oneLine(summary), maxName)) }
      : {}),
    ...(lead.description ? { description: clip(lead.description, maxDescription) } : {}),
  };
}

function linksOf(incident: Incident): PagerDutyAlert["links"] {
  const { runbook, dashboard } = leadOf(incident);
  return [
    { href: webAddress(runbook), text: "Runbook" },
    { href: webAddress(dashboard), text: "Grafana panel" },
  ].flatMap(({ href, text }) => (href === null ? [] : [{ href, text }]));
}

function severityOf({ labels, level }: Incident): PagerDutySeverity {
  const known = bySeverity[(labels.severity ?? "").toLowerCase()];
  return known ?? (level === "fail" ? "critical" : "warning");
}

/** Severities as people name them, by what PagerDuty calls them. */
const bySeverity: Readonly<Record<string, PagerDutySeverity>> = {
  critical: "critical",
  page: "critical",
  emergency: "critical",
  error: "error",
  high: "error",
  warning: "warning",
  warn: "warning",
  medium: "warning",
  ticket: "warning",
  info: "info",
  notice: "info",
  low: "info",
  none: "info",
};
