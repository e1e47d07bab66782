import { type PlannedSpan, probeTags, type SpanRole, sentCost, sentUsage } from "./planned-trace.ts";
import type { StoredObservation, StoredTrace, StoredTraceFields } from "./stored-trace.ts";

/** A span that was sent, under the id that it was given. */
export interface SentSpan extends PlannedSpan {
  readonly spanId: string;
}

export interface Difference {
  readonly span: SpanRole | "trace";
  readonly field: string;
  readonly how: "lost" | "altered";
}

/** The spans that are not there (yet). */
export function missingSpans(sent: readonly SentSpan[], stored: StoredTrace): readonly SpanRole[] {
  const there = new Set(stored.observations.map(({ id }) => id));
  return sent.flatMap(({ role, spanId }) => (there.has(spanId) ? [] : [role]));
}

/** Everything in which what is stored differs from what was sent, of the spans that are there. */
export function compareTrace(sent: readonly SentSpan[], stored: StoredTrace): readonly Difference[] {
  const [root] = sent;
  const ids = new Map(sent.map(({ role, spanId }) => [role, spanId]));
  const ofTrace = root && stored.trace ? check("trace", traceChecks(root, stored.trace)) : [];
  const ofSpans = sent.flatMap((span) => {
    const found = stored.observations.find(({ id }) => id === span.spanId);
    if (!found) return [];
    const parentId = span.parent === null ? null : (ids.get(span.parent) ?? null);
    return check(span.role, [
      ...spanChecks(span, parentId, found),
      ...(found.trace ? traceChecks(span, found.trace) : []),
    ]);
  });
  return [...ofTrace, ...ofSpans];
}

/** A field, what it should be, and what it is; `same` where more than one value will do. */
interface Check {
  readonly field: string;
  readonly wanted: unknown;
  readonly got: unknown;
  readonly same?: boolean;
}

function check(span: Difference["span"], checks: readonly Check[]): Difference[] {
  return checks.flatMap(({ field, wanted, got, same = isSame(wanted, got) }) =>
    same ? [] : [{ span, field, how: isNothing(got) ? ("lost" as const) : ("altered" as const) }],
  );
}

function spanChecks(span: SentSpan, parentId: string | null, got: StoredObservation): Check[] {
  const { attributes } = span;
  const names = [span.name, attributes["gen_ai.tool.name"]];
  return [
    { field: "parent", wanted: parentId, got: got.parentId },
    { field: "name", wanted: span.name, got: got.name, same: got.name !== null && names.includes(got.name) },
    { field: "type", wanted: String(attributes["langfuse.observation.type"]).toUpperCase(), got: got.type },
    { field: "startTime", wanted: span.startMs, got: got.startMs, same: near(span.startMs, got.startMs, 1) },
    { field: "endTime", wanted: span.endMs, got: got.endMs, same: near(span.endMs, got.endMs, 1) },
    {
      field: "latency",
      wanted: span.endMs - span.startMs,
      got: got.latency,
      same: near((span.endMs - span.startMs) / 1000, got.latency, 0.002),
    },
    { field: "environment", wanted: attributes["langfuse.environment"], got: got.environment },
    { field: "level", wanted: "DEFAULT", got: got.level },
    {
      field: "input",
      wanted: attributes["langfuse.observation.input"] ?? attributes["gen_ai.input.messages"],
      got: got.input,
    },
    {
      field: "output",
      wanted: attributes["langfuse.observation.output"] ?? attributes["gen_ai.output.messages"],
      got: got.output,
    },
    ...metadataChecks(span, got.metadata),
    ...modelChecks(span, got),
  ];
}

/** An agent's span keeps no model, usage or cost: Langfuse counts those of the generations in it. */
function modelChecks(span: SentSpan, got: StoredObservation): Check[] {
  const { attributes } = span;
  const model = attributes["gen_ai.response.model"] ?? null;
  if (model === null) return [{ field: "model", wanted: null, got: got.model }];
  const firstToken =
    Date.parse(String(attributes["langfuse.observation.completion_start_time"])) - span.startMs;
  const usage = expectedUsage();
  const { totalCost: cost, timeToFirstToken } = got;
  return [
    { field: "model", wanted: model, got: got.model },
    {
      field: "timeToFirstToken",
      wanted: firstToken / 1000,
      got: timeToFirstToken,
      same: near(firstToken / 1000, timeToFirstToken, 0.002),
    },
    ...Object.entries(usage).map(([name, wanted]) => ({
      field: `usage.${name}`,
      wanted,
      got: got.usage[name] ?? null,
    })),
    span.role === "generation"
      ? { field: "cost", wanted: sentCost.total, got: cost, same: near(sentCost.total, cost, 1e-6) }
      : { field: "cost", wanted: "a price", got: cost === 0 ? null : cost, same: cost !== null && cost > 0 },
  ];
}

/** Langfuse takes the cached tokens out of the input, and keeps the total. */
export function expectedUsage(): Readonly<Record<string, number>> {
  const { input, cached, output } = sentUsage;
  return { input: input - cached, input_cached_tokens: cached, output, total: input + output };
}

function traceChecks({ attributes }: SentSpan, got: StoredTraceFields): Check[] {
  return [
    { field: "traceName", wanted: attributes["langfuse.trace.name"], got: got.name },
    { field: "userId", wanted: attributes["langfuse.user.id"], got: got.userId },
    { field: "sessionId", wanted: attributes["langfuse.session.id"], got: got.sessionId },
    ...(got.tags === undefined
      ? []
      : [{ field: "tags", wanted: [...probeTags].sort(), got: got.tags.toSorted() }]),
    ...metadataChecks({ attributes }, got.metadata),
  ];
}

function metadataChecks(
  { attributes }: Pick<SentSpan, "attributes">,
  got: Readonly<Record<string, unknown>>,
): Check[] {
  // Langfuse makes a number of "12345", which is the same; of "00123" it must not.
  return ["tenant_id", "sonde_run", "sonde_code"].map((key) => {
    const wanted = String(attributes[`langfuse.trace.metadata.${key}`]);
    return { field: `metadata.${key}`, wanted, got: got[key], same: String(got[key] ?? "") === wanted };
  });
}

function near(wanted: number, got: number | null, tolerance: number): boolean {
  // A little more than the tolerance itself, which a fraction seldom hits exactly.
  return got !== null && Math.abs(wanted - got) <= tolerance * 1.000_001;
}

function isNothing(value: unknown): boolean {
  return (
    value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)
  );
}

/** JSON is the same as text and as data, whatever the order of its keys. */
function isSame(wanted: unknown, got: unknown): boolean {
  if (isNothing(wanted) && isNothing(got)) return true;
  return canonical(wanted) === canonical(got);
}

function canonical(value: unknown): string {
  const data = typeof value === "string" && /^\s*[[{]/.test(value) ? parsed(value) : value;
  return JSON.stringify(data, (_, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
