import { reduceBlindness } from "./blindness.ts";
import { shortHash } from "./hash.ts";
import {
  addHistory,
  blindProbe,
  finite,
  type Incident,
  type IncidentChange,
  resolveIncident,
} from "./incident.ts";
import type { LevelName, Probe, Route } from "./probe.ts";
import type { Round, RoundResult } from "./round.ts";
import { channelOf, routeFor } from "./routes.ts";
import { seriesKey } from "./series.ts";
import { renderTemplate } from "./template.ts";
import type { Verdict } from "./verdict.ts";

export type Incidents = Readonly<Record<string, Incident>>;

/** Resolved incidents are kept this long, so that a message that lags can still be put right. */
const keepResolved = 24 * 3_600_000;
const maxPoints = 60;

/** Carries a target's incidents over one round. Pure: the same round twice changes nothing the second time. */
export function reduceIncidents(before: Incidents, round: Round): Incidents {
  const kept = Object.values(before).filter(
    ({ resolvedAt }) => resolvedAt === null || round.at - resolvedAt < keepResolved,
  );
  const open = new Map(kept.filter(isOpen).map((incident) => [groupKey(incident), incident]));
  const next = new Map(kept.map((incident) => [incident.id, incident]));
  for (const result of round.results) {
    for (const change of reduceProbe(result, open, round)) {
      if (change.drop) next.delete(change.incident.id);
      else next.set(change.incident.id, change.incident);
    }
  }
  const configured = new Set([...round.configured.map(({ id }) => id), blindProbe]);
  for (const incident of open.values()) {
    if (!configured.has(incident.probe))
      next.set(incident.id, resolveIncident(incident, "gone", null, round.at));
  }
  const blind = reduceBlindness(open.get(groupKey({ probe: blindProbe, labels: {} })), round);
  if (blind) next.set(blind.id, blind);
  return Object.fromEntries([...next].map(([id, incident]) => [id, showIn(incident, round.routes)]));
}

/** An incident that escalates into another route is told there, and kept up to date where it was told before. */
function showIn(incident: Incident, routes: readonly Route[]): Incident {
  if (incident.status !== "firing") return incident;
  const route = routeFor(incident, routes);
  const channel = route && channelOf(route);
  if (!channel || incident.channels.includes(channel)) return incident;
  return { ...incident, channels: [...incident.channels, channel] };
}

function isOpen(incident: Incident): boolean {
  return incident.status !== "resolved";
}

function groupKey({ probe, labels }: Pick<Incident, "probe" | "labels">): string {
  return `${probe} ${seriesKey(labels)}`;
}

interface Change {
  readonly incident: Incident;
  readonly drop?: boolean;
}

function reduceProbe(
  { probe, verdicts }: RoundResult,
  open: ReadonlyMap<string, Incident>,
  round: Round,
): Change[] {
  const changes: Change[] = [];
  const active = new Set<string>();
  const seen = new Set<string>();
  for (const verdict of verdicts) {
    const key = groupKey({ probe: probe.id, labels: verdict.labels });
    seen.add(key);
    const level = verdict.status === "warn" || verdict.status === "fail" ? verdict.status : null;
    if (!level && !verdict.pending) continue;
    active.add(key);
    const incident = open.get(key);
    changes.push({
      incident: incident
        ? advance(incident, probe, verdict, level, round.at)
        : begin(probe, verdict, level, round),
    });
  }
  const unanswered = verdicts.some(({ cause }) => cause === "query-failed" || cause === "missing");
  for (const [key, incident] of open) {
    if (incident.probe !== probe.id || active.has(key) || unanswered) continue;
    if (incident.status === "pending") changes.push({ incident, drop: true });
    else {
      const last = verdicts.find((verdict) => groupKey({ probe: probe.id, labels: verdict.labels }) === key);
      changes.push({
        incident: resolveIncident(
          incident,
          seen.has(key) ? "recovered" : "gone",
          last?.value ?? null,
          round.at,
        ),
      });
    }
  }
  return changes;
}

function begin(probe: Probe, verdict: Verdict, level: LevelName | null, round: Round): Incident {
  const activeAt = verdict.since ?? round.at;
  const status = level ? "firing" : "pending";
  const base: Incident = {
    id: `${probe.id}-${shortHash(`${round.target} ${seriesKey(verdict.labels)}`)}-${round.at.toString(36)}`,
    target: round.target,
    probe: probe.id,
    status,
    level: level ?? verdict.pending ?? "fail",
    blind: false,
    labels: verdict.labels,
    routing: {},
    channels: [],
    summary: "",
    description: "",
    runbook: probe.runbook,
    dashboard: probe.dashboard,
    value: null,
    unit: probe.unit,
    threshold: verdict.threshold,
    activeAt,
    activeAtLeast: verdict.sinceAtLeast,
    firedAt: level ? round.at : null,
    resolvedAt: null,
    resolution: null,
    points: [],
    seq: level ? 1 : 0,
    history: [{ at: round.at, what: status, value: finite(verdict.value) }],
  };
  return refresh(base, probe, verdict);
}

/** The same incident after one more round; `seq` grows only where a person should see a change. */
function advance(
  incident: Incident,
  probe: Probe,
  verdict: Verdict,
  level: LevelName | null,
  at: number,
): Incident {
  const whats: IncidentChange["what"][] = [];
  if (level && incident.status === "pending") whats.push("firing");
  if (level && incident.status === "firing" && incident.level !== level)
    whats.push(level === "fail" ? "escalated" : "eased");
  if (level && verdict.blind !== incident.blind) whats.push(verdict.blind ? "blind" : "seen-again");
  // Firing that falls back to pending is over for now: what follows is a new breach.
  if (!level && incident.status === "firing")
    return resolveIncident(incident, "recovered", verdict.value, at);
  const refreshed = refresh(incident, probe, verdict);
  const changed: Incident = {
    ...refreshed,
    status: level ? "firing" : incident.status,
    level: level ?? incident.level,
    blind: verdict.blind,
    firedAt: incident.firedAt ?? (level ? at : null),
    seq: incident.seq + whats.length,
    history: addHistory(
      incident.history,
      whats.map((what) => ({ at, what, value: finite(verdict.value) })),
    ),
  };
  return changed;
}

/** Takes over what the verdict shows now: value, texts and points. Blind verdicts keep what was last seen. */
function refresh(incident: Incident, probe: Probe, verdict: Verdict): Incident {
  if (verdict.blind) return incident;
  const value = verdict.value;
  const context = { labels: verdict.labels, value: value ?? Number.NaN };
  const firing =
    verdict.status === "fail" || verdict.status === "warn" ? verdict.status : (verdict.pending ?? "fail");
  const own = Object.fromEntries(
    Object.entries(probe.labels).map(([name, text]) => [name, renderTemplate(text, context)]),
  );
  const severity = firing === "fail" ? "critical" : "warning";
  // Without a value a template would say NaN; without a template the reason says what there is to say.
  const untold = value === null || !probe.summary;
  const shown = {
    value: finite(value) ?? incident.value,
    summary: untold ? `${probe.id}: ${verdict.reason}` : renderTemplate(probe.summary, context),
    description: renderTemplate(probe.description, context),
  };
  const newest = incident.points.at(-1)?.t ?? 0;
  const points = verdict.points.filter(({ t }) => t > newest).map(({ t, v }) => ({ t, v: finite(v) }));
  return {
    ...incident,
    ...shown,
    threshold: verdict.threshold,
    routing: { severity, ...own, probe: probe.id, target: incident.target },
    points: [...incident.points, ...points].slice(-maxPoints),
  };
}
