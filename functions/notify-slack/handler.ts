import * as z from "zod/mini";

import { type LambdaContext, wrapHandler } from "../../shared/lambda/middleware.ts";
import { deliver } from "./deliver.ts";
import { type Deps, realDeps } from "./deps.ts";

const batch = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

/** What the event source mapping reads with ReportBatchItemFailures. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** What an attempt may take that begins at the last moment: Slack's answer, and two writes of state. */
const reserveMs = 14_000;

/** Follows the hints of one batch. What fails is given back to the queue, and in the end to its dead letters. */
export function buildHandler(getDeps: () => Promise<Deps>) {
  return async (event: unknown, context: LambdaContext): Promise<BatchAnswer> => {
    const deps = await getDeps();
    const { Records } = batch.parse(event);
    const hints = Records.map(({ messageId, body }) => ({ id: messageId, body }));
    const deadline = deps.now() + context.getRemainingTimeInMillis() - reserveMs;
    const failed = await deliver(hints, deadline, deps);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

export const handler = wrapHandler("notify-slack", buildHandler(realDeps));
