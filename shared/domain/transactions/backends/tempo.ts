import * as z from "zod/mini";

import { diagnosis } from "../diagnosis.ts";
import { isHtml } from "../exchange.ts";
import type { TraceBackend } from "./backend.ts";
import { readDiagnoses, sendDiagnoses } from "./backend-diagnoses.ts";
import { fromJson } from "./json.ts";
import { otlpResources, otlpSpans } from "./otlp-json.ts";
import { asSent, plainAttributes } from "./plain-attributes.ts";

const words = {
  title: "Tempo",
  taker: "the collector",
  address: "traces.endpoint (such as http://collector:4318)",
  thing: "trace",
} as const;

/** `batches` is what Tempo calls OTLP's resourceSpans; newer ones have both. */
const traceBody = z.looseObject({
  batches: z.optional(otlpResources),
  resourceSpans: z.optional(otlpResources),
});

/**
 * Grafana Tempo, behind a collector or by its own OTLP receiver. Read by
 * https://grafana.com/docs/tempo/latest/api_docs/#query, which every version has. Its API deletes nothing.
 */
export const tempo: TraceBackend = {
  words,
  postUrl: ({ endpoint }) => `${endpoint}/v1/traces`,
  postHeaders: ({ orgId }) => (orgId ? { "x-scope-orgid": orgId } : {}),
  attributes: plainAttributes,
  afterwards: "Tempo deletes no trace on request: it goes with its retention",
  polls: { shortest: 250, longest: 5_000 },
  reading: {
    find: ({ query, orgId }, { traceId }) => ({
      method: "GET",
      url: `${query}/api/traces/${traceId}`,
      headers: { accept: "application/json", ...(orgId ? { "x-scope-orgid": orgId } : {}) },
    }),
    parse: (answer) => {
      // Tempo's own 404 is empty or says so; a router's says that the page is not found.
      if (answer.status === 404 && !isHtml(answer) && !/page not found/i.test(answer.body)) return "nothing";
      const parsed = answer.status === 200 ? traceBody.safeParse(fromJson(answer.body)) : null;
      if (!parsed?.success) return null;
      const { batches, resourceSpans } = parsed.data;
      const resources = batches ?? resourceSpans;
      // Without any span newer ones may answer 200 with an empty trace.
      if (!resources) return answer.body.trim() === "{}" ? "nothing" : null;
      const spans = otlpSpans(resources);
      return spans.length === 0 ? "nothing" : { id: "", spans };
    },
    expected: asSent,
  },
  diagnoses: {
    ...sendDiagnoses(words),
    ...readDiagnoses(words),
    unauthorized: diagnosis(
      "fail",
      "401",
      "the collector or Tempo does not accept the credentials; with multi-tenancy on, Tempo wants X-Scope-OrgID",
      "check the secret's value, and name the tenant as orgId",
    ),
    "never-visible": diagnosis(
      "fail",
      "accepted, and not visible long after it usually is",
      "the trace was accepted and never reaches Tempo: the collector cannot export it or samples it away, or it goes to another tenant",
      "look at otelcol_exporter_send_failed_spans and the collector's log, then at tempo_discarded_spans_total; compare X-Scope-OrgID of writing and reading",
    ),
    "read-unauthorized": diagnosis(
      "unknown",
      "accepted, reading answers 401 or 403",
      "the trace was accepted, and Sonde may not read Tempo: with multi-tenancy on, a query without X-Scope-OrgID is a 401 as well",
      "name the tenant as orgId, and give reading its own headers (queryHeaders) where it needs another key",
    ),
    incomplete: diagnosis(
      "fail",
      "visible, spans are missing",
      "Tempo has the trace without some of its spans",
      "look at tail sampling that decides by span, at the limit max_bytes_per_trace, and at tempo_discarded_spans_total",
    ),
  },
};
