import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import middy, { type MiddlewareObj } from "@middy/core";

import { type Log, log, theLogger } from "./logger.ts";

/** What Sonde's functions use of Lambda's context. */
export interface LambdaContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly getRemainingTimeInMillis: () => number;
}

/** A function as Lambda calls it: its log lines carry the request, and an error that escapes is one line. */
export function wrapHandler<Event, Result>(
  name: string,
  handler: (event: Event, context: LambdaContext) => Promise<Result>,
  write: Log = log,
): (event: Event, context: LambdaContext) => Promise<Result> {
  const wrapped = middy<Event, Result>()
    .use(injectLambdaContext(theLogger(), { resetKeys: true }))
    .use(logEscapedErrors(name, write))
    .handler(handler);
  return async (event, context) => wrapped(event, context);
}

/** Names and messages along the chain of causes, without stacks: Lambda's own line has those. */
export function logEscapedErrors(name: string, write: Log): MiddlewareObj {
  return {
    onError: ({ error }) => {
      write("error", error?.message ?? "unknown error", {
        function: name,
        error: error?.name,
        causes: causesOf(error),
      });
    },
  };
}

function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause instanceof Error && causes.length < 5) {
    causes.push(`${cause.name}: ${cause.message}`);
    cause = cause.cause;
  }
  return causes;
}
