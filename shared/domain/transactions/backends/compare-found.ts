import type { SentSpan } from "../compare-trace.ts";
import type { FoundSpan, FoundTrace, TraceReading } from "./backend.ts";
import type { FieldDifference } from "./backend-evidence.ts";

/** The spans that are not there (yet). */
export function missingOf(sent: readonly SentSpan[], found: FoundTrace): readonly string[] {
  return sent.flatMap((span) => (findSpan(span, found) ? [] : [span.role]));
}

/** Everything in which what is stored differs from what was sent, of the spans that are there. */
export function compareFound(
  sent: readonly SentSpan[],
  found: FoundTrace,
  expected: TraceReading["expected"],
): readonly FieldDifference[] {
  const parents = new Map(sent.map((span) => [span.role, findSpan(span, found)?.id ?? null]));
  return sent.flatMap((span) => {
    const got = findSpan(span, found);
    if (!got) return [];
    const parent = span.parent === null ? null : (parents.get(span.parent) ?? null);
    return [
      ...check(span.role, "name", span.name, got.name),
      ...check(span.role, "parent", parent, got.parentId),
      ...check(span.role, "startTime", Math.round(span.startMs), Math.round(got.startMs)),
      ...check(span.role, "endTime", Math.round(span.endMs), Math.round(got.endMs)),
      ...Object.entries(expected(span)).flatMap(([field, wanted]) =>
        check(span.role, field, wanted, got.values[field]),
      ),
    ];
  });
}

/** By its id; by its name where the backend has ids of its own. */
function findSpan({ spanId, name }: SentSpan, { spans }: FoundTrace): FoundSpan | undefined {
  return spans.find(({ id }) => id.endsWith(spanId)) ?? spans.find((one) => one.name === name);
}

/** Nothing where the two are the same; a number in a text is not the number. */
export function check(of: string, field: string, wanted: unknown, got: unknown): FieldDifference[] {
  if (JSON.stringify(wanted ?? null) === JSON.stringify(got ?? null)) return [];
  const lost = got === undefined || got === null || got === "" || Number.isNaN(got);
  return [{ of, field, how: lost ? "lost" : "altered" }];
}
