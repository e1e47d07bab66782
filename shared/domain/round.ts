import type { Probe } from "./probe.ts";
import type { ProbeState } from "./state.ts";
import type { Verdict } from "./verdict.ts";

/** What one round found out about one probe; a probe that was not due does not appear. */
export interface RoundResult {
  readonly probe: Probe;
  readonly verdicts: readonly Verdict[];
  readonly state: ProbeState;
}

export interface Round {
  /** Which of the target's shards this is, such as `1/1`; rounds of one shard follow each other in time. */
  readonly shard: string;
  /** The end of the round, Unix milliseconds. */
  readonly at: number;
  readonly results: readonly RoundResult[];
  /** All probes that run on this target; an incident of any other has lost its probe and ends. */
  readonly configured: readonly Probe[];
  /** The probes of this shard. */
  readonly shardOf: readonly Probe[];
  readonly blindAfter: number;
  /** State after the round of every probe of this shard, those that were not due included. */
  readonly probes: Readonly<Record<string, ProbeState>>;
  /** The components that were ever heard of on this target. */
  readonly heard: ReadonlySet<string>;
}
