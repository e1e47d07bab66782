import { pickRound, roundTimes } from "../../shared/domain/schedule.ts";
import { type RoundReport, type RunRoundDeps, runRound, type Unit } from "./run-round.ts";

export interface RunRoundsDeps extends RunRoundDeps {
  readonly sleep: (ms: number) => Promise<void>;
  /** Unix milliseconds by which a round's requests must be over. */
  readonly setDeadline: (deadline: number) => void;
}

/** A round is over before the next minute's begins, however slow its target. */
const roundWithinMs = 55_000;
/** With less time than this another round would find its requests cut short, and call that unknown. */
const neededMs = 15_000;

/**
 * The rounds of one invocation, over the same units: one, or several where probes are due more often. Each is
 * timed from the scheduled minute, so that nothing drifts; one that comes too late is skipped, and what it
 * would have asked is asked by the next. All are run before the first one's trouble is thrown. Times are Unix
 * milliseconds; at `deadline` the invocation ends.
 */
export async function runRounds(
  units: readonly Unit[],
  scheduled: number,
  deadline: number,
  deps: RunRoundsDeps,
): Promise<RoundReport> {
  const times = roundTimes(scheduled, {
    probes: units.flatMap(({ shard }) => shard.probes),
    targets: units.map(({ target }) => target),
  });
  const failures: Error[] = [];
  let report: RoundReport = { targets: {}, evaluated: 0 };
  let last = Number.NEGATIVE_INFINITY;
  for (;;) {
    const at = pickRound(times, last, deps.now());
    const another = last > Number.NEGATIVE_INFINITY;
    if (at === null || (another && Math.max(at, deps.now()) + neededMs > deadline)) break;
    // The only round of a minute is never waited for, whatever the clocks say.
    if (times.length > 1 && at > deps.now()) {
      await deps.sleep(at - deps.now());
      continue;
    }
    deps.setDeadline(Math.min(deadline, deps.now() + roundWithinMs));
    try {
      report = await runRound(units, at, deps);
    } catch (error) {
      failures.push(error instanceof Error ? error : new Error(String(error)));
    }
    last = at;
  }
  if (failures.length > 0)
    throw new AggregateError(failures, failures.map(({ message }) => message).join("; "));
  return report;
}
