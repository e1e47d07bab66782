import type { Match } from "./matching.ts";
import type { Route } from "./probe.ts";

/** A time in which nobody is told of what it matches. */
export interface MaintenanceWindow {
  readonly match: Match;
  /** When it begins, as cron writes it, in the zone's own time. */
  readonly cron: string;
  readonly timezone: string;
  /** Milliseconds. */
  readonly duration: number;
}

/** While an incident that `source` matches fires, those that `mutes` matches follow from it. */
export interface Inhibition {
  readonly source: Match;
  readonly mutes: Match;
  /** Labels that both must share; `node` is the node by whichever label names it. */
  readonly equal: readonly string[];
}

/** How incidents are grouped and when people are told. Durations are milliseconds. */
export interface IncidentPolicy {
  readonly groupBy: readonly string[];
  /** How long a new group waits before it is told. */
  readonly groupWait: number;
  /** The least time between two notes that a group grew or shrank, and how soon one may begin anew. */
  readonly groupInterval: number;
  /** After this, what still fires and nobody has acknowledged is told again; 0: never. */
  readonly repeatInterval: number;
  readonly flapping: {
    /** So many changes between well and failing … */
    readonly changes: number;
    /** … in so long are flapping, … */
    readonly within: number;
    /** … until nothing has changed for so long. */
    readonly calmAfter: number;
  };
  /** More new groups a minute than this are told as one. */
  readonly stormAbove: number;
  /** Rounds that a probe may be unknown before that is an incident of its own. */
  readonly blindAfter: number;
  readonly routes: readonly Route[];
  readonly maintenance: readonly MaintenanceWindow[];
  readonly inhibitions: readonly Inhibition[];
  /** How long an Alertmanager that repeats its alerts may be silent before they are not known any more. */
  readonly alertmanagerSilentAfter: number;
}

export const defaultPolicy = {
  groupWait: 0,
  groupInterval: 5 * 60_000,
  repeatInterval: 4 * 3_600_000,
  flapping: { changes: 6, within: 3_600_000, calmAfter: 15 * 60_000 },
  stormAbove: 20,
  blindAfter: 3,
  alertmanagerSilentAfter: 15 * 60_000,
} as const;
