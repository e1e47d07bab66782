import * as z from "zod/mini";

import { wrapHandler } from "../../shared/lambda/middleware.ts";
import { type Deps, realDeps } from "./deps.ts";
import { allEvaluated, dispatch } from "./dispatch.ts";
import { type RoundReport, type Unit, unitsOf } from "./run-round.ts";
import { runRounds } from "./run-rounds.ts";

const input = z.object({
  /** The time this round was scheduled for; without it, now. */
  at: z.optional(z.iso.datetime()),
  /** One unit, as the schedule's own invocation sent it off; without them, all. */
  target: z.optional(z.string()),
  shard: z.optional(z.string()),
});

/** What the schedule's invocation answers where others do the work. */
export interface Dispatched {
  readonly dispatched: number;
}

/** The rounds of one minute. What a target's trouble is ends in verdicts; what is left over is thrown. */
export function buildHandler(getDeps: () => Promise<Deps>) {
  return async (
    event: unknown,
    context: { getRemainingTimeInMillis(): number },
  ): Promise<RoundReport | Dispatched> => {
    const deps = await getDeps();
    const { at, target, shard } = input.parse(event ?? {});
    const now = at === undefined ? deps.now() : Date.parse(at);
    const all = unitsOf(deps.config);
    const deadline = deps.now() + context.getRemainingTimeInMillis();
    const run = (units: readonly Unit[]) => runRounds(units, now, deadline, deps);
    if (target !== undefined) {
      const own = all.filter((unit) => unit.target.name === target && unit.shard.name === shard);
      return run(own);
    }
    if (all.length > 1) {
      await dispatch(all, now, deps);
      if (await allEvaluated(all, now, deps)) await deps.heartbeat();
      return { dispatched: all.length };
    }
    const report = await run(all);
    // A round that nobody answered is not a good one; without targets there is nobody to answer.
    if (report.evaluated > 0 || all.length === 0 || deps.config.probes.length === 0) await deps.heartbeat();
    return report;
  };
}

export const handler = wrapHandler("run-probes", buildHandler(realDeps));
