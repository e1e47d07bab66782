import type { Budget } from "./budget.ts";
import type { LevelName } from "./probe.ts";
import type { Labels } from "./series.ts";

/** The probe name under which a target's blindness is an incident of its own. */
export const blindProbe = "blind";
/** The probe name of the incident that stands for many that began at once. */
export const stormProbe = "storm";
/** The probe name of the incident about an Alertmanager that is no longer heard. */
export const alertmanagerProbe = "alertmanager";

export type IncidentStatus = "pending" | "firing" | "flapping" | "resolved";
export type IncidentLevel = LevelName | "unknown";

/** Who did something: a Slack user's id and name, or a person at a command line. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

/** Why nobody is told of an incident for now. `until` is null where nobody knows. */
export interface Mute {
  readonly by: "silence" | "maintenance" | "inhibition" | "storm";
  /** The silence, the window or the incident that mutes. */
  readonly id: string;
  readonly until: number | null;
  readonly note: string;
}

/** One step in an incident's life, for its thread and timeline. `at` is Unix milliseconds. */
export interface IncidentChange {
  readonly seq: number;
  readonly at: number;
  readonly what: ChangeKind;
  readonly value: number | null;
  /** Who, or which series: hostile text. */
  readonly note: string;
}

export const changeKinds = [
  "pending",
  "firing",
  "fired-again",
  "grew",
  "escalated",
  "eased",
  "blind",
  "seen-again",
  "acknowledged",
  "muted",
  "unmuted",
  "mute-ending",
  "flapping",
  "calm",
  "unanswered",
  "repeated",
  "recovered",
  "gone",
] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** One failing series of an incident. All text that came from labels or annotations is hostile. */
export interface Member {
  readonly probe: string;
  readonly labels: Labels;
  /** `ok`: it fails no longer, and is kept for what it last showed. */
  readonly state: "pending" | "firing" | "ok";
  readonly level: IncidentLevel;
  /** Firing, but no longer seen. */
  readonly blind: boolean;
  readonly value: number | null;
  readonly unit: string;
  readonly threshold: string | null;
  readonly summary: string;
  readonly description: string;
  readonly runbook: string;
  readonly dashboard: string;
  /** The probe's own labels, templates filled in. */
  readonly own: Labels;
  readonly activeAt: number;
  readonly activeAtLeast: boolean;
  /** The last points for a sparkline; a null value is one that JSON cannot hold (NaN, an infinity). */
  readonly points: readonly { readonly t: number; readonly v: number | null }[];
  /** Whether a probe of ours says so, and when Alertmanager last did (Unix milliseconds). */
  readonly byProbe: boolean;
  readonly alertAt: number | null;
  /** What an SLO has left; null for other probes. */
  readonly budget: Budget | null;
}

/**
 * The life of one failing (probe, target, series group), with all series that fail now as its members. A
 * resolved incident keeps the members that it ended with.
 */
export interface Incident {
  /** Deterministic: target, group and the round it began in, so that no two incidents share one. */
  readonly id: string;
  /** What the members have in common, as one word: no two open incidents share one. */
  readonly group: string;
  readonly target: string;
  /** Of the leading member, or blind, storm and the like. */
  readonly probe: string;
  readonly status: IncidentStatus;
  /** The gravest of what fires. */
  readonly level: IncidentLevel;
  readonly blind: boolean;
  /** The labels that the group was made by. */
  readonly groupedBy: Labels;
  /** What routes, silences and mutes match on: what all members share, the probes' own labels and severity. */
  readonly labels: Labels;
  readonly members: Readonly<Record<string, Member>>;
  /** Key of the member that speaks for the others: the gravest, then the oldest. */
  readonly lead: string;
  /** Where it has been shown so far: each of these goes on being brought up to date. */
  readonly channels: readonly string[];
  readonly activeAt: number;
  readonly activeAtLeast: boolean;
  readonly firedAt: number | null;
  readonly resolvedAt: number | null;
  readonly resolution: "recovered" | "gone" | null;
  readonly acknowledged: (Person & { readonly at: number }) | null;
  readonly mute: Mute | null;
  /** When it turned from well to failing or back, the latest last: what flapping is told by. */
  readonly transitions: readonly number[];
  /** When there was last something of it that the channel should see. */
  readonly loudAt: number | null;
  /** When it last fired, fired again or got graver: answers from before mean something else. */
  readonly graveAt: number | null;
  /** Since when people have been told of it as it is, and may be expected to answer; null where nobody has. */
  readonly askedAt: number | null;
  /** When it was escalated because nobody answered. */
  readonly escalatedAt: number | null;
  /** Since when all of it is blind; null where it is seen. */
  readonly blindSince: number | null;
  /** Members that joined or left and are not told in the thread yet. */
  readonly growth: { readonly toldAt: number; readonly joined: number; readonly left: number };
  /** Grows by one with every change that a person should see; a message says up to which it shows. */
  readonly seq: number;
  readonly history: readonly IncidentChange[];
}

const maxHistory = 50;

/** The incident with one more step in its history: its message and its thread both change. */
export function note(
  incident: Incident,
  what: ChangeKind,
  at: number,
  { value = null, note: text = "" }: { readonly value?: number | null; readonly note?: string } = {},
): Incident {
  const seq = incident.seq + 1;
  const change: IncidentChange = { seq, at, what, value: finite(value), note: text };
  return { ...incident, seq, history: [...incident.history, change].slice(-maxHistory) };
}

/** The incident with something new to show in its message, and nothing to say in its thread. */
export function touch(incident: Incident): Incident {
  return { ...incident, seq: incident.seq + 1 };
}

export function isOpen({ status }: Pick<Incident, "status">): boolean {
  return status !== "resolved";
}

/** Open and no longer only pending. */
export function isActive({ status }: Pick<Incident, "status">): boolean {
  return status === "firing" || status === "flapping";
}

export function firingMembers({ members }: Pick<Incident, "members">): Member[] {
  return Object.values(members).filter(({ state }) => state === "firing");
}

/** The members that decide about it: those that fire, and of one that flaps and is well just now, all. */
export function standingMembers(incident: Pick<Incident, "members">): Member[] {
  const firing = firingMembers(incident);
  return firing.length > 0 ? firing : Object.values(incident.members);
}

/** Incidents about Sonde's own sight, which have no probe in config. */
export function isOwn({ probe }: { readonly probe: string }): boolean {
  return probe === blindProbe || probe === stormProbe || probe === alertmanagerProbe;
}

/** The member that speaks for the incident; an incident has at least one. */
export function leadOf({ members, lead, id }: Incident): Member {
  const member = members[lead];
  if (!member) throw new Error(`incident ${id} has no member ${lead}`);
  return member;
}

const gravity: Readonly<Record<IncidentLevel, number>> = { unknown: 0, warn: 1, fail: 2 };

/** Positive where the first is graver. */
export function compareLevels(a: IncidentLevel, b: IncidentLevel): number {
  return gravity[a] - gravity[b];
}

/** A number that JSON can hold, or null. */
export function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
