import type { Probe, Route } from "./probe.ts";
import type { ProbeState } from "./state.ts";
import type { Verdict } from "./verdict.ts";

/** What one round found out about one probe; a probe that was not due does not appear. */
export interface RoundResult {
  readonly probe: Probe;
  readonly verdicts: readonly Verdict[];
  readonly state: ProbeState;
}

export interface Round {
  readonly target: string;
  /** The end of the round, Unix milliseconds. */
  readonly at: number;
  readonly results: readonly RoundResult[];
  /** All probes that run on this target; an incident of any other has lost its probe and ends. */
  readonly configured: readonly Probe[];
  readonly blindAfter: number;
  readonly routes: readonly Route[];
  /** Every probe's state after the round, those that were not due included. */
  readonly probes: Readonly<Record<string, ProbeState>>;
}
