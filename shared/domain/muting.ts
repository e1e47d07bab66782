import { nodeOf } from "./grouping.ts";
import {
  alertmanagerProbe,
  blindProbe,
  firingMembers,
  type Incident,
  isActive,
  isOpen,
  type Member,
  type Mute,
  stormProbe,
} from "./incident.ts";
import type { IncidentPolicy, Inhibition } from "./incident-policy.ts";
import { openUntil } from "./maintenance.ts";
import { matches } from "./matching.ts";
import type { Labels } from "./series.ts";
import { activeSilences, matchesSilence, type Silence } from "./silence.ts";

export interface MuteContext {
  readonly now: number;
  readonly policy: IncidentPolicy;
  readonly silences: readonly Silence[];
}

/** Incidents about Sonde's own sight follow from nothing. */
const ownProbes = new Set([blindProbe, stormProbe, alertmanagerProbe]);

/** Says of each incident why nobody is told of it for now; null where people are. */
export function findMutes(
  incidents: readonly Incident[],
  { now, policy, silences }: MuteContext,
): (incident: Incident) => Mute | null {
  const active = activeSilences(silences, now);
  const windows = policy.maintenance.flatMap((window) => {
    const until = openUntil(window, now);
    return until === null ? [] : [{ window, until }];
  });
  const sources = incidents.filter(isActive);
  const storm = sources.find(({ probe }) => probe === stormProbe);
  return (incident) => {
    if (!isOpen(incident)) return null;
    const silence = active
      .filter((one) => allMatch(incident, (labels) => matchesSilence(one, labels)))
      .toSorted((a, b) => b.endsAt - a.endsAt)[0];
    if (silence) {
      const note = `${silence.by.name}${silence.reason ? `: ${silence.reason}` : ""}`;
      return { by: "silence", id: silence.id, until: silence.endsAt, note };
    }
    const open = windows.find(({ window }) => allMatch(incident, (labels) => matches(window.match, labels)));
    if (open) return { by: "maintenance", id: open.window.cron, until: open.until, note: "" };
    if (ownProbes.has(incident.probe)) return null;
    const source = sources.find((one) => follows(incident, one, policy.inhibitions));
    if (source)
      return { by: "inhibition", id: source.id, until: null, note: source.labels.probe ?? source.probe };
    if (storm && isPartOfStorm(incident, storm)) return { by: "storm", id: storm.id, until: null, note: "" };
    return null;
  };
}

/** One that is muted in part goes on being told: every member that fails must match. */
function allMatch(incident: Incident, test: (labels: Labels) => boolean): boolean {
  const failing = firingMembers(incident);
  if (failing.length === 0) return test(incident.labels);
  return failing.every(({ labels, own }) => test({ ...labels, ...own, ...incident.labels }));
}

/** What began with the storm and was told nowhere by itself. */
export function isPartOfStorm(incident: Incident, storm: Incident): boolean {
  const told = incident.channels.length > 0;
  return (
    isActive(incident) && !told && !ownProbes.has(incident.probe) && (incident.firedAt ?? 0) >= storm.activeAt
  );
}

/** Whether all of an incident follows from another one. */
function follows(incident: Incident, source: Incident, inhibitions: readonly Inhibition[]): boolean {
  if (incident.id === source.id) return false;
  const failing = firingMembers(incident);
  if (failing.length === 0) return false;
  // What cannot be seen at the moment is told by the incident about blindness.
  if (source.probe === blindProbe) {
    const unseen = new Set(firingMembers(source).map(({ labels }) => labels.probe));
    return failing.every(({ blind, probe }) => blind && unseen.has(probe));
  }
  const causes = firingMembers(source);
  return inhibitions.some(
    (rule) =>
      matches(rule.source, source.labels) &&
      matches(rule.mutes, incident.labels) &&
      // An incident that could mute itself by the same rule would leave nobody told.
      !matches(rule.source, incident.labels) &&
      failing.every((member) => causes.some((cause) => isEqual(rule.equal, member, cause))),
  );
}

function isEqual(names: readonly string[], a: Member, b: Member): boolean {
  return names.every((name) => {
    const value = labelOf(a, name);
    return value === labelOf(b, name) && (name !== "node" || value !== undefined);
  });
}

function labelOf({ labels, own }: Member, name: string): string | undefined {
  const all: Labels = { ...labels, ...own };
  return name === "node" ? nodeOf(all) : (all[name] ?? "");
}
