import * as z from "zod/mini";

import type { FoundSpan } from "./backend.ts";

const anyValue = z.looseObject({
  stringValue: z.optional(z.string()),
  boolValue: z.optional(z.boolean()),
  intValue: z.optional(z.union([z.string(), z.number()])),
  doubleValue: z.optional(z.number()),
  arrayValue: z.optional(z.looseObject({ values: z.optional(z.array(z.unknown())) })),
});
const attributes = z.optional(z.array(z.looseObject({ key: z.string(), value: z.optional(z.unknown()) })));
const nanos = z.union([z.string().check(z.regex(/^\d+$/)), z.number()]);
const span = z.looseObject({
  spanId: z.string(),
  parentSpanId: z.optional(z.string()),
  name: z.string(),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
});

export const otlpResources = z.array(
  z.looseObject({
    scopeSpans: z.optional(z.array(z.looseObject({ spans: z.optional(z.array(span)) }))),
  }),
);

/** The spans of OTLP's JSON. */
export function otlpSpans(resources: z.infer<typeof otlpResources>): FoundSpan[] {
  return resources
    .flatMap(({ scopeSpans }) => scopeSpans ?? [])
    .flatMap(({ spans }) => spans ?? [])
    .map((one) => ({
      id: hexId(one.spanId),
      parentId: one.parentSpanId ? hexId(one.parentSpanId) : null,
      name: one.name,
      startMs: toMs(one.startTimeUnixNano),
      endMs: toMs(one.endTimeUnixNano),
      values: Object.fromEntries((one.attributes ?? []).map(({ key, value }) => [key, readValue(value)])),
    }));
}

/** OTLP writes ids in hex; Tempo in base64 (https://github.com/grafana/tempo/issues/5437). */
function hexId(id: string): string {
  return /^[0-9a-f]{16}$/i.test(id) ? id.toLowerCase() : Buffer.from(id, "base64").toString("hex");
}

function toMs(nano: string | number): number {
  return Number(BigInt(nano) / 1_000n) / 1_000;
}

function readValue(value: unknown): unknown {
  const parsed = anyValue.safeParse(value);
  if (!parsed.success) return null;
  const { stringValue, boolValue, intValue, doubleValue, arrayValue } = parsed.data;
  if (arrayValue) return (arrayValue.values ?? []).map(readValue);
  return (
    stringValue ?? boolValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? doubleValue ?? null
  );
}
