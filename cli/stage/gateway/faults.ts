/** What can be wrong with this gateway, or with what stands behind it. One is on at a time; null is healthy. */
export type GatewayFault =
  /** Before any answer: */
  | "hangs"
  | "resets"
  /** Answers in place of a stream: */
  | "forbidden"
  | "rate-limited"
  | "quota-spent"
  | "server-error"
  | "bad-gateway"
  | "no-backend"
  | "overloaded"
  | "gateway-timeout"
  | "html"
  | "not-found-page"
  | "redirects"
  | "refuses-parameter"
  | "ignores-stream"
  | "other-json"
  /** In the stream: */
  | "error-first"
  | "error-mid-stream"
  /** As Bifrost tells it: an event named `error`, and no `[DONE]`. */
  | "named-error-mid-stream"
  | "reset-mid-stream"
  | "stalls-mid-stream"
  | "ends-mid-stream"
  /** The upstream died, and the gateway ends the stream as if nothing were: no text, no finish reason. */
  | "silent-death"
  | "no-text"
  | "no-done"
  | "no-usage"
  | "no-model"
  | "ignores-limit"
  | "strange-events"
  /** A proxy that passes nothing on before all of it is there. */
  | "buffers";

/** How the bytes of a sound stream go out: all of these are within the standard. */
export interface Framing {
  readonly lineEnd: "\n" | "\r\n" | "\r";
  /** Comments between events, as proxies send to keep a connection. */
  readonly comments: boolean;
  /** So many bytes at a time; null: an event at a time. */
  readonly bytesPerWrite: number | null;
}
