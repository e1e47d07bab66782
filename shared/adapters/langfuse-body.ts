import * as z from "zod/mini";

import type {
  StoredObservation,
  StoredTrace,
  StoredTraceFields,
} from "../domain/transactions/stored-trace.ts";

const text = z.nullish(z.string());
/** ClickHouse's decimals arrive as text here and there. */
const number = z.nullish(z.union([z.number(), z.string().check(z.regex(/^-?[\d.]+(e-?\d+)?$/i))]));
const numbers = z.nullish(z.record(z.string(), z.nullish(z.union([z.number(), z.string()]))));
const record = z.nullish(z.record(z.string(), z.unknown()));

const observation = z.looseObject({
  id: z.string(),
  traceId: text,
  projectId: text,
  parentObservationId: text,
  name: text,
  type: z.string(),
  startTime: z.string(),
  endTime: text,
  environment: text,
  level: text,
  /** v2 has the model that was sent in `model`, some versions also in `providedModelName`. */
  model: text,
  providedModelName: text,
  input: z.optional(z.unknown()),
  output: z.optional(z.unknown()),
  usageDetails: numbers,
  costDetails: numbers,
  totalCost: number,
  calculatedTotalCost: number,
  latency: number,
  timeToFirstToken: number,
  metadata: record,
  userId: text,
  sessionId: text,
  traceName: text,
  tags: z.nullish(z.array(z.string())),
});
type Observation = z.infer<typeof observation>;

const observationsBody = z.looseObject({ data: z.array(observation) });
const traceBody = z.looseObject({
  id: z.string(),
  projectId: text,
  name: text,
  userId: text,
  sessionId: text,
  tags: z.nullish(z.array(z.string())),
  metadata: record,
  observations: z.array(observation),
});
const traceListBody = z.looseObject({
  data: z.array(z.looseObject({ id: z.string(), timestamp: z.string() })),
});
const observationListBody = z.looseObject({
  data: z.array(z.looseObject({ traceId: text, startTime: z.string() })),
});
const projectsBody = z.looseObject({ data: z.array(z.looseObject({ id: z.string(), name: z.string() })) });

/** A trace as v4 tells of it; null where it has no observation yet. Undefined: this is no such answer. */
export function parseObservations(body: string): StoredTrace | null | undefined {
  const parsed = observationsBody.safeParse(fromJson(body));
  if (!parsed.success) return undefined;
  const { data } = parsed.data;
  if (data.length === 0) return null;
  return {
    projectId: data[0]?.projectId ?? "",
    trace: null,
    observations: data.map((one) => toObservation(one, toTraceFields(one, one.traceName))),
  };
}

/** A trace as v3 tells of it. Undefined: this is no such answer. */
export function parseTrace(body: string): StoredTrace | undefined {
  const parsed = traceBody.safeParse(fromJson(body));
  if (!parsed.success) return undefined;
  const { data } = parsed;
  return {
    projectId: data.projectId ?? "",
    trace: toTraceFields(data, data.name),
    observations: data.observations.map((one) => toObservation(one, null)),
  };
}

/** The traces of a list, each with its time in Unix milliseconds; undefined where this is no list. */
export function parseTraceList(body: string): readonly ListedTrace[] | undefined {
  const data = fromJson(body);
  const traces = traceListBody.safeParse(data);
  if (traces.success)
    return traces.data.data.map(({ id, timestamp }) => ({ traceId: id, at: Date.parse(timestamp) }));
  const observations = observationListBody.safeParse(data);
  if (!observations.success) return undefined;
  const listed = observations.data.data.flatMap(({ traceId, startTime }) =>
    traceId ? [[traceId, Date.parse(startTime)] as const] : [],
  );
  return [...new Map(listed)].map(([traceId, at]) => ({ traceId, at }));
}

export interface ListedTrace {
  readonly traceId: string;
  readonly at: number;
}

export function parseProject(body: string): { readonly id: string; readonly name: string } | null {
  const parsed = projectsBody.safeParse(fromJson(body));
  const [project] = parsed.success ? parsed.data.data : [];
  return project ? { id: project.id, name: project.name } : null;
}

function toObservation(one: Observation, trace: StoredTraceFields | null): StoredObservation {
  return {
    id: one.id,
    parentId: one.parentObservationId || null,
    name: one.name ?? null,
    type: one.type,
    startMs: Date.parse(one.startTime),
    endMs: one.endTime ? Date.parse(one.endTime) : null,
    environment: one.environment ?? null,
    level: one.level ?? "",
    model: one.model || one.providedModelName || null,
    input: one.input,
    output: one.output,
    usage: toNumbers(one.usageDetails),
    totalCost: toNumber(one.totalCost ?? one.calculatedTotalCost ?? one.costDetails?.total),
    latency: toNumber(one.latency),
    timeToFirstToken: toNumber(one.timeToFirstToken),
    metadata: one.metadata ?? {},
    trace,
  };
}

function toTraceFields(
  from: Pick<Observation, "userId" | "sessionId" | "tags" | "metadata">,
  name: string | null | undefined,
): StoredTraceFields {
  return {
    name: name || null,
    userId: from.userId || null,
    sessionId: from.sessionId || null,
    ...(from.tags ? { tags: from.tags } : {}),
    metadata: from.metadata ?? {},
  };
}

function toNumber(value: number | string | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function toNumbers(values: z.infer<typeof numbers>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values ?? {}).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, Number(value)]],
    ),
  );
}

function fromJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
