import { randomUUID } from "node:crypto";

import { json, notFoundPage, type StageAnswer } from "./answer.ts";
import type { Gate } from "./auth.ts";
import type { Database, WriteMode } from "./database.ts";
import type { Incoming, LangfuseFault } from "./faults.ts";
import { type Limited, tooMany } from "./limits.ts";
import { metricsDaily, metricsV2 } from "./metrics.ts";
import { type Prices, type StageObservation, toObservation } from "./observation.ts";
import { decodeRequest } from "./otlp.ts";
import { listTraces, readTrace, readV2 } from "./read.ts";

export interface RouteContext {
  readonly mode: WriteMode;
  readonly version: string;
  readonly gate: Gate;
  readonly database: Database;
  readonly prices: Prices;
  readonly limit: (what: Limited) => StageAnswer | null;
  readonly fault: LangfuseFault | null;
  readonly nextauthUrl: string;
  readonly now: () => number;
  readonly lastEventAt: () => number;
  readonly onUpload: () => void;
}

/** Langfuse's endpoints; `url` has its base path taken off. */
export function route(request: Incoming, url: URL, context: RouteContext): StageAnswer {
  const { pathname } = url;
  if (request.method === "POST" && pathname === "/") return { status: 405, html: "Method Not Allowed" };
  if (pathname !== "/" && pathname.endsWith("/"))
    return { status: 308, html: "", headers: { location: `${pathname.slice(0, -1)}${url.search}` } };
  if (pathname === "/api/auth/providers") return providers(context);
  if (!pathname.startsWith("/api/public/")) return notFoundPage();
  const path = pathname.slice("/api/public/".length);
  if (path === "health") return health(url.searchParams, context);
  if (path === "ready") return json(200, { status: "OK", version: context.version });
  if (path === "otel/v1/traces")
    return request.method === "POST"
      ? ingest(request, context)
      : json(405, { message: "Method not allowed" });
  return read(request, path, url.searchParams, context);
}

function health(query: URLSearchParams, { fault, version, now, lastEventAt }: RouteContext): StageAnswer {
  const asked = (name: string) => query.get(name) === "true";
  if (asked("failIfDatabaseUnavailable") && fault === "postgres-down")
    return json(503, { status: "Database not available", version });
  if (asked("failIfNoRecentEvents") && now() - lastEventAt() > 3 * 60_000)
    return json(503, { status: "No traces within the last 3 minutes", version });
  return json(200, { status: "OK", version });
}

function providers({ nextauthUrl }: RouteContext): StageAnswer {
  const base = nextauthUrl.replace(/\/+$/, "").replace(/\/api\/auth$/, "");
  const at = (what: string) => `${base}/api/auth/${what}/credentials`;
  const credentials = { id: "credentials", name: "credentials", type: "credentials" };
  return json(200, { credentials: { ...credentials, signinUrl: at("signin"), callbackUrl: at("callback") } });
}

function ingest(request: Incoming, context: RouteContext): StageAnswer {
  const { fault, gate, database, prices, mode } = context;
  const admission = gate.admit(request.headers.authorization, fault === "postgres-down" ? "down" : "up");
  if ("refused" in admission) return admission.refused;
  const limited = fault === "ingestion-limited" ? tooMany(30) : context.limit("ingestion");
  if (limited) return limited;
  const decoded = decodeRequest(request.headers, request.body, mode === "events_only");
  if ("error" in decoded) return json(400, { error: decoded.error });
  if (fault === "web-broken")
    return json(500, { message: "Internal Server Error", error: "Unexpected error" });
  if (fault === "web-refuses") return json(400, { error: "no thanks" });
  if (decoded.spans.length === 0) return json(200, {});
  if (fault === "s3-refused")
    return json(500, { message: "Internal Server Error", error: "Failed to upload JSON to S3" });
  if (fault === "s3-unresolvable")
    return json(503, { message: "Service Unavailable", error: "Service Unavailable" });
  context.onUpload();
  // The upload comes first: what hangs here has left an object behind.
  if (fault === "web-redis") return { never: true };
  const { id: project } = admission.project;
  const observations = decoded.spans.map((span) =>
    spoil(toObservation(span, fault === "skips-price" ? {} : prices), fault),
  );
  const lost = fault === "worker-stopped" ? "all" : fault === "observations-lost" ? "observations" : "none";
  database.add(project, observations, lost);
  const job = randomUUID();
  const fileKey = `otel/${project}/${new Date(context.now()).toISOString().slice(0, 16)}/${job}.json`;
  const data = {
    id: job,
    payload: {
      data: { fileKey, publicKey: "" },
      authCheck: { validKey: true, scope: { projectId: project } },
    },
  };
  return json(200, { name: "otel-ingestion-job", data, id: job, attemptsMade: 0 });
}

function spoil(observation: StageObservation, fault: LangfuseFault | null): StageObservation {
  switch (fault) {
    case "loses-usage":
      return { ...observation, usage: {} };
    case "loses-metadata":
      return { ...observation, metadata: {}, trace: { ...observation.trace, metadata: {} } };
    case "renames-environment":
      return { ...observation, environment: "default" };
    case "masks-input":
      return { ...observation, input: observation.input === null ? null : "<redacted>" };
    default:
      return observation;
  }
}

const eventsOnly = (what: string) =>
  json(404, {
    message: `${what} is not available on deployments running in Langfuse v4 events_only mode. Use the v2 APIs instead.`,
    error: "NotFound",
  });
const v4Only = (what: string) =>
  json(404, { message: `${what} is only available in a Langfuse v4 write mode.`, error: "NotFound" });

function read(request: Incoming, path: string, query: URLSearchParams, context: RouteContext): StageAnswer {
  const { gate, fault, mode, database } = context;
  const [first = "", id] = path.split("/");
  const legacy = request.method === "GET" && (first === "traces" || first === "metrics");
  // Before any authentication.
  if (legacy && mode === "events_only") return eventsOnly(`/api/public/${first}`);
  if (fault === "no-read-path" && path.startsWith("v2/")) return v4Only(`/api/public/${path}`);
  if (path.startsWith("v2/") && mode === "legacy") return v4Only(`/api/public/${path}`);
  const admission = gate.admit(request.headers.authorization, fault === "postgres-down" ? "down" : "up");
  if ("refused" in admission) return admission.refused;
  const project = admission.project.id;
  if (request.method === "DELETE" && first === "traces" && id) {
    const limited = context.limit("delete");
    if (limited) return limited;
    if (fault !== "delete-stuck") database.remove(project, id);
    return json(200, { message: "Trace deleted successfully" });
  }
  if (request.method !== "GET") return json(405, { message: "Method not allowed" });
  if (path === "projects") return json(200, { data: [{ ...admission.project, metadata: {} }] });
  const what =
    path === "v2/observations" ? "v2-observations" : path === "v2/metrics" ? "v2-metrics" : "legacy";
  const limited = fault === "reads-limited" ? tooMany(20) : context.limit(what);
  if (limited) return limited;
  if (fault === "clickhouse-down")
    return json(500, { message: "Internal Server Error", error: "ClickHouse error" });
  if (path === "v2/observations") return readV2(database.observations(project), project, query);
  if (path === "v2/metrics") return metricsV2(database.observations(project), query.get("query"));
  if (path === "metrics/daily") return metricsDaily(database.observations(project), query);
  if (path === "traces") return listTraces(database.traces(project), project, query);
  if (first === "traces" && id) return readTrace(database.traces(project), project, id);
  return notFoundPage();
}
