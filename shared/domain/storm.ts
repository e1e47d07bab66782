import { groupKey } from "./grouping.ts";
import {
  compareLevels,
  firingMembers,
  type Incident,
  type IncidentLevel,
  isActive,
  isOwn,
  type Member,
  stormProbe,
} from "./incident.ts";
import type { Group } from "./incident-life.ts";
import { memberKey } from "./incident-members.ts";
import type { IncidentPolicy } from "./incident-policy.ts";
import type { MuteOf } from "./muting.ts";

const by = { probe: stormProbe };
/** The group of a target's storm. */
export const stormKey = groupKey(by);

const minute = 60_000;

/**
 * The target's storm as a group with one member for each probe: it begins when more groups begin within a
 * minute than people can read, of what is not muted for a reason of its own, and ends when few of those are
 * left, which are then told one by one. What people were told of before stays told.
 */
export function stormGroup(
  incidents: readonly Incident[],
  open: Incident | undefined,
  muteOf: MuteOf,
  now: number,
  policy: IncidentPolicy,
): Group {
  const raging = open !== undefined && isRaging(open);
  const heard = incidents.filter((one) => isActive(one) && !isOwn(one) && !muteOf(one));
  const part = heard.filter(isUntold);
  const fresh = heard.filter(({ loudAt, askedAt }) => now - (askedAt ?? loudAt ?? 0) < minute);
  const storms = part.length > policy.stormAbove / 2 && (raging || fresh.length > policy.stormAbove);
  const members = storms ? Map.groupBy(part, ({ probe }) => probe) : new Map<string, Incident[]>();
  const entries = [...members].map(([probe, own]) => stormMember(probe, own));
  const next = new Map(
    entries.map((member) => [memberKey(stormProbe, { of: member.labels.of ?? "" }), member]),
  );
  const ended = Object.entries(open?.members ?? {}).flatMap(([key, member]) =>
    next.has(key) || !raging ? [] : [{ member, how: "recovered" as const, value: null }],
  );
  return { key: stormKey, by, members: next, ended };
}

/** With a storm, what is part of it is muted by it. */
export function withStorm(muteOf: MuteOf, storm: Incident | undefined): MuteOf {
  if (!storm || !isRaging(storm)) return muteOf;
  return (incident) => {
    const mute = muteOf(incident);
    if (mute || !isActive(incident) || isOwn(incident) || !isUntold(incident)) return mute;
    return { by: "storm", id: storm.id, until: null, note: "" };
  };
}

function isRaging(storm: Incident): boolean {
  return isActive(storm) && firingMembers(storm).length > 0;
}

/** Nobody has been told that it fires, or fires again. */
function isUntold({ askedAt }: Incident): boolean {
  return askedAt === null;
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
