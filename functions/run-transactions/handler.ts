import * as z from "zod/mini";

import { type LambdaContext, wrapHandler } from "../../shared/lambda/middleware.ts";
import { type Deps, realDeps } from "./deps.ts";
import { runDue, type TransactionsReport } from "./run-due.ts";

const input = z.object({
  /** The time that this invocation was scheduled for; without it, now. */
  at: z.optional(z.iso.datetime()),
});

/** Runs the transactions that are due. What is wrong out there ends in verdicts; what is left over is thrown. */
export function buildHandler(getDeps: () => Promise<Deps>) {
  return async (
    event: unknown,
    context: Pick<LambdaContext, "getRemainingTimeInMillis">,
  ): Promise<TransactionsReport> => {
    const deps = await getDeps();
    const { at } = input.parse(event ?? {});
    const deadline = deps.now() + context.getRemainingTimeInMillis();
    return runDue(at === undefined ? deps.now() : Date.parse(at), deadline, deps);
  };
}

export const handler = wrapHandler("run-transactions", buildHandler(realDeps));
