/** What can be wrong with a backend, or with what stands before it. One is on at a time; none is healthy. */
export type BackendFault =
  | "silent"
  | "unauthorized"
  | "forbidden"
  | "wrong-path"
  | "redirects"
  | "web-page"
  | "too-small"
  | "limited"
  | "refuses"
  | "rejects-part"
  | "no-backend"
  | "broken"
  | "teapot"
  /** An error page that repeats the request's headers. */
  | "echoes"
  /** Taken, and never stored. */
  | "loses-all"
  | "loses-part"
  /** Masking, renaming, a lost attribute on the way. */
  | "masks"
  | "reads-unauthorized"
  | "reads-web-page"
  | "reads-limited"
  | "reads-broken"
  | "reads-strangely"
  | "refuses-deletion";

export interface StageResponse {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export const json = (status: number, data: unknown, type = "application/json"): StageResponse => ({
  status,
  type,
  body: JSON.stringify(data),
});
export const text = (status: number, body: string): StageResponse => ({
  status,
  type: "text/plain; charset=utf-8",
  body,
});
const page = (status: number, title: string): StageResponse => ({
  status,
  type: "text/html",
  body: `<!DOCTYPE html><html><head><title>${title}</title></head><body>${title}</body></html>`,
});

/** What a proxy, or the backend's front, answers to what is to be stored; null: it lets it through. */
export function answerToPost(
  fault: BackendFault | null,
  headers: Readonly<Record<string, unknown>>,
): StageResponse | null {
  switch (fault) {
    case "unauthorized":
      return json(401, { error: "Unauthorized" });
    case "forbidden":
      return json(403, { error: "Forbidden" });
    case "wrong-path":
      return text(404, "404 page not found\n");
    case "redirects":
      return { ...page(301, "Moved"), headers: { location: "https://otlp.example.com/v1/traces" } };
    case "web-page":
      return page(200, "Sign in");
    case "too-small":
      return page(413, "Request Entity Too Large");
    case "limited":
      return json(429, { message: "rate limit exceeded" });
    case "refuses":
      return json(400, { message: "no thanks" });
    case "no-backend":
      return page(503, "Service Temporarily Unavailable");
    case "broken":
      return json(500, { message: "unexpected error" });
    case "teapot":
      return text(260, "blocked");
    case "echoes":
      return json(500, { message: JSON.stringify(headers) });
    default:
      return null;
  }
}

/** The same for what is read. */
export function answerToRead(fault: BackendFault | null): StageResponse | null {
  switch (fault) {
    case "reads-unauthorized":
      return text(401, "no org id");
    case "reads-web-page":
      return page(200, "Search");
    case "reads-limited":
      return json(429, { message: "too many outstanding requests" });
    case "reads-broken":
      return json(500, { message: "storage does not answer" });
    case "reads-strangely":
      return json(200, { answer: 42 });
    default:
      return null;
  }
}
