import { json, type StageResponse, text } from "./faults.ts";
import type { BackendContext } from "./server.ts";
import { otlpJson } from "./store.ts";

/** `GET /api/traces/<id>`: ids in base64, and 404 without a body where there is none. */
export function tempo(path: string, { spans }: BackendContext): StageResponse {
  const [, id] = /^\/api\/traces\/([0-9a-f]{1,32})$/.exec(path) ?? [];
  if (id === undefined) return text(404, "404 page not found\n");
  const found = spans.filter(({ traceId }) => traceId === id);
  if (found.length === 0) return text(404, "");
  const base64 = (hex: string) => Buffer.from(hex, "hex").toString("base64");
  return json(200, {
    batches: [
      {
        resource: { attributes: [] },
        scopeSpans: [{ scope: { name: "sonde" }, spans: found.map((span) => otlpJson(span, base64)) }],
      },
    ],
  });
}
