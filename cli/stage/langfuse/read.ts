import { json, type StageAnswer } from "./answer.ts";
import type { StageObservation } from "./observation.ts";

const iso = (ms: number) => new Date(ms).toISOString();
const seconds = (ms: number) => ms / 1000;

/** Metadata as v4 has it: all of it in one place. */
function merged({ metadata, trace }: StageObservation): Readonly<Record<string, unknown>> {
  return { ...trace.metadata, ...metadata };
}

const metadataCut = 200;

/** `GET /api/public/v2/observations`: what is asked for of the visible observations; empty, never a 404. */
export function readV2(
  observations: readonly StageObservation[],
  project: string,
  query: URLSearchParams,
): StageAnswer {
  const limit = Number(query.get("limit") ?? 50);
  if (!(limit >= 0 && limit <= 1000))
    return json(400, { message: "Invalid request data", error: [{ path: ["limit"] }] });
  const matching = filterOf(query);
  if (!matching)
    return json(400, { message: "Invalid JSON in filter parameter", error: "InvalidRequestError" });
  const from = Number(Buffer.from(query.get("cursor") ?? "", "base64").toString() || 0);
  const all = observations.filter((one) => isWanted(one, query) && matching(one));
  const page = all.slice(from, from + limit);
  const fields = (query.get("fields") ?? "core,basic").split(",").map((name) => name.trim());
  const expanded = (query.get("expandMetadata") ?? "").split(",");
  const next =
    from + limit < all.length ? { cursor: Buffer.from(String(from + limit)).toString("base64") } : {};
  return json(200, { data: page.map((one) => showV2(one, project, fields, expanded)), meta: next });
}

function isWanted(
  { traceId, name, environment, startMs, trace }: StageObservation,
  query: URLSearchParams,
): boolean {
  const is = (key: string, value: string | null) => !query.has(key) || query.get(key) === value;
  return (
    is("traceId", traceId) &&
    is("name", name) &&
    is("userId", trace.userId) &&
    (!query.has("environment") || query.getAll("environment").includes(environment)) &&
    startMs >= Date.parse(query.get("fromStartTime") ?? "1970-01-01") &&
    startMs < Date.parse(query.get("toStartTime") ?? "9999-01-01")
  );
}

/** `filter` is a JSON list; of its many kinds the one by a metadata key is here. */
export function filterOf(query: URLSearchParams): ((one: StageObservation) => boolean) | null {
  const text = query.get("filter");
  if (!text) return () => true;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(list)) return null;
  const filters = list.map((one) => ({
    type: "",
    column: "",
    key: "",
    operator: "",
    value: "",
    ...Object(one),
  }));
  if (
    filters.some(
      ({ type, column, operator }) => type !== "stringObject" || column !== "metadata" || operator !== "=",
    )
  )
    return null;
  return (one) => filters.every(({ key, value }) => String(merged(one)[String(key)] ?? "") === String(value));
}

function showV2(
  one: StageObservation,
  project: string,
  fields: readonly string[],
  expanded: readonly string[],
) {
  const { trace } = one;
  const groups: Readonly<Record<string, object>> = {
    core: {
      id: one.id,
      traceId: one.traceId,
      startTime: iso(one.startMs),
      endTime: iso(one.endMs),
      projectId: project,
      parentObservationId: one.parentId ?? "",
      type: one.type,
    },
    basic: {
      name: one.name,
      level: one.level,
      statusMessage: one.statusMessage,
      version: "",
      environment: one.environment,
      userId: trace.userId ?? "",
      sessionId: trace.sessionId ?? "",
    },
    time: {
      completionStartTime: one.completionStartMs === null ? null : iso(one.completionStartMs),
      createdAt: iso(one.endMs),
      updatedAt: iso(one.endMs),
    },
    io: { input: one.input ?? "", output: one.output ?? "" },
    metadata: { metadata: cut(merged(one), expanded) },
    model: { model: one.model ?? "", modelParameters: {} },
    usage: { usageDetails: one.usage, costDetails: one.cost, totalCost: one.cost.total ?? null },
    metrics: { latency: seconds(one.endMs - one.startMs), timeToFirstToken: firstToken(one) },
    trace_context: { traceName: trace.name ?? "", tags: trace.tags, release: "" },
  };
  return Object.assign({}, ...["core", ...fields].map((name) => groups[name] ?? {}));
}

function cut(metadata: Readonly<Record<string, unknown>>, expanded: readonly string[]) {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [
      key,
      typeof value === "string" && !expanded.includes(key) ? value.slice(0, metadataCut) : value,
    ]),
  );
}

function firstToken({ startMs, completionStartMs }: StageObservation): number | null {
  return completionStartMs === null ? null : seconds(completionStartMs - startMs);
}

/** `GET /api/public/traces/{id}`: 404 until the trace's own job is through. */
export function readTrace(
  traces: ReadonlyMap<string, readonly StageObservation[]>,
  project: string,
  id: string,
): StageAnswer {
  const observations = traces.get(id);
  if (!observations)
    return json(404, {
      message: `Trace ${id} not found within authorized project`,
      error: "LangfuseNotFoundError",
    });
  return json(200, {
    ...showTrace(id, observations, project),
    observations: observations.map((one) => showLegacy(one, project)),
    scores: [],
  });
}

/** `GET /api/public/traces`, newest first. */
export function listTraces(
  traces: ReadonlyMap<string, readonly StageObservation[]>,
  project: string,
  query: URLSearchParams,
): StageAnswer {
  const limit = Number(query.get("limit") ?? 50);
  const page = Number(query.get("page") ?? 1);
  const wanted = [...traces]
    .map(([id, observations]) => ({
      ...showTrace(id, observations, project),
      observations: observations.map((one) => one.id),
      scores: [],
    }))
    .filter(
      (trace) =>
        (!query.has("userId") || trace.userId === query.get("userId")) &&
        (!query.has("name") || trace.name === query.get("name")) &&
        (!query.has("environment") || query.getAll("environment").includes(trace.environment)) &&
        trace.timestamp >= (query.get("fromTimestamp") ?? "") &&
        trace.timestamp < (query.get("toTimestamp") ?? "9999"),
    )
    .sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1));
  return json(200, {
    data: wanted.slice((page - 1) * limit, page * limit),
    meta: { page, limit, totalItems: wanted.length, totalPages: Math.ceil(wanted.length / limit) },
  });
}

/** A trace is what its spans say of it; where its own job was first, that is the root's word already. */
function showTrace(id: string, observations: readonly StageObservation[], project: string) {
  const root = observations.find(({ parentId }) => parentId === null) ?? observations[0];
  return {
    id,
    projectId: project,
    timestamp: iso(root?.startMs ?? 0),
    name: root?.trace.name ?? root?.name ?? null,
    userId: root?.trace.userId ?? null,
    sessionId: root?.trace.sessionId ?? null,
    tags: root?.trace.tags ?? [],
    metadata: root?.trace.metadata ?? {},
    environment: root?.environment ?? "default",
    input: root?.input ?? null,
    output: root?.output ?? null,
    htmlPath: `/project/${project}/traces/${id}`,
    latency: root ? seconds(root.endMs - root.startMs) : 0,
    totalCost: observations.reduce((sum, { cost }) => sum + (cost.total ?? 0), 0),
  };
}

function showLegacy(one: StageObservation, project: string) {
  return {
    id: one.id,
    projectId: project,
    traceId: one.traceId,
    parentObservationId: one.parentId,
    name: one.name,
    type: one.type,
    startTime: iso(one.startMs),
    endTime: iso(one.endMs),
    completionStartTime: one.completionStartMs === null ? null : iso(one.completionStartMs),
    level: one.level,
    statusMessage: one.statusMessage,
    environment: one.environment,
    input: parsed(one.input),
    output: parsed(one.output),
    metadata: one.metadata,
    model: one.model,
    usageDetails: one.usage,
    costDetails: one.cost,
    calculatedTotalCost: one.cost.total ?? null,
    latency: seconds(one.endMs - one.startMs),
    timeToFirstToken: firstToken(one),
  };
}

/** The legacy API gives back JSON as JSON. */
function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return text;
  }
}
