import type { LevelName } from "./probe.ts";
import type { Labels } from "./series.ts";

/** The probe name under which a target's blindness is an incident of its own. */
export const blindProbe = "blind";

export type IncidentStatus = "pending" | "firing" | "resolved";

/** One step in an incident's life, for its thread and timeline. `at` is Unix milliseconds. */
export interface IncidentChange {
  readonly at: number;
  readonly what: "pending" | "firing" | "escalated" | "eased" | "blind" | "seen-again" | "recovered" | "gone";
  readonly value: number | null;
}

/**
 * The life of one failing (probe, target, series). `level` is `unknown` for an incident about blindness
 * itself. All text in here that came from labels or annotations is hostile and is escaped where it is shown.
 */
export interface Incident {
  /** Deterministic: target, probe, series and the round it began in, so that no two incidents share one. */
  readonly id: string;
  readonly target: string;
  readonly probe: string;
  readonly status: IncidentStatus;
  readonly level: LevelName | "unknown";
  readonly blind: boolean;
  readonly labels: Labels;
  /** The probe's own labels, templates filled in: what `notify` matches on. */
  readonly routing: Labels;
  /** Where it has been shown so far: each of these goes on being brought up to date. */
  readonly channels: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly runbook: string;
  readonly dashboard: string;
  readonly value: number | null;
  readonly unit: string;
  readonly threshold: string | null;
  readonly activeAt: number;
  readonly activeAtLeast: boolean;
  readonly firedAt: number | null;
  readonly resolvedAt: number | null;
  readonly resolution: "recovered" | "gone" | null;
  /** The last points for a sparkline; a null value is one that JSON cannot hold (NaN, an infinity). */
  readonly points: readonly { readonly t: number; readonly v: number | null }[];
  /** Grows by one with every change that a person should see; a message says up to which it shows. */
  readonly seq: number;
  readonly history: readonly IncidentChange[];
}

const maxHistory = 50;

/** The incident as it ends: its series is well again, or gone while the rest is seen. */
export function resolveIncident(
  incident: Incident,
  how: "recovered" | "gone",
  value: number | null,
  at: number,
): Incident {
  return {
    ...incident,
    status: "resolved",
    blind: false,
    resolvedAt: at,
    resolution: how,
    value: finite(value) ?? incident.value,
    seq: incident.seq + 1,
    history: addHistory(incident.history, [{ at, what: how, value: finite(value) }]),
  };
}

export function addHistory(
  history: readonly IncidentChange[],
  more: readonly IncidentChange[],
): readonly IncidentChange[] {
  return [...history, ...more].slice(-maxHistory);
}

/** A number that JSON can hold, or null. */
export function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
