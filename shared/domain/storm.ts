import { groupKey } from "./grouping.ts";
import {
  compareLevels,
  type Incident,
  type IncidentLevel,
  isActive,
  type Member,
  stormProbe,
} from "./incident.ts";
import type { Group } from "./incident-life.ts";
import { memberKey } from "./incident-members.ts";
import type { IncidentPolicy } from "./incident-policy.ts";
import { isPartOfStorm } from "./muting.ts";

const by = { probe: stormProbe };
/** The group of a target's storm. */
export const stormKey = groupKey(by);

const minute = 60_000;

/**
 * The target's storm as a group with one member for each probe: it begins when more groups begin within a
 * minute than people can read, and ends when few of those are left, which are then told one by one.
 */
export function stormGroup(
  incidents: readonly Incident[],
  open: Incident | undefined,
  now: number,
  policy: IncidentPolicy,
): Group {
  const raging = open !== undefined && isActive(open);
  const part = raging
    ? incidents.filter((incident) => isPartOfStorm(incident, open))
    : incidents.filter((incident) => isFresh(incident, now));
  const enough = raging ? policy.stormAbove / 2 : policy.stormAbove;
  const members =
    part.length > enough ? Map.groupBy(part, ({ probe }) => probe) : new Map<string, Incident[]>();
  const entries = [...members].map(([probe, own]) => stormMember(probe, own));
  const next = new Map(
    entries.map((member) => [memberKey(stormProbe, { of: member.labels.of ?? "" }), member]),
  );
  const ended = Object.entries(open?.members ?? {}).flatMap(([key, member]) =>
    next.has(key) || !raging ? [] : [{ member, how: "recovered" as const, value: null }],
  );
  return { key: stormKey, by, members: next, ended };
}

function isFresh(incident: Incident, now: number): boolean {
  return (
    isActive(incident) &&
    incident.channels.length === 0 &&
    incident.mute === null &&
    incident.probe !== stormProbe &&
    incident.level !== "unknown" &&
    now - (incident.loudAt ?? 0) < minute
  );
}

function stormMember(probe: string, incidents: readonly Incident[]): Member {
  const level = incidents.reduce<IncidentLevel>(
    (gravest, one) => (compareLevels(one.level, gravest) > 0 ? one.level : gravest),
    "unknown",
  );
  return {
    probe: stormProbe,
    labels: { of: probe },
    state: "firing",
    level,
    blind: false,
    value: incidents.length,
    unit: "incidents",
    threshold: null,
    summary: `${probe}: ${incidents.length} ${incidents.length === 1 ? "incident" : "incidents"}`,
    description: "",
    runbook: "",
    dashboard: "",
    own: {},
    activeAt: Math.min(...incidents.map(({ firedAt, activeAt }) => firedAt ?? activeAt)),
    activeAtLeast: false,
    points: [],
    byProbe: true,
    alertAt: null,
    budget: null,
  };
}
