import * as z from "zod/mini";

import { wrapHandler } from "../../shared/lambda/middleware.ts";
import { type Deps, realDeps } from "./deps.ts";
import { runDue, type TransactionsReport } from "./run-due.ts";

const input = z.object({
  /** The time that this invocation was scheduled for; without it, now. */
  at: z.optional(z.iso.datetime()),
});

/** Runs the transactions that are due. What is wrong out there ends in verdicts; what is left over is thrown. */
export function buildHandler(getDeps: () => Promise<Deps>) {
  return async (event: unknown): Promise<TransactionsReport> => {
    const deps = await getDeps();
    const { at } = input.parse(event ?? {});
    return runDue(at === undefined ? deps.now() : Date.parse(at), deps);
  };
}

export const handler = wrapHandler("run-transactions", buildHandler(realDeps));
