import { json, type StageResponse } from "./faults.ts";
import type { BackendContext } from "./server.ts";
import { otlpJson } from "./store.ts";

/** `GET /api/v3/traces/<id>`: an error as JSON in text/plain; every other path is the UI's page. */
export function jaeger(path: string, { spans }: BackendContext): StageResponse {
  const [, id] = /^\/api\/v3\/traces\/([0-9a-f]{1,32})$/.exec(path) ?? [];
  if (id === undefined)
    return { status: 200, type: "text/html", body: "<!doctype html><title>Jaeger UI</title>" };
  const found = spans.filter(({ traceId }) => traceId === id);
  if (found.length === 0)
    return json(404, { error: { httpCode: 404, message: "No traces found" } }, "text/plain; charset=utf-8");
  const hex = (given: string) => given;
  return json(
    200,
    { result: { resourceSpans: [{ scopeSpans: [{ spans: found.map((span) => otlpJson(span, hex)) }] }] } },
    "text/plain; charset=utf-8",
  );
}
