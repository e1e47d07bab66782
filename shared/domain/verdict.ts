import type { Budget } from "./budget.ts";
import type { LevelName } from "./probe.ts";
import type { Labels, Sample } from "./series.ts";

export const statuses = ["ok", "warn", "fail", "unknown"] as const;
export type Status = (typeof statuses)[number];

/**
 * Why a verdict is what it is, for code that must tell cases apart; people read `reason`.
 * `idle`: the question has no answer without traffic (0/0). `missing`: the metric is not on this target.
 */
export type Cause =
  | "within"
  | "pending"
  | "breach"
  | "kept-firing"
  | "idle"
  | "no-data"
  | "missing"
  | "stale"
  | "query-failed"
  | "not-due";

/** The answer of a probe for one series. Times are Unix milliseconds. */
export interface Verdict {
  readonly probe: string;
  readonly target: string;
  readonly status: Status;
  readonly cause: Cause;
  /** The last value; null where there is none. */
  readonly value: number | null;
  readonly unit: string;
  /** The threshold that was breached, else the one that would be; null where the probe has none. */
  readonly threshold: string | null;
  /** When the breach began; null where there is none. */
  readonly since: number | null;
  /** The breach may be older than `since`: the window began inside it. */
  readonly sinceAtLeast: boolean;
  readonly labels: Labels;
  readonly reason: string;
  /** The query as it was sent, names resolved. */
  readonly query: string;
  /** The points of this window, for a sparkline. */
  readonly points: readonly Sample[];
  /** The level whose `for` is running, though it does not fire yet. */
  readonly pending: LevelName | null;
  /** Firing, but no longer seen: the data went stale while the incident was open. */
  readonly blind: boolean;
  /** Of an SLO: what is left of its error budget. */
  readonly budget?: Budget;
}
