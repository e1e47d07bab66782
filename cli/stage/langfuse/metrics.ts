import * as z from "zod/mini";

import { json, type StageAnswer } from "./answer.ts";
import type { StageObservation } from "./observation.ts";
import { filterOf } from "./read.ts";

const querySchema = z.looseObject({
  view: z.enum(["observations", "scores-numeric", "scores-categorical"]),
  dimensions: z.optional(z.array(z.looseObject({ field: z.string() }))),
  metrics: z.array(z.looseObject({ measure: z.string(), aggregation: z.string() })).check(z.minLength(1)),
  filters: z.optional(z.array(z.looseObject({ column: z.string() }))),
  timeDimension: z.nullish(z.looseObject({ granularity: z.string() })),
  fromTimestamp: z.iso.datetime(),
  toTimestamp: z.iso.datetime(),
  orderBy: z.nullish(z.array(z.looseObject({ field: z.string(), direction: z.enum(["asc", "desc"]) }))),
  config: z.optional(z.looseObject({ row_limit: z.optional(z.number().check(z.gt(0), z.lte(1000))) })),
});

const day = 86_400_000;

const dimensions: Readonly<Record<string, (one: StageObservation) => string>> = {
  environment: ({ environment }) => environment,
  traceName: ({ trace }) => trace.name ?? "",
  userId: ({ trace }) => trace.userId ?? "",
  tags: ({ trace }) => trace.tags.join(","),
  providedModelName: ({ model }) => model ?? "",
  name: ({ name }) => name,
  type: ({ type }) => type,
};

const measures: Readonly<Record<string, (one: StageObservation) => number>> = {
  count: () => 1,
  inputTokens: inputOf,
  outputTokens: ({ usage }) => (usage.output ?? 0) + (usage.output_reasoning_tokens ?? 0),
  totalTokens: ({ usage }) => usage.total ?? 0,
  totalCost: ({ cost }) => cost.total ?? 0,
};

/** Cached tokens are input, too. */
function inputOf({ usage }: StageObservation): number {
  return (usage.input ?? 0) + (usage.input_cached_tokens ?? 0);
}

/** `GET /api/public/v2/metrics`: sums and counts by dimension and day. Sums are text, as ClickHouse has them. */
export function metricsV2(observations: readonly StageObservation[], text: string | null): StageAnswer {
  const refuse = (message: string) => json(400, { message, error: "InvalidRequestError" });
  let data: unknown;
  try {
    data = JSON.parse(text ?? "");
  } catch {
    return refuse("Invalid JSON in query parameter");
  }
  const parsed = querySchema.safeParse(data);
  if (!parsed.success) return refuse("Invalid request data");
  const {
    dimensions: by = [],
    metrics,
    timeDimension,
    orderBy,
    config,
    fromTimestamp,
    toTimestamp,
    filters,
  } = parsed.data;
  const unknown = by.find(({ field }) => !dimensions[field]);
  if (unknown) return refuse(`Invalid dimension ${unknown.field}`);
  if (metrics.some(({ measure }) => !measures[measure])) return refuse("Invalid measure");
  if (by.some(({ field }) => field === "userId")) {
    const descending = orderBy?.[0]?.direction === "desc";
    if (!config?.row_limit || !descending || timeDimension)
      return refuse(
        "High cardinality dimension userId needs config.row_limit, orderBy desc and no timeDimension",
      );
  }
  const matching = filterOf(new URLSearchParams(filters?.length ? { filter: JSON.stringify(filters) } : {}));
  if (!matching) return refuse("Invalid filter");
  const [from, to] = [Date.parse(fromTimestamp), Date.parse(toTimestamp)];
  const wanted = observations.filter((one) => one.startMs >= from && one.startMs < to && matching(one));
  const groups = Map.groupBy(wanted, (one) =>
    JSON.stringify([
      ...by.map(({ field }) => dimensions[field]?.(one) ?? ""),
      ...(timeDimension ? [new Date(Math.floor(one.startMs / day) * day).toISOString()] : []),
    ]),
  );
  const names = [...by.map(({ field }) => field), ...(timeDimension ? ["time_dimension"] : [])];
  const rows = [...groups].map(([key, group]) => ({
    ...Object.fromEntries(
      [...new Map<string, unknown>(Object.entries(Object(JSON.parse(key))))].map(([at, value]) => [
        names[Number(at)] ?? at,
        value,
      ]),
    ),
    ...Object.fromEntries(
      metrics.map(({ measure, aggregation }) => [
        `${aggregation}_${measure}`,
        String(group.reduce((sum, one) => sum + (measures[measure]?.(one) ?? 0), 0)),
      ]),
    ),
  }));
  return json(200, { data: rows.slice(0, config?.row_limit ?? 100) });
}

/** `GET /api/public/metrics/daily` of v3. */
export function metricsDaily(observations: readonly StageObservation[], query: URLSearchParams): StageAnswer {
  const wanted = observations.filter(
    ({ trace, environment }) =>
      (!query.has("userId") || trace.userId === query.get("userId")) &&
      (!query.has("traceName") || trace.name === query.get("traceName")) &&
      (!query.has("environment") || environment === query.get("environment")) &&
      query.getAll("tags").every((tag) => trace.tags.includes(tag)),
  );
  const days = Map.groupBy(wanted, ({ startMs }) => new Date(startMs).toISOString().slice(0, 10));
  const data = [...days].map(([date, group]) => ({
    date,
    countTraces: new Set(group.map(({ traceId }) => traceId)).size,
    countObservations: group.length,
    totalCost: total(group, "totalCost"),
    usage: [...Map.groupBy(group, ({ model }) => model)].map(([model, own]) => ({
      model,
      inputUsage: total(own, "inputTokens"),
      outputUsage: total(own, "outputTokens"),
      totalUsage: total(own, "totalTokens"),
      totalCost: total(own, "totalCost"),
      countObservations: own.length,
      countTraces: new Set(own.map(({ traceId }) => traceId)).size,
    })),
  }));
  return json(200, { data, meta: { page: 1, limit: 50, totalItems: data.length, totalPages: 1 } });
}

function total(group: readonly StageObservation[], measure: string): number {
  return group.reduce((sum, one) => sum + (measures[measure]?.(one) ?? 0), 0);
}
