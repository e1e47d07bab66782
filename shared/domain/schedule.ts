import type { Probe, Target } from "./probe.ts";

/** The schedule's own pace, which nothing in AWS undercuts: faster probes share one invocation. */
const minute = 60_000;

/** What is to be asked, and how far behind the clock. */
export interface Paced {
  readonly probes: readonly Pick<Probe, "every" | "source">[];
  readonly targets: readonly Pick<Target, "delay">[];
}

/**
 * When the rounds of the minute that begins at `at` are due, Unix milliseconds, ascending. One, at `at`; and
 * where a probe is due more than once a minute, one for each grid point of an `every` as soon as its data is
 * settled. What is not due in a round is not asked. The interval of a rule file's group is its step, and asks
 * for no rounds: files that were written for another ruler would keep a function running without being asked to.
 */
export function roundTimes(at: number, { probes, targets }: Paced): number[] {
  const fast = probes.flatMap(({ every, source }) =>
    every < minute && source.kind !== "file" ? [every] : [],
  );
  if (fast.length === 0 || targets.length === 0) return [at];
  const times = new Set<number>();
  for (const every of new Set([minute, ...fast]))
    for (const { delay } of targets) {
      const first = Math.ceil((at - delay) / every) * every + delay;
      for (let time = first; time < at + minute; time += every) times.add(time);
    }
  return [...times].sort((a, b) => a - b);
}

/**
 * The round after the one at `last`: the latest that is due, since it makes up for those that came too late to
 * be run, else the first that will be. Null where none of the times is left.
 */
export function pickRound(times: readonly number[], last: number, now: number): number | null {
  const left = times.filter((time) => time > last);
  return left.findLast((time) => time <= now) ?? left[0] ?? null;
}

/** The same where the rounds go on for ever, a minute's after another's, each minute as the clock shows it. */
export function nextRound(paced: Paced, last: number, now: number): number {
  const begun = now - (now % minute);
  const times = [begun - minute, begun, begun + minute].flatMap((at) => roundTimes(at, paced));
  return pickRound(times, last, now) ?? begun + minute;
}
