import * as z from "zod/mini";

import { wrapHandler } from "../../shared/lambda/middleware.ts";
import { type Deps, realDeps } from "./deps.ts";
import { type RoundReport, runRound } from "./run-round.ts";

const input = z.object({
  /** The time this round was scheduled for; without it, now. */
  at: z.optional(z.iso.datetime()),
});

/** One round over all targets. What a target's trouble is ends in verdicts; what is left over is thrown. */
export function buildHandler(getDeps: () => Promise<Deps>) {
  return async (event: unknown, context: { getRemainingTimeInMillis(): number }): Promise<RoundReport> => {
    const deps = await getDeps();
    const { at } = input.parse(event ?? {});
    deps.setDeadline(deps.now() + context.getRemainingTimeInMillis());
    return runRound(deps, at === undefined ? deps.now() : Date.parse(at));
  };
}

export const handler = wrapHandler("run-probes", buildHandler(realDeps));
