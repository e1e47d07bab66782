import { type Context, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

import type { EncodedTrace } from "../../shared/adapters/langfuse.ts";
import type { SentSpan } from "../../shared/domain/transactions/compare-trace.ts";
import type { PlannedSpan, SpanRole } from "../../shared/domain/transactions/planned-trace.ts";

export type Encoding = "protobuf" | "json";

/** A trace as it goes out: its id, its spans with theirs, and the OTLP request. */
export interface BuiltTrace {
  readonly traceId: string;
  readonly spans: readonly SentSpan[];
  readonly encoded: EncodedTrace;
}

const kinds = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const;

/**
 * Builds planned spans by the OpenTelemetry SDK and encodes them as its OTLP exporters do. Only the encoding of
 * the exporter is used: its transport tells neither bodies nor causes, which is what a diagnosis is made of.
 * This module alone loads OpenTelemetry, and is itself loaded when a trace is due.
 */
export async function encodeTrace(planned: readonly PlannedSpan[], encoding: Encoding): Promise<BuiltTrace> {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "sonde" }),
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer("sonde");
  const contexts = new Map<SpanRole, Context>();
  const begun = planned.map((plan) => {
    const parent = (plan.parent && contexts.get(plan.parent)) ?? ROOT_CONTEXT;
    const attributes = Object.fromEntries(
      Object.entries(plan.attributes).map(([name, value]) => [
        name,
        typeof value === "object" ? [...value] : value,
      ]),
    );
    const span = tracer.startSpan(
      plan.name,
      { kind: kinds[plan.kind], startTime: plan.startMs, attributes },
      parent,
    );
    contexts.set(plan.role, trace.setSpan(parent, span));
    return { plan, span };
  });
  // Children end first, as in life.
  for (const { plan, span } of begun.toReversed()) span.end(plan.endMs);
  await provider.forceFlush();
  const finished = exporter.getFinishedSpans();
  const serializer = encoding === "json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  const body = serializer.serializeRequest(finished);
  await provider.shutdown();
  const traceId = begun[0]?.span.spanContext().traceId;
  if (!body || !traceId) throw new Error("OpenTelemetry encoded no spans");
  return {
    traceId,
    spans: begun.map(({ plan, span }) => ({ ...plan, spanId: span.spanContext().spanId })),
    encoded: { body, contentType: encoding === "json" ? "application/json" : "application/x-protobuf" },
  };
}
