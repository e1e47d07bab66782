import { nodeOf } from "./grouping.ts";
import {
  blindProbe,
  type Incident,
  isActive,
  isOwn,
  type Member,
  type Mute,
  standingMembers,
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

/** Why nobody is told of an incident for now; null where people are. */
export type MuteOf = (incident: Incident) => Mute | null;

/**
 * Says of each incident why nobody is told of it: where all that fails in it is silenced, in a maintenance
 * window, or follows from something that people are told of.
 */
export function findMutes(incidents: readonly Incident[], { now, policy, silences }: MuteContext): MuteOf {
  const quietOf = findQuiet(policy, silences, now);
  const causes = findCauses(incidents.filter(isActive), policy.inhibitions, quietOf);
  return (incident) => {
    if (!isActive(incident)) return null;
    const quiet = standingMembers(incident).map((member) => quietOf(incident, member));
    if (quiet.every((mute) => mute !== null)) return quiet.toSorted(byReason)[0] ?? null;
    const cause = causes.get(incident.id);
    if (!cause) return null;
    return { by: "inhibition", id: cause.id, until: null, note: cause.labels.probe ?? cause.probe };
  };
}

/** Whether a mute is for want of sight. */
export function isBlindness({ by, note }: Mute): boolean {
  return by === "inhibition" && note === blindProbe;
}

type QuietOf = (incident: Incident, member: Member) => Mute | null;

/** Of the members' several reasons a silence is shown before a window, and the one that ends first. */
function byReason(a: Mute, b: Mute): number {
  return (
    Number(b.by === "silence") - Number(a.by === "silence") ||
    (a.until ?? 0) - (b.until ?? 0) ||
    (a.id < b.id ? -1 : 1)
  );
}

/** What people asked to hear nothing of: silences, of which the longest counts, and windows. */
function findQuiet(policy: IncidentPolicy, silences: readonly Silence[], now: number): QuietOf {
  const active = activeSilences(silences, now).toSorted((a, b) => b.endsAt - a.endsAt);
  const windows = policy.maintenance.flatMap((window) => {
    const until = openUntil(window, now);
    return until === null ? [] : [{ window, until }];
  });
  return (incident, member) => {
    if (active.length === 0 && windows.length === 0) return null;
    const labels = labelsOf(incident, member);
    const silence = active.find((one) => matchesSilence(one, labels));
    if (silence) {
      const note = `${silence.by.name}${silence.reason ? `: ${silence.reason}` : ""}`;
      return { by: "silence", id: silence.id, until: silence.endsAt, note };
    }
    const open = windows.find(({ window }) => matches(window.match, labels));
    return open ? { by: "maintenance", id: open.window.cron, until: open.until, note: "" } : null;
  };
}

/** A member's labels as silences, windows and inhibitions see them. */
function labelsOf({ groupedBy, labels, target }: Incident, member: Member): Labels {
  const severity = labels.severity ?? "";
  return { ...member.labels, ...member.own, ...groupedBy, severity, probe: member.probe, target };
}

/**
 * For each incident that follows from others one of these. What it follows from must in the end be something
 * that follows from nothing: of incidents that would mute each other all round, the oldest is told.
 */
function findCauses(
  active: readonly Incident[],
  inhibitions: readonly Inhibition[],
  quietOf: QuietOf,
): Map<string, Incident> {
  const coversOf = findCovers(active, inhibitions);
  const open = new Map(
    active.map((incident) => [
      incident.id,
      standingMembers(incident)
        .filter((member) => !quietOf(incident, member))
        .map((member) => coversOf(incident, member)),
    ]),
  );
  const causes = new Map<string, Incident>();
  const grounded = new Set<Incident>();
  let left = active.filter((incident) => {
    const covers = open.get(incident.id) ?? [];
    // What is silenced is known to somebody, and may be the cause of something all the same.
    const follows = covers.length > 0 && covers.every((cover) => cover.size > 0);
    if (!follows) grounded.add(incident);
    return follows;
  });
  while (left.length > 0) {
    const next = left.filter((incident) => {
      const covers = open.get(incident.id) ?? [];
      const found = covers.map((cover) => [...cover].find((cause) => grounded.has(cause)));
      if (!found.every(Boolean)) return true;
      // What is only out of sight counts last: that it is seen again is no news.
      const cause = found.find((one) => one?.probe !== blindProbe) ?? found[0];
      if (cause) causes.set(incident.id, cause);
      return false;
    });
    for (const incident of left) if (causes.has(incident.id)) grounded.add(incident);
    if (next.length === left.length) {
      const [oldest] = next.toSorted(byAge);
      if (oldest) grounded.add(oldest);
      left = next.filter((incident) => incident !== oldest);
    } else left = next;
  }
  return causes;
}

function byAge(a: Incident, b: Incident): number {
  return (a.firedAt ?? 0) - (b.firedAt ?? 0) || (a.id < b.id ? -1 : 1);
}

/** The incidents from which a member may follow. */
function findCovers(
  active: readonly Incident[],
  inhibitions: readonly Inhibition[],
): (incident: Incident, member: Member) => Set<Incident> {
  const blind = active.find(({ probe }) => probe === blindProbe);
  const unseen = new Set(blind ? standingMembers(blind).map(({ labels }) => labels.probe) : []);
  const rules = inhibitions.map((rule) => {
    const causes = active.flatMap((incident) =>
      standingMembers(incident)
        .filter((member) => matches(rule.source, labelsOf(incident, member)))
        .map((member) => [equalKey(rule, member), incident] as const),
    );
    return { rule, causes: Map.groupBy(causes, ([key]) => key) };
  });
  return (incident, member) => {
    // Incidents about Sonde's own sight follow from nothing.
    if (isOwn(incident)) return new Set();
    // What cannot be seen at the moment is told by the incident about blindness.
    if (blind && member.blind && unseen.has(member.probe)) return new Set([blind]);
    const labels = labelsOf(incident, member);
    const found = rules.flatMap(({ rule, causes }) => {
      // What a rule calls a cause is no effect by the same rule.
      if (!matches(rule.mutes, labels) || matches(rule.source, labels)) return [];
      const key = equalKey(rule, member);
      return key === null ? [] : (causes.get(key) ?? []).map(([, cause]) => cause);
    });
    return new Set(found.filter((cause) => cause !== incident));
  };
}

/** What cause and effect must share, as one word; null where there is nothing to compare. */
function equalKey({ equal }: Inhibition, { labels, own }: Member): string | null {
  const all: Labels = { ...labels, ...own };
  const node = nodeOf(all);
  if (equal.includes("node") && node === undefined) return null;
  return JSON.stringify(equal.map((name) => (name === "node" ? node : (all[name] ?? ""))));
}
