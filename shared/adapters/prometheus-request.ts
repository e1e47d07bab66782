import type { InstantQuery, RangeQuery, SeriesQuery } from "../domain/prometheus.ts";

export type Params = readonly (readonly [name: string, value: string])[];

/** One call of Prometheus's HTTP API, before it has an address. */
export interface Call {
  readonly method: "GET" | "POST";
  /** Below the base URL. */
  readonly path: string;
  readonly params: Params;
  /** The IAM action that AMP asks for. */
  readonly action: string;
  /** Falls under AMP's ten label calls a second. */
  readonly limited: boolean;
  /** Milliseconds between start and end, where the call has them. */
  readonly span: number;
}

export interface QueryFlags {
  readonly amp: boolean;
  readonly stats: boolean;
}

export function instantCall(query: InstantQuery, flags: QueryFlags): Call {
  const params: Params = [
    ["query", query.query],
    ["time", seconds(query.at)],
    ...flagParams(query.maxSamples, flags),
  ];
  return { ...queryCall, path: "/api/v1/query", params, span: 0 };
}

export function rangeCall(query: RangeQuery, flags: QueryFlags): Call {
  const params: Params = [
    ["query", query.query],
    ...rangeParams(query),
    ["step", seconds(query.step)],
    ...flagParams(query.maxSamples, flags),
  ];
  return { ...queryCall, path: "/api/v1/query_range", params, span: query.end - query.start };
}

export function seriesCall(query: SeriesQuery): Call {
  return {
    method: "POST",
    path: "/api/v1/series",
    params: [...matchParams(query), ...rangeParams(query)],
    action: "aps:GetSeries",
    limited: true,
    span: query.end - query.start,
  };
}

export function labelValuesCall(query: { readonly label: string } & SeriesQuery): Call {
  return {
    method: "GET",
    path: `/api/v1/label/${percentEncode(query.label)}/values`,
    params: [...matchParams(query), ...rangeParams(query)],
    action: "aps:GetLabels",
    limited: true,
    span: query.end - query.start,
  };
}

export const metadataCall: Call = {
  method: "GET",
  path: "/api/v1/metadata",
  params: [],
  action: "aps:GetMetricMetadata",
  limited: true,
  span: 0,
};

const rulesPerPage = 1_000;

/** Pages are asked for by token; a server without paging ignores the parameters and answers everything. */
export function rulesCall(nextToken: string | undefined): Call {
  const token: Params = nextToken === undefined ? [] : [["group_next_token", nextToken]];
  return {
    method: "GET",
    path: "/api/v1/rules",
    params: [["group_limit", String(rulesPerPage)], ...token],
    action: "aps:ListRules",
    limited: false,
    span: 0,
  };
}

const queryCall = { method: "POST", action: "aps:QueryMetrics", limited: false } as const;

function flagParams(maxSamples: number | undefined, flags: QueryFlags): Params {
  const guard: Params =
    flags.amp && maxSamples !== undefined
      ? [["max_samples_processed_error_threshold", String(maxSamples)]]
      : [];
  return flags.stats ? [...guard, ["stats", "all"]] : guard;
}

function rangeParams({ start, end }: { start: number; end: number }): Params {
  return [
    ["start", seconds(start)],
    ["end", seconds(end)],
  ];
}

function matchParams({ match }: SeriesQuery): Params {
  return match.map((selector) => ["match[]", selector]);
}

/** Prometheus reads times and durations as decimal seconds. */
function seconds(ms: number): string {
  return String(ms / 1000);
}

/**
 * The base of the API: what stands before /api/v1. Accepts what people paste: with a trailing slash, with
 * /api/v1, or one of the endpoint URLs that the AMP console shows. Throws on credentials or a query string.
 */
export function baseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error("the Prometheus address is not a URL that starts with http:// or https://");
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error(
      `the Prometheus address of ${url.host} holds a user or password: give them as credentials`,
    );
  }
  if (url.search !== "") {
    throw new Error(
      `the Prometheus address of ${url.host} holds a query string: leave out the ? and what follows`,
    );
  }
  const path = url.pathname
    .replace(/\/+$/, "")
    .replace(/\/api\/v1(\/(query|query_range|remote_write|write))?$/, "");
  return `${url.origin}${path.replace(/\/+$/, "")}`;
}

/** Where samples are written: AMP has its own name for it. */
export function remoteWriteUrl(base: string, amp: boolean): string {
  return `${baseUrl(base)}/api/v1/${amp ? "remote_write" : "write"}`;
}

/** The region in an AMP host name, VPC endpoints included; undefined in any other. */
export function ampRegion(base: string): string | undefined {
  return /aps-workspaces(?:-fips)?\.([a-z0-9-]+)\./.exec(URL.parse(base)?.hostname ?? "")?.[1];
}

/** A form body or query string. */
export function encodeParams(params: Params): string {
  return params.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join("&");
}

/** RFC 3986, as SigV4's canonical form wants it: what is sent and what is signed are then the same text. */
function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
