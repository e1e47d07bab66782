import * as z from "zod/mini";

import { type LambdaContext, wrapHandler } from "../../shared/lambda/middleware.ts";
import { applyAnswer } from "./apply.ts";
import { type Deps, realDeps } from "./deps.ts";
import { sweep } from "./sweep.ts";

/** One answer that was just kept, or whatever was left over. */
const input = z.union([
  z.strictObject({ key: z.string().check(z.startsWith("answers/")) }),
  z.strictObject({ sweep: z.literal(true) }),
]);

/** What one answer may take. */
const reserveMs = 10_000;

export function buildHandler(getDeps: () => Promise<Deps>) {
  return async (event: unknown, context: LambdaContext): Promise<void> => {
    const deps = await getDeps();
    const wanted = input.parse(event);
    if ("key" in wanted) await applyAnswer(wanted.key, deps);
    else await sweep(deps.now() + context.getRemainingTimeInMillis() - reserveMs, deps);
  };
}

export const handler = wrapHandler("apply-answer", buildHandler(realDeps));
