import type { Answered } from "../exchange.ts";
import { fromJson } from "./json.ts";

/**
 * What an OTLP answer of 200 says was rejected; null: nothing. In JSON it is `partialSuccess` with
 * `rejectedSpans`; in protobuf field 1, with the number as field 1 and the reason as field 2
 * (https://opentelemetry.io/docs/specs/otlp/#partial-success-1). A number of 0 is a warning only.
 */
export function rejectedPart({ contentType, body }: Answered): string | null {
  if (contentType.includes("json")) {
    const { partialSuccess } = Object(fromJson(body));
    const { rejectedSpans = 0, errorMessage = "" } = Object(partialSuccess);
    return Number(rejectedSpans) > 0 ? `${Number(rejectedSpans)} rejected ${errorMessage}`.trim() : null;
  }
  return contentType.includes("protobuf") ? fromProtobuf(body) : null;
}

const outer = 0x0a;
const number = 0x08;
const reason = 0x12;

/** A probe has few spans, and a reason is short: each length and number is one byte, and so one character. */
function fromProtobuf(body: string): string | null {
  const byte = (at: number) => body.charCodeAt(at);
  if (byte(0) !== outer || byte(2) !== number || !(byte(3) > 0)) return null;
  return `${byte(3)} rejected ${byte(4) === reason ? body.slice(6) : ""}`.trim();
}
