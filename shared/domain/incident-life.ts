import { shortHash } from "./hash.ts";
import {
  type ChangeKind,
  compareLevels,
  firingMembers,
  type Incident,
  type IncidentLevel,
  isActive,
  leadOf,
  type Member,
  note,
  touch,
} from "./incident.ts";
import type { IncidentPolicy } from "./incident-policy.ts";
import type { Labels } from "./series.ts";

/** A member that fails no longer, and how that was seen. */
export interface Ended {
  readonly member: Member;
  readonly how: "recovered" | "gone";
  readonly value: number | null;
}

/** A group as one input leaves it: who fails now, and who no longer does. */
export interface Group {
  readonly key: string;
  readonly by: Labels;
  readonly members: ReadonlyMap<string, Member>;
  readonly ended: readonly Ended[];
}

export interface LifeContext {
  readonly target: string;
  /** The time that the input speaks of, and the time that it is now; Unix milliseconds. */
  readonly at: number;
  readonly now: number;
  readonly policy: IncidentPolicy;
}

/**
 * A group's incident after one input; null where there is none. `last` is the group's latest incident that
 * has ended: what fails again soon after is the same incident still.
 */
export function liveOn(
  open: Incident | undefined,
  last: Incident | undefined,
  group: Group,
  context: LifeContext,
): { readonly incident: Incident; readonly replaces?: string } | null {
  const firing = [...group.members.values()].some(({ state }) => state === "firing");
  if (!open || open.status === "pending") {
    if (group.members.size === 0) return null;
    if (!firing)
      return { incident: open ? refresh(open, group, context) : begin(group, "pending", last, context) };
    const begun = startFiring(open, last, group, context);
    return open && begun.id !== open.id ? { incident: begun, replaces: open.id } : { incident: begun };
  }
  if (open.status === "flapping") return { incident: goOnFlapping(open, group, firing, context) };
  return { incident: firing ? goOnFiring(open, group, context) : stopFiring(open, group, context) };
}

function begin(
  group: Group,
  status: "pending" | "firing",
  last: Incident | undefined,
  context: LifeContext,
): Incident {
  const { target, at } = context;
  const name = [...group.members.values()][0]?.probe ?? "group";
  const id = `${name}-${shortHash(`${target} ${group.key}`)}-${at.toString(36)}`;
  const empty: Incident = {
    // One that ended in the very moment in which it had begun keeps its id to itself.
    id: last?.id.startsWith(id) ? `${last.id}x` : id,
    group: group.key,
    target,
    probe: name,
    status,
    level: "unknown",
    blind: false,
    groupedBy: group.by,
    labels: {},
    members: {},
    lead: "",
    channels: [],
    activeAt: at,
    activeAtLeast: false,
    firedAt: null,
    resolvedAt: null,
    resolution: null,
    acknowledged: null,
    mute: null,
    transitions: [],
    loudAt: null,
    graveAt: null,
    askedAt: null,
    escalatedAt: null,
    blindSince: null,
    growth: { toldAt: at, joined: 0, left: 0 },
    seq: 0,
    history: [],
  };
  const refreshed = refresh(empty, group, context);
  if (status === "firing") return refreshed;
  // What is only pending has nothing to show yet, and no message that could lag behind.
  const pending = { seq: 0, at, what: "pending", value: leadOf(refreshed).value, note: "" } as const;
  return { ...refreshed, history: [pending] };
}

function startFiring(
  open: Incident | undefined,
  last: Incident | undefined,
  group: Group,
  context: LifeContext,
): Incident {
  const { now, at, policy } = context;
  const before = recent(last?.transitions ?? [], context);
  const flaps = last !== undefined && before.length + 1 >= policy.flapping.changes;
  const transitions = [...before, now];
  if (last && (flaps || now - (last.resolvedAt ?? 0) < policy.groupInterval)) {
    const again: Incident = {
      ...last,
      status: flaps ? "flapping" : "firing",
      resolvedAt: null,
      resolution: null,
      acknowledged: null,
      escalatedAt: null,
      firedAt: at,
      transitions,
      loudAt: now,
      graveAt: now,
      askedAt: null,
      growth: { toldAt: now, joined: 0, left: 0 },
    };
    const refreshed = refresh({ ...again, members: {} }, group, context);
    return say(refreshed, flaps ? "flapping" : "fired-again", at);
  }
  const base = open ? refresh(open, group, context) : begin(group, "firing", last, context);
  const fired: Incident = {
    ...base,
    status: "firing",
    firedAt: at,
    transitions,
    loudAt: now,
    graveAt: now,
    growth: { toldAt: now, joined: 0, left: 0 },
  };
  return note(fired, "firing", at, { value: leadOf(fired).value });
}

function goOnFiring(open: Incident, group: Group, context: LifeContext): Incident {
  const { at, now } = context;
  const before = new Set(
    Object.entries(open.members).flatMap(([key, { state }]) => (state === "firing" ? [key] : [])),
  );
  let next = refresh(open, group, context);
  const after = Object.entries(next.members).flatMap(([key, { state }]) => (state === "firing" ? [key] : []));
  const joined = after.filter((key) => !before.has(key)).length;
  const left = before.size - (after.length - joined);
  if (joined > 0 || left > 0 || next.lead !== open.lead) {
    const { growth } = next;
    next = touch({
      ...next,
      growth: { ...growth, joined: growth.joined + joined, left: growth.left + left },
    });
  }
  const graver = compareLevels(next.level, open.level);
  // Somebody may have taken on a warning; a failure is another matter.
  if (graver > 0) next = say(askAgain(next, now), "escalated", at);
  if (graver < 0) next = say(next, "eased", at);
  return next;
}

function stopFiring(open: Incident, group: Group, context: LifeContext): Incident {
  const { now, policy } = context;
  const transitions = [...recent(open.transitions, context), now];
  if (transitions.length >= policy.flapping.changes) {
    const flapping: Incident = { ...withLast(open, group), status: "flapping", transitions, loudAt: now };
    return say(flapping, "flapping", context.at);
  }
  return end({ ...open, transitions }, group, context);
}

/** It is graver than it was, or calls for somebody again: who took it on has not taken on this. */
function askAgain(incident: Incident, now: number): Incident {
  const askedAt = incident.askedAt === null ? null : now;
  return { ...incident, acknowledged: null, escalatedAt: null, loudAt: now, graveAt: now, askedAt };
}

/**
 * While it flaps nothing is said but that it is graver than it ever was; it ends, or fires on, once nothing has
 * changed for long enough, and what it did till then no longer counts.
 */
function goOnFlapping(open: Incident, group: Group, firing: boolean, context: LifeContext): Incident {
  const { now, at, policy } = context;
  const fired = firingMembers(open).length > 0;
  const turned = fired !== firing;
  const transitions = turned ? [...open.transitions, now].slice(-policy.flapping.changes) : open.transitions;
  const calm = now - (transitions.at(-1) ?? 0) >= policy.flapping.calmAfter;
  if (!firing) {
    const well = { ...withLast(open, group), transitions };
    return calm ? end({ ...well, transitions: [] }, group, context) : well;
  }
  const next = { ...refresh(open, group, context), transitions };
  const graver = compareLevels(next.level, open.level);
  if (graver > 0) return say(askAgain(next, now), "escalated", at);
  if (!calm) return graver < 0 ? { ...next, level: open.level } : next;
  const fires: Incident = { ...next, status: "firing", transitions: [], loudAt: now };
  return say({ ...fires, askedAt: open.askedAt === null ? null : now }, "calm", at);
}

function end(open: Incident, group: Group, { at }: LifeContext): Incident {
  const last = withLast(open, group);
  const how = group.ended.length > 0 && group.ended.every((one) => one.how === "gone") ? "gone" : "recovered";
  const resolved: Incident = {
    ...last,
    status: "resolved",
    blind: false,
    blindSince: null,
    resolvedAt: at,
    resolution: how,
  };
  return note(resolved, how, at, { value: group.ended.find(({ value }) => value !== null)?.value ?? null });
}

/** The members as they were, those that just ended with their last values and no longer firing. */
function withLast(open: Incident, group: Group): Incident {
  const values = new Map(group.ended.map(({ member, value }) => [member, value]));
  return {
    ...open,
    members: Object.fromEntries(
      Object.entries(open.members).map(([key, member]) => [
        key,
        { ...member, state: "ok" as const, blind: false, value: values.get(member) ?? member.value },
      ]),
    ),
  };
}

function say(incident: Incident, what: ChangeKind, at: number): Incident {
  return note(incident, what, at, { value: leadOf(incident).value });
}

function recent(transitions: readonly number[], { now, policy }: LifeContext): number[] {
  return transitions.filter((t) => now - t < policy.flapping.within);
}

/** More members than this are shown without a course of values: state is one object. */
const withPoints = 10;

/** Takes over who is in it now, and what follows from that: who speaks for it, its level and its labels. */
function refresh(incident: Incident, group: Group, { at }: LifeContext): Incident {
  const entries = [...group.members].map(([key, member]): [string, Member] => [
    key,
    group.members.size > withPoints ? { ...member, points: member.points.slice(-1) } : member,
  ]);
  const ranked = entries.toSorted(byImportance);
  const [lead, member] = ranked[0] ?? [];
  if (lead === undefined || member === undefined) return incident;
  const firing = entries.map(([, one]) => one).filter(({ state }) => state === "firing");
  const speaking = firing.length > 0 ? firing : [member];
  const blind = speaking.every((one) => one.blind);
  const since = Math.min(...speaking.map(({ activeAt }) => activeAt));
  const older = isActive(incident) && incident.activeAt <= since ? incident : null;
  const atLeast = speaking.some((one) => one.activeAt === since && one.activeAtLeast);
  return {
    ...incident,
    members: Object.fromEntries(entries),
    lead,
    probe: member.probe,
    level: speaking.reduce<IncidentLevel>(
      (gravest, one) => (compareLevels(one.level, gravest) > 0 ? one.level : gravest),
      "unknown",
    ),
    blind,
    blindSince: blind ? (incident.blindSince ?? at) : null,
    labels: labelsOf(incident, speaking, member),
    activeAt: older ? older.activeAt : since,
    activeAtLeast: older ? older.activeAtLeast : atLeast,
  };
}

function byImportance([a, one]: [string, Member], [b, other]: [string, Member]): number {
  return (
    Number(other.state === "firing") - Number(one.state === "firing") ||
    compareLevels(other.level, one.level) ||
    one.activeAt - other.activeAt ||
    (a < b ? -1 : 1)
  );
}

function labelsOf(incident: Incident, members: readonly Member[], lead: Member): Labels {
  const severity = lead.own.severity ?? (lead.level === "fail" ? "critical" : "warning");
  const probes = new Set(members.map(({ probe }) => probe));
  return {
    ...shared(members.map(({ labels }) => labels)),
    ...shared(members.map(({ own }) => own)),
    ...incident.groupedBy,
    severity,
    // Of several probes' members the leading one's stands for all.
    probe: probes.size === 1 ? lead.probe : (incident.groupedBy.probe ?? lead.probe),
    target: incident.target,
  };
}

function shared(all: readonly Labels[]): Labels {
  const [first = {}, ...rest] = all;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => rest.every((labels) => labels[name] === value)),
  );
}
