import { heardIn } from "./blindness.ts";
import { type Incident, isOpen, note, type Person } from "./incident.ts";
import { liveOn } from "./incident-life.ts";
import {
  type AlertsInput,
  isWatchdog,
  joinAlerts,
  joinRound,
  joinSilentAlertmanager,
  Membership,
} from "./incident-members.ts";
import type { IncidentPolicy } from "./incident-policy.ts";
import type { Round } from "./round.ts";
import type { Silence } from "./silence.ts";
import { stormGroup, stormKey } from "./storm.ts";
import { tell } from "./telling.ts";

export type Incidents = Readonly<Record<string, Incident>>;

/** All that is remembered of a target's incidents: one object, changed only through the reducer. */
export interface TargetIncidents {
  readonly target: string;
  /** Up to when each shard's rounds are in here, Unix milliseconds. */
  readonly rounds: Readonly<Record<string, number>>;
  /** What Alertmanager told last, by id: the same again changes nothing. */
  readonly told: readonly string[];
  /** Components that were ever heard of on this target. */
  readonly heard: readonly string[];
  /** When Alertmanager last showed that it can be heard; null where it never did. */
  readonly watchdogAt: number | null;
  readonly incidents: Incidents;
}

/** What may change a target's incidents. */
export type IncidentInput =
  | { readonly kind: "round"; readonly round: Omit<Round, "heard" | "blindAfter"> }
  | ({ readonly kind: "alerts"; readonly id: string } & AlertsInput)
  | { readonly kind: "acknowledge"; readonly incident: string; readonly by: Person; readonly at: number }
  /** Time has passed, or silences have changed. */
  | { readonly kind: "tick"; readonly at: number };

export interface ReduceContext {
  /** Unix milliseconds. */
  readonly now: number;
  readonly policy: IncidentPolicy;
  readonly silences: readonly Silence[];
}

/** What people should now see: an incident's message in a channel, up to `seq`. */
export interface Announcement {
  readonly incident: string;
  readonly channel: string;
  readonly seq: number;
}

export interface Reduced {
  readonly state: TargetIncidents;
  readonly effects: readonly Announcement[];
}

/** Resolved incidents are kept this long, so that a message that lags can still be put right. */
const keepResolved = 24 * 3_600_000;
const keepTold = 200;

/**
 * Carries a target's incidents over one input. Pure. An input that is covered already gives the same state
 * back: rounds by their time, alerts by their id.
 */
export function reduceIncidents(
  before: TargetIncidents,
  input: IncidentInput,
  context: ReduceContext,
): Reduced {
  if (isCovered(before, input)) return { state: before, effects: [] };
  const { now, policy } = context;
  const kept = Object.values(before.incidents).filter(
    ({ resolvedAt }) => resolvedAt === null || now - resolvedAt < keepResolved,
  );
  const state = takeIn(before, input, now);
  const membership = new Membership(kept);
  if (input.kind === "round")
    joinRound(
      membership,
      { ...input.round, heard: new Set(state.heard), blindAfter: policy.blindAfter },
      policy,
    );
  if (input.kind === "alerts") joinAlerts(membership, input, policy, (key) => lastEnd(kept, key));
  joinSilentAlertmanager(membership, state.watchdogAt, now, policy);
  const at = input.kind === "round" ? input.round.at : input.at;
  const life = { target: before.target, at, now, policy };
  const lived = liveAll(kept, membership, life);
  const told = tell(withStorm(lived, life), { ...context, at });
  const incidents = input.kind === "acknowledge" ? acknowledge(told, input) : told;
  return {
    state: { ...state, incidents: Object.fromEntries(incidents.map((incident) => [incident.id, incident])) },
    effects: incidents.flatMap((incident) =>
      incident.seq === before.incidents[incident.id]?.seq &&
      incident.channels === before.incidents[incident.id]?.channels
        ? []
        : incident.channels.map((channel) => ({ incident: incident.id, channel, seq: incident.seq })),
    ),
  };
}

function isCovered(state: TargetIncidents, input: IncidentInput): boolean {
  switch (input.kind) {
    case "round":
      return (state.rounds[input.round.shard] ?? 0) >= input.round.at;
    case "alerts":
      return state.told.includes(input.id);
    case "acknowledge": {
      const incident = state.incidents[input.incident];
      return !incident || !isOpen(incident) || incident.acknowledged !== null;
    }
    case "tick":
      return false;
  }
}

function takeIn(state: TargetIncidents, input: IncidentInput, now: number): TargetIncidents {
  if (input.kind === "round") {
    const { shard, at } = input.round;
    const heard = [...new Set([...state.heard, ...heardIn(input.round)])].sort();
    return { ...state, heard, rounds: { ...state.rounds, [shard]: at } };
  }
  if (input.kind === "alerts") {
    const watched = input.alerts.some((alert) => isWatchdog(alert) && alert.status === "firing");
    return {
      ...state,
      told: [...state.told, input.id].slice(-keepTold),
      watchdogAt: watched ? now : state.watchdogAt,
    };
  }
  return state;
}

/** When a series' latest incident ended, of those that are kept; null where it never failed. */
function lastEnd(incidents: readonly Incident[], key: string): number | null {
  const ends = incidents.flatMap(({ members, resolvedAt }) =>
    members[key] && resolvedAt ? [resolvedAt] : [],
  );
  return ends.length > 0 ? Math.max(...ends) : null;
}

function liveAll(
  kept: readonly Incident[],
  membership: Membership,
  life: Parameters<typeof liveOn>[3],
): Incident[] {
  const next = new Map(kept.map((incident) => [incident.id, incident]));
  for (const group of membership.groups()) {
    if (group.key === stormKey) continue;
    liveGroup(next, group, life);
  }
  return [...next.values()];
}

/** Puts a group's incident in its place, and takes away one that is over before it fired. */
function liveGroup(
  incidents: Map<string, Incident>,
  group: Parameters<typeof liveOn>[2],
  life: Parameters<typeof liveOn>[3],
): void {
  const own = [...incidents.values()].filter((incident) => incident.group === group.key);
  const open = own.find(isOpen);
  const last = own
    .filter((incident) => !isOpen(incident))
    .toSorted((a, b) => (b.resolvedAt ?? 0) - (a.resolvedAt ?? 0))[0];
  const lived = liveOn(open, last, group, life);
  if (!lived && open) incidents.delete(open.id);
  if (lived?.replaces) incidents.delete(lived.replaces);
  if (lived) incidents.set(lived.incident.id, lived.incident);
}

function withStorm(incidents: readonly Incident[], life: Parameters<typeof liveOn>[3]): Incident[] {
  const open = incidents.find((incident) => incident.group === stormKey && isOpen(incident));
  const group = stormGroup(incidents, open, life.now, life.policy);
  if (!open && group.members.size === 0) return [...incidents];
  const next = new Map(incidents.map((incident) => [incident.id, incident]));
  liveGroup(next, group, life);
  return [...next.values()];
}

function acknowledge(
  incidents: readonly Incident[],
  { incident: id, by, at }: Extract<IncidentInput, { kind: "acknowledge" }>,
): Incident[] {
  return incidents.map((incident) =>
    incident.id === id && isOpen(incident)
      ? note({ ...incident, acknowledged: { ...by, at } }, "acknowledged", at, { note: by.name })
      : incident,
  );
}
