import * as z from "zod/mini";

import { diagnosis } from "../diagnosis.ts";
import type { TraceBackend } from "./backend.ts";
import { readDiagnoses, sendDiagnoses } from "./backend-diagnoses.ts";
import { fromJson } from "./json.ts";
import { otlpResources, otlpSpans } from "./otlp-json.ts";
import { asSent, plainAttributes } from "./plain-attributes.ts";

const words = {
  title: "Jaeger",
  taker: "the collector",
  address: "traces.endpoint (such as http://jaeger-collector:4318)",
  thing: "trace",
} as const;

const traceBody = z.looseObject({
  result: z.looseObject({ resourceSpans: z.optional(otlpResources) }),
});
const errorBody = z.looseObject({ error: z.looseObject({ httpCode: z.number(), message: z.string() }) });

/**
 * Jaeger 1.x and 2.x by its query API v3, which speaks OTLP
 * (https://www.jaegertracing.io/docs/latest/architecture/apis/). `raw_traces` keeps it from adjusting clocks.
 * It says of a trace that it does not have 404 with a JSON error, as text/plain. Its API deletes nothing.
 */
export const jaeger: TraceBackend = {
  words,
  postUrl: ({ endpoint }) => `${endpoint}/v1/traces`,
  postHeaders: () => ({}),
  attributes: plainAttributes,
  afterwards: "Jaeger deletes no trace on request: it goes with its storage's retention",
  polls: { shortest: 250, longest: 5_000 },
  reading: {
    find: ({ query }, { traceId }) => ({
      method: "GET",
      url: `${query}/api/v3/traces/${traceId}?raw_traces=true`,
    }),
    parse: ({ status, body }) => {
      const data = fromJson(body);
      if (status === 404) return errorBody.safeParse(data).success ? "nothing" : null;
      const parsed = status === 200 ? traceBody.safeParse(data) : null;
      if (!parsed?.success) return null;
      const spans = otlpSpans(parsed.data.result.resourceSpans ?? []);
      return spans.length === 0 ? "nothing" : { id: "", spans };
    },
    expected: asSent,
  },
  diagnoses: {
    ...sendDiagnoses(words),
    ...readDiagnoses(words),
    "wrong-path": diagnosis(
      "fail",
      "404 or 405",
      "nothing takes OTLP at this path: this is Jaeger's query port (16686) or an old collector without OTLP",
      "make traces.endpoint the collector's OTLP/HTTP port (4318); in Jaeger 1.x OTLP may have to be switched on (COLLECTOR_OTLP_ENABLED=true)",
    ),
    "never-visible": diagnosis(
      "fail",
      "accepted, and not visible long after it usually is",
      "the trace was accepted and never reaches Jaeger's storage: the collector's queue is full or its storage (Elasticsearch, Cassandra, Kafka's ingester) refuses",
      "look at the collector's log and dropped spans, then at the storage; with in-memory storage each instance has its own traces",
    ),
    "read-wrong-path": diagnosis(
      "unknown",
      "accepted, reading answers a page, a redirect, or 404 of another kind",
      "Jaeger's query API is not at this address: its UI answers every path that it does not know with its page",
      "make query name Jaeger's query service (16686) with its base path (QUERY_BASE_PATH); old versions have no /api/v3",
    ),
  },
};
