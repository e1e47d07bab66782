import * as z from "zod/mini";

import { quote } from "../../go-quote.ts";
import { diagnosis } from "../diagnosis.ts";
import type { Answered } from "../exchange.ts";
import type { BackendRequest, BackendSettings, RoundTripDiagnoses } from "./backend.ts";
import { readDiagnoses, sendDiagnoses } from "./backend-diagnoses.ts";
import type { FieldDifference } from "./backend-evidence.ts";
import { check } from "./compare-found.ts";
import { fromJson } from "./json.ts";

export interface LogSettings extends BackendSettings {
  /** By Loki's push API, or as a line on stdout, which Fluent Bit or another agent takes there. */
  readonly via: "push" | "stdout";
  /** The stream's selector where the line goes by stdout, such as `{namespace="sonde"}`. */
  readonly selector: string;
}

/** The line of one run. */
export interface LogLine {
  readonly traceId: string;
  readonly spanId: string;
  readonly run: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly text: string;
}

export interface FoundLine {
  /** Labels, and structured metadata with them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly nanos: string;
  readonly text: string;
}

const serviceName = "sonde-probe";
export const lokiWords = {
  title: "Loki",
  taker: "Loki",
  address: "logs.url (such as http://loki-gateway)",
  thing: "line",
} as const;

const queryBody = z.looseObject({
  status: z.literal("success"),
  data: z.looseObject({
    resultType: z.literal("streams"),
    result: z.array(
      z.looseObject({
        stream: z.record(z.string(), z.string()),
        values: z.array(z.array(z.unknown())),
      }),
    ),
  }),
});

export function planLine(
  { environment, tenant }: LogSettings,
  ids: Pick<LogLine, "traceId" | "spanId" | "run">,
  at: number,
): LogLine {
  const text = JSON.stringify({
    level: "info",
    message: "sonde log probe",
    trace_id: ids.traceId,
    span_id: ids.spanId,
    environment,
    tenant_id: tenant,
    sonde_run: ids.run,
  });
  return { ...ids, at, text };
}

/** https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs: ids are structured metadata, never labels. */
export function pushRequest({ endpoint, orgId, environment }: LogSettings, line: LogLine): BackendRequest {
  const { traceId, spanId, at, text } = line;
  const stream = { service_name: serviceName, environment };
  return {
    method: "POST",
    url: `${endpoint}/loki/api/v1/push`,
    headers: tenantHeader(orgId),
    body: {
      streams: [{ stream, values: [[nanosOf(at), text, { trace_id: traceId, span_id: spanId }]] }],
    },
  };
}

/** The line by its trace id, in the minutes around it. */
export function queryRequest(settings: LogSettings, { traceId, at }: LogLine): BackendRequest {
  const { query, orgId, via, selector, environment } = settings;
  const own = `{service_name=${quote(serviceName)}, environment=${quote(environment)}}`;
  const logql = `${via === "push" ? own : selector} |= ${quote(traceId)}`;
  const around = { start: nanosOf(at - 300_000), end: nanosOf(at + 3_600_000) };
  return {
    method: "GET",
    url: `${query}/loki/api/v1/query_range?${new URLSearchParams({ query: logql, limit: "10", ...around })}`,
    headers: tenantHeader(orgId),
  };
}

/** Null: this is no answer to the question. */
export function parseLines({ status, body }: Answered): readonly FoundLine[] | null {
  const parsed = status === 200 ? queryBody.safeParse(fromJson(body)) : null;
  if (!parsed?.success) return null;
  return parsed.data.data.result.flatMap(({ stream, values }) =>
    values.map(([nanos, text]) => ({ labels: stream, nanos: String(nanos), text: String(text) })),
  );
}

/** What differs from the line that was sent. An agent may wrap it, and gives it a time of its own. */
export function compareLine(
  { via, environment }: LogSettings,
  { traceId, spanId, at, text }: LogLine,
  { labels, nanos, text: got }: FoundLine,
): readonly FieldDifference[] {
  if (via === "stdout") {
    const wanted = Object.entries(Object(fromJson(text)));
    const stored = Object(unwrapped(got));
    return wanted.flatMap(([field, value]) => check("line", field, value, stored[field]));
  }
  return [
    ...check("line", "text", text, got),
    ...check("line", "timestamp", nanosOf(at), nanos),
    ...check("line", "environment", environment, labels.environment),
    ...check("line", "trace_id", traceId, labels.trace_id),
    ...check("line", "span_id", spanId, labels.span_id),
  ];
}

/** Fluent Bit puts a container's line into `log`, others into `message`, unless told to merge it. */
function unwrapped(text: string): unknown {
  const data = fromJson(text.slice(Math.max(0, text.indexOf("{"))));
  const { log, message, trace_id } = Object(data);
  if (trace_id !== undefined) return data;
  const inner = typeof log === "string" ? log : typeof message === "string" ? message : "";
  return fromJson(inner.slice(Math.max(0, inner.indexOf("{")))) ?? data;
}

function nanosOf(ms: number): string {
  return `${Math.round(ms)}000000`;
}

function tenantHeader(orgId: string): Readonly<Record<string, string>> {
  return orgId ? { "x-scope-orgid": orgId } : {};
}

export const lokiAfterwards = "Loki deletes no single line: it goes with its retention";

export const lokiDiagnoses: RoundTripDiagnoses = {
  ...sendDiagnoses(lokiWords),
  ...readDiagnoses(lokiWords),
  unauthorized: diagnosis(
    "fail",
    '401, with "no org id" where the tenant is missing',
    "Loki, or the gateway before it, does not accept the credentials; with auth_enabled it wants X-Scope-OrgID",
    "name the tenant as orgId, and check the secret's value where a gateway asks for one",
  ),
  "rate-limited": diagnosis(
    "fail",
    "429 to the push",
    "the tenant's ingestion rate or number of streams is used up: agents lose lines as well, once their retries end",
    "see which limit it names: raise ingestion_rate_mb or max_global_streams_per_user, or take labels of many values away",
  ),
  "bad-request": diagnosis(
    "fail",
    "400 to the push",
    "Loki refuses the line: its time is too old or out of order, a label is not allowed, or structured metadata is switched off",
    "see what it says: check this machine's clock and reject_old_samples_max_age; allow_structured_metadata needs schema v13",
  ),
  "unexpected-status": diagnosis(
    "fail",
    "another status, such as 260",
    "ingestion is blocked for this tenant (260), or something else than Loki answers",
    "look at block_ingestion_until and block_ingestion_policy_until, then at what stands at this address",
  ),
  "never-visible": diagnosis(
    "fail",
    "accepted, and not visible long after it usually is",
    "the line was taken and cannot be found: ingesters lose it, it goes to another tenant, or, by stdout, the agent does not ship it or gives it other labels",
    "look at loki_discarded_samples_total and the ingesters; by stdout at Fluent Bit's log, its output's errors, and logs.selector",
  ),
  "read-failed": diagnosis(
    "fail",
    "accepted, reading answers 5xx",
    "Loki cannot read back what it stores: queriers, index gateway or object storage fail",
    "look at the queriers' log and the bucket's permissions; Grafana shows the same",
  ),
};
