import { heardIn } from "./blindness.ts";
import { type Incident, isActive, isOpen, note, type Person } from "./incident.ts";
import { type Group, type LifeContext, liveOn } from "./incident-life.ts";
import {
  type AlertsInput,
  isWatchdog,
  joinAlerts,
  joinRound,
  joinSilentAlertmanager,
  Membership,
} from "./incident-members.ts";
import type { IncidentPolicy } from "./incident-policy.ts";
import { findMutes, type MuteOf } from "./muting.ts";
import type { Round } from "./round.ts";
import type { Silence } from "./silence.ts";
import { stormGroup, stormKey, withStorm } from "./storm.ts";
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
  /** When series were last seen to be over, by key: Alertmanager goes on telling of them for a while. */
  readonly over: Readonly<Record<string, number>>;
  /** When Alertmanager last showed that it can be heard; null where it never did. */
  readonly watchdogAt: number | null;
  readonly incidents: Incidents;
}

/** What may change a target's incidents. */
export type IncidentInput =
  | { readonly kind: "round"; readonly round: Omit<Round, "heard" | "blindAfter"> }
  | ({ readonly kind: "alerts"; readonly id: string } & AlertsInput)
  /** `at` is when the person answered, and stays the same when it is tried again. */
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
  const state = takeIn(before, input);
  const membership = new Membership(kept);
  if (input.kind === "round")
    joinRound(
      membership,
      { ...input.round, heard: new Set(state.heard), blindAfter: policy.blindAfter },
      policy,
    );
  if (input.kind === "alerts") joinAlerts(membership, input, policy, state.over);
  joinSilentAlertmanager(membership, state.watchdogAt, now, policy);
  const at = input.kind === "round" ? input.round.at : input.at;
  const life = { target: before.target, at, now, policy };
  const lived = liveAll(kept, membership, life);
  const answered = input.kind === "acknowledge" ? acknowledge(lived, input) : lived;
  const muteOf = findMutes(answered, context);
  const { incidents: rolled, storm } = rollUp(answered, muteOf, life);
  const incidents = tell(rolled, withStorm(muteOf, storm), { ...life, before: before.incidents });
  const next: TargetIncidents = {
    ...state,
    over: keepOver({ ...state.over, ...membership.over }, now),
    incidents: Object.fromEntries(incidents.map((incident) => [incident.id, incident])),
  };
  // Time alone seldom changes anything, and then there is nothing to store.
  if (input.kind === "tick" && JSON.stringify(next) === JSON.stringify(before))
    return { state: before, effects: [] };
  return {
    state: next,
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
      // After the probes were dealt out anew a late round of the old shards knows less.
      return Object.entries(state.rounds).some(
        ([shard, at]) =>
          at >= input.round.at && (shard === input.round.shard || !isBeside(shard, input.round.shard)),
      );
    case "alerts":
      return state.told.includes(input.id);
    case "acknowledge": {
      const incident = state.incidents[input.incident];
      if (!incident || !isActive(incident) || incident.acknowledged) return true;
      // An answer that comes late, or twice, does not answer what came in between.
      return input.at <= (incident.graveAt ?? 0);
    }
    case "tick":
      return false;
  }
}

/** Of shards that are no more only the time of the last round is kept. */
function replaceShards(rounds: TargetIncidents["rounds"], shard: string): TargetIncidents["rounds"] {
  const entries = Object.entries(rounds);
  const old = entries.filter(([one]) => !isBeside(one, shard)).map(([, at]) => at);
  const own = Object.fromEntries(entries.filter(([one]) => isBeside(one, shard)));
  return old.length === 0 ? own : { ...own, "": Math.max(...old) };
}

/** Whether two shards, such as `1/3` and `2/3`, are parts of one whole. */
function isBeside(a: string, b: string): boolean {
  return a.split("/")[1] === b.split("/")[1];
}

function takeIn(state: TargetIncidents, input: IncidentInput): TargetIncidents {
  if (input.kind === "round") {
    const { shard, at } = input.round;
    const heard = [...new Set([...state.heard, ...heardIn(input.round)])].sort();
    return { ...state, heard, rounds: { ...replaceShards(state.rounds, shard), [shard]: at } };
  }
  if (input.kind === "alerts") {
    const watched = input.alerts.some((alert) => isWatchdog(alert) && alert.status === "firing");
    // A message may have been long on its way: what counts is when it was written.
    const watchdogAt = watched ? Math.max(state.watchdogAt ?? 0, input.at) : state.watchdogAt;
    return { ...state, told: [...state.told, input.id].slice(-keepTold), watchdogAt };
  }
  return state;
}

const keepOverFor = 24 * 3_600_000;
const maxOver = 1_000;

function keepOver(over: TargetIncidents["over"], now: number): TargetIncidents["over"] {
  return Object.fromEntries(
    Object.entries(over)
      .filter(([, at]) => now - at < keepOverFor)
      .toSorted(([, a], [, b]) => a - b)
      .slice(-maxOver),
  );
}

function liveAll(kept: readonly Incident[], membership: Membership, life: LifeContext): Incident[] {
  const next = new Map(kept.map((incident) => [incident.id, incident]));
  for (const group of membership.groups()) {
    if (group.key === stormKey) continue;
    liveGroup(next, group, life);
  }
  return [...next.values()];
}

/** Puts a group's incident in its place, and takes away one that is over before it fired. */
function liveGroup(incidents: Map<string, Incident>, group: Group, life: LifeContext): void {
  const own = [...incidents.values()].filter((incident) => incident.group === group.key);
  const open = own.find(isOpen);
  const last = own
    .filter((incident) => !isOpen(incident))
    .toSorted((a, b) => (a.resolvedAt ?? 0) - (b.resolvedAt ?? 0))
    .at(-1);
  const lived = liveOn(open, last, group, life);
  if (!lived && open) incidents.delete(open.id);
  if (lived?.replaces) incidents.delete(lived.replaces);
  if (lived) incidents.set(lived.incident.id, lived.incident);
}

/** The incidents with the storm that many of them make, if they do. */
function rollUp(
  incidents: readonly Incident[],
  muteOf: MuteOf,
  life: LifeContext,
): { readonly incidents: readonly Incident[]; readonly storm: Incident | undefined } {
  const isStorm = (incident: Incident) => incident.group === stormKey && isOpen(incident);
  const open = incidents.find(isStorm);
  const group = stormGroup(incidents, open, muteOf, life.now, life.policy);
  if (!open && group.members.size === 0) return { incidents, storm: undefined };
  const next = new Map(incidents.map((incident) => [incident.id, incident]));
  // A storm never flaps: while it said nothing, nobody would hear of what it stands for.
  const flapping = { ...life.policy.flapping, changes: Number.POSITIVE_INFINITY };
  liveGroup(next, group, { ...life, policy: { ...life.policy, flapping } });
  const all = [...next.values()];
  return { incidents: all, storm: all.find(isStorm) };
}

function acknowledge(
  incidents: readonly Incident[],
  { incident: id, by, at }: Extract<IncidentInput, { kind: "acknowledge" }>,
): Incident[] {
  return incidents.map((incident) =>
    incident.id === id && isActive(incident)
      ? note({ ...incident, acknowledged: { ...by, at } }, "acknowledged", at, { note: by.name })
      : incident,
  );
}
