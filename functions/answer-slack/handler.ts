import * as z from "zod/mini";

import { wrapHandler } from "../../shared/lambda/middleware.ts";
import { type Deps, realDeps } from "./deps.ts";
import { receive } from "./receive.ts";

/** What a function URL hands over, payload format 2.0. */
const urlRequest = z.object({
  requestContext: z.object({ http: z.object({ method: z.string() }) }),
  headers: z.record(z.string(), z.optional(z.string())),
  body: z.optional(z.string()),
  isBase64Encoded: z.optional(z.boolean()),
});

/** Faces the internet: it checks who asks and keeps what was asked. What is done about it is up to apply-answer. */
export function buildHandler(getDeps: () => Promise<Deps>) {
  return async (event: unknown): Promise<{ readonly statusCode: number }> => {
    const { requestContext, headers, body = "", isBase64Encoded } = urlRequest.parse(event);
    const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
    const { method } = requestContext.http;
    return { statusCode: await receive({ method, headers, body: bytes }, await getDeps()) };
  };
}

export const handler = wrapHandler("answer-slack", buildHandler(realDeps));
