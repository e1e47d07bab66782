import type { OtlpSpan } from "../langfuse/otlp.ts";

/** Something that was taken, and when it can be read. */
interface Kept<T> {
  readonly value: T;
  readonly at: number;
  readonly visibleAt: number;
}

/** What a backend stores: readable after its lag. */
export class BackendStore<T> {
  readonly #now: () => number;
  readonly #kept: Kept<T>[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  add(values: readonly T[], lagMs: number): void {
    const at = this.#now();
    this.#kept.push(...values.map((value) => ({ value, at, visibleAt: at + lagMs })));
  }

  visible(): readonly T[] {
    return this.#kept.filter(({ visibleAt }) => visibleAt <= this.#now()).map(({ value }) => value);
  }

  all(): readonly T[] {
    return this.#kept.map(({ value }) => value);
  }

  remove(is: (value: T) => boolean): void {
    for (let index = this.#kept.length - 1; index >= 0; index--) {
      const kept = this.#kept[index];
      if (kept && is(kept.value)) this.#kept.splice(index, 1);
    }
  }
}

/** A span of OTLP's JSON, with ids as `idOf` writes them. */
export function otlpJson(span: OtlpSpan, idOf: (hex: string) => string) {
  return {
    traceId: idOf(span.traceId),
    spanId: idOf(span.spanId),
    ...(span.parentSpanId ? { parentSpanId: idOf(span.parentSpanId) } : {}),
    name: span.name,
    startTimeUnixNano: String(BigInt(Math.round(span.startMs * 1_000)) * 1_000n),
    endTimeUnixNano: String(BigInt(Math.round(span.endMs * 1_000)) * 1_000n),
    attributes: Object.entries(span.attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
  };
}

function anyValue(value: unknown): Record<string, unknown> {
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  switch (typeof value) {
    case "boolean":
      return { boolValue: value };
    case "number":
      return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      return { stringValue: String(value) };
  }
}
