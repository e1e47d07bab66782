import type { Exchange } from "../domain/transactions/exchange.ts";
import type { HttpAnswer } from "./http.ts";
import { HttpFault } from "./http-fault.ts";
import { parseRetryAfter } from "./retry.ts";

/** Sends, and tells what came of it as a diagnosis needs it. Throws nothing that the other side did. */
export async function exchange(send: () => Promise<HttpAnswer>, now: () => number): Promise<Exchange> {
  const started = now();
  try {
    const { status, headers, body } = await send();
    const ended = now();
    const date = Date.parse(headers.date ?? "");
    return {
      kind: "answered",
      status,
      contentType: headers["content-type"] ?? "",
      body,
      location: headers.location ?? "",
      retryAfterMs: parseRetryAfter(headers["retry-after"], ended) ?? null,
      // The header is cut to whole seconds: half of one on, it is right on average.
      aheadMs: Number.isNaN(date) ? null : date + 500 - (started + ended) / 2,
      tookMs: ended - started,
    };
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error;
    const { what, reach } = error;
    return {
      kind: "failed",
      fault: faultOf(error),
      what,
      tookMs: now() - started,
      ...(reach ? { reach } : {}),
    };
  }
}

function faultOf({ kind, reach }: HttpFault): Extract<Exchange, { kind: "failed" }>["fault"] {
  switch (kind) {
    case "unreachable":
      if (reach?.stage === "refused") return "refused";
      return reach?.stage === "no-name" || reach?.stage === "no-name-server" ? "dns" : "unreachable";
    case "too-large":
      return "bad-answer";
    default:
      return kind;
  }
}
