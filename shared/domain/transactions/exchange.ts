import type { Reach } from "../reach.ts";

/** One HTTP exchange as a diagnosis needs it. Bodies are cut short and hold no secrets. */
export type Exchange =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly contentType: string;
      readonly body: string;
      readonly location: string;
      /** What a 429 or 503 asks for; null where it does not. */
      readonly retryAfterMs: number | null;
      /** How far the server's clock is ahead by its Date header, which has whole seconds; null without one. */
      readonly aheadMs: number | null;
      readonly tookMs: number;
    }
  | {
      readonly kind: "failed";
      readonly fault:
        | "refused"
        | "dns"
        | "unreachable"
        | "tls"
        | "reset"
        | "timeout"
        | "credentials"
        | "bad-answer";
      /** What happened and what to do, as the transport knows it. */
      readonly what: string;
      readonly tookMs: number;
      /** How far it came, where no server answered. */
      readonly reach?: Reach;
    };

export type Answered = Extract<Exchange, { kind: "answered" }>;

export function isHtml({ contentType, body }: Answered): boolean {
  return contentType.includes("html") || /^\s*<(!doctype|html)/i.test(body);
}

/** A 2xx that is JSON, as every public endpoint gives. */
export function isJsonOk(exchange: Exchange | null): exchange is Answered {
  return exchange?.kind === "answered" && exchange.status < 300 && !isHtml(exchange);
}

/** The texts of a JSON error body: `message` and `error`. */
export function errorText({ body }: Answered): string {
  try {
    const { message = "", error = "" } = Object(JSON.parse(body));
    return `${typeof message === "string" ? message : ""} ${typeof error === "string" ? error : ""}`.trim();
  } catch {
    return "";
  }
}
