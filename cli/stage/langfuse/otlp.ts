import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";
import * as z from "zod/mini";

/** The part of opentelemetry-proto 1.x that a trace is made of. */
const { root } = protobuf.parse(`
syntax = "proto3";
package otlp;
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10; repeated Event events = 11;
  Status status = 15; fixed32 flags = 16;
}
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value {
  string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
  ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
`);
const request = root.lookupType("otlp.ExportTraceServiceRequest");

const anyValue = z.looseObject({
  stringValue: z.optional(z.string()),
  boolValue: z.optional(z.boolean()),
  intValue: z.optional(z.union([z.string(), z.number()])),
  doubleValue: z.optional(z.number()),
  arrayValue: z.optional(z.looseObject({ values: z.optional(z.array(z.unknown())) })),
});
const attributes = z.optional(z.array(z.looseObject({ key: z.string(), value: z.optional(anyValue) })));
const nanos = z.union([z.string().check(z.regex(/^\d+$/)), z.number()]);
const spanSchema = z.looseObject({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.optional(z.string()),
  name: z.string(),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  status: z.optional(z.looseObject({ code: z.optional(z.number()), message: z.optional(z.string()) })),
});
const requestSchema = z.looseObject({
  resourceSpans: z.optional(
    z.array(
      z.looseObject({
        resource: z.optional(z.looseObject({ attributes })),
        scopeSpans: z.optional(z.array(z.looseObject({ spans: z.optional(z.array(spanSchema)) }))),
      }),
    ),
  ),
});

export type AttributeValue = string | number | boolean | readonly unknown[] | null;

/** A span as Langfuse takes it in: ids as they came (hex from protobuf, verbatim from JSON), times in Unix ms. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
  readonly statusMessage: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export type Decoded = { readonly spans: readonly OtlpSpan[] } | { readonly error: string };

/** Reads a request body by its headers, with Langfuse's words for what is wrong with it. */
export function decodeRequest(
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
  strict: boolean,
): Decoded {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json" && type !== "application/x-protobuf")
    return { error: "Invalid content type" };
  const version = headers["x-langfuse-ingestion-version"];
  if (version !== undefined && !(Number(version) <= 4))
    return { error: `Unsupported x-langfuse-ingestion-version: ${version}` };
  const bytes = headers["content-encoding"] === "gzip" ? unpack(body) : body;
  if (!bytes) return { error: "Failed to decompress data" };
  const data = type === "application/json" ? readJson(bytes) : readProtobuf(bytes);
  if (data === undefined)
    return {
      error:
        type === "application/json" ? "Failed to parse JSON data" : "Failed to parse OTel Protobuf Trace",
    };
  const parsed = requestSchema.safeParse(data);
  if (!parsed.success) return { error: "Invalid OTel trace export request" };
  const spans = (parsed.data.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const shared = valuesOf(resource?.attributes);
    return (scopeSpans ?? []).flatMap(({ spans: own }) => (own ?? []).map((span) => toSpan(span, shared)));
  });
  // v4 takes all spans of a batch or none.
  if (strict && spans.some((span) => !isSound(span))) return { error: "Invalid OTel trace export request" };
  return { spans };
}

function unpack(body: Buffer): Buffer | null {
  try {
    return gunzipSync(body);
  } catch {
    return null;
  }
}

function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function readProtobuf(bytes: Buffer): unknown {
  try {
    const data: unknown = request.toObject(request.decode(bytes), { longs: String, bytes: Array });
    return withHexIds(data);
  } catch {
    return undefined;
  }
}

/** Ids are bytes in protobuf and become lowercase hex. */
function withHexIds(data: unknown): unknown {
  return JSON.parse(
    JSON.stringify(data, (key, value: unknown) =>
      (key === "traceId" || key === "spanId" || key === "parentSpanId") && Array.isArray(value)
        ? Buffer.from(value).toString("hex")
        : value,
    ),
  );
}

function toSpan(span: z.infer<typeof spanSchema>, shared: OtlpSpan["attributes"]): OtlpSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || null,
    name: span.name,
    startMs: Number(BigInt(span.startTimeUnixNano) / 1_000n) / 1_000,
    endMs: Number(BigInt(span.endTimeUnixNano) / 1_000n) / 1_000,
    failed: span.status?.code === 2,
    statusMessage: span.status?.message ?? "",
    attributes: { ...pick(shared, "deployment.environment.name"), ...valuesOf(span.attributes) },
  };
}

function pick(values: OtlpSpan["attributes"], name: string): OtlpSpan["attributes"] {
  const value = values[name];
  return value === undefined ? {} : { [name]: value };
}

function valuesOf(list: z.infer<typeof attributes>): Record<string, AttributeValue> {
  return Object.fromEntries((list ?? []).map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: unknown): AttributeValue {
  const parsed = anyValue.safeParse(value);
  if (!parsed.success) return null;
  const { stringValue, boolValue, intValue, doubleValue, arrayValue } = parsed.data;
  if (arrayValue) return (arrayValue.values ?? []).map(readValue);
  return (
    stringValue ?? boolValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? doubleValue ?? null
  );
}

function isSound({ traceId, spanId, startMs, endMs }: OtlpSpan): boolean {
  return /^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId) && endMs >= startMs;
}
