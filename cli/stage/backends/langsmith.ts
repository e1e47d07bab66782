import * as z from "zod/mini";

import type { OtlpSpan } from "../langfuse/otlp.ts";
import { json, type StageResponse } from "./faults.ts";
import type { BackendContext } from "./server.ts";

const queryBody = z.strictObject({
  session: z.array(z.guid()),
  filter: z.string(),
  start_time: z.iso.datetime(),
  limit: z.number().check(z.lte(100)),
});
const deleteBody = z.strictObject({ session_id: z.guid(), trace_ids: z.array(z.guid()) });

/** A run's id is its span's, with zeros before it; a trace's is its root run's. */
const runId = (spanId: string) => `00000000-0000-0000-${spanId.slice(0, 4)}-${spanId.slice(4)}`;

/** LangSmith's projects, and what is in each: the queries and the deletion that Sonde needs. */
export function langsmith(path: string, context: BackendContext): StageResponse {
  const { method, query, body, project, projectId, spans, fault } = context;
  if (method === "GET" && path === "/api/v1/sessions") {
    // The project is made when the first trace comes.
    const there = context.taken > 0 && query.get("name") === project;
    return json(200, there ? [{ id: projectId, name: project }] : []);
  }
  if (method === "POST" && path === "/api/v1/runs/query") {
    const asked = queryBody.safeParse(body);
    if (!asked.success) return json(422, { detail: "Invalid request" });
    const { session, filter } = asked.data;
    const [, key, value] =
      /^and\(eq\(metadata_key, "(\w+)"\), eq\(metadata_value, "([^"]*)"\)\)$/.exec(filter) ?? [];
    if (key === undefined) return json(400, { detail: "Invalid filter" });
    const found = session.includes(projectId)
      ? spans.filter(({ attributes }) => attributes[`langsmith.metadata.${key}`] === value)
      : [];
    return json(200, { runs: found.map((span) => toRun(span, spans)), cursors: { next: null } });
  }
  if (method === "POST" && path === "/api/v1/runs/delete") {
    const asked = deleteBody.safeParse(body);
    if (!asked.success) return json(422, { detail: "Invalid request" });
    if (fault === "refuses-deletion") return json(403, { error: "Forbidden" });
    context.requestDeletion((span) => asked.data.trace_ids.includes(traceIdOf(span, spans)));
    return json(202, { message: "Deletion scheduled" });
  }
  return json(404, { detail: "Not Found" });
}

function traceIdOf({ traceId }: OtlpSpan, spans: readonly OtlpSpan[]): string {
  const root = spans.find((one) => one.traceId === traceId && one.parentSpanId === null);
  return runId(root?.spanId ?? traceId.slice(16));
}

function toRun(span: OtlpSpan, spans: readonly OtlpSpan[]) {
  const time = (ms: number) => new Date(ms).toISOString().replace("Z", "000");
  const metadata = Object.entries(span.attributes).flatMap(([name, value]) =>
    name.startsWith("langsmith.metadata.") ? [[name.slice("langsmith.metadata.".length), value]] : [],
  );
  return {
    id: runId(span.spanId),
    trace_id: traceIdOf(span, spans),
    parent_run_id: span.parentSpanId ? runId(span.parentSpanId) : null,
    name: span.name,
    run_type: span.attributes["langsmith.span.kind"] ?? "chain",
    start_time: time(span.startMs),
    end_time: time(span.endMs),
    extra: { metadata: Object.fromEntries(metadata) },
    prompt_tokens: span.attributes["gen_ai.usage.input_tokens"] ?? null,
    completion_tokens: span.attributes["gen_ai.usage.output_tokens"] ?? null,
  };
}
