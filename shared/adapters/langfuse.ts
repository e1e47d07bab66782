import type { Exchange } from "../domain/transactions/exchange.ts";
import { errorText } from "../domain/transactions/exchange.ts";
import type { StoredTrace } from "../domain/transactions/stored-trace.ts";
import { exchange } from "./exchange.ts";
import type { HttpRequest, SendHttp } from "./http.ts";
import {
  type ListedTrace,
  parseObservations,
  parseProject,
  parseTrace,
  parseTraceList,
} from "./langfuse-body.ts";

/** v4's observations, or v3's traces. */
export type ReadPath = "v2" | "legacy";

/** What reading a trace brought: the trace, nothing yet, or an answer to another question. */
export type ReadAnswer =
  | { readonly kind: "trace"; readonly trace: StoredTrace }
  | { readonly kind: "nothing" }
  /** This deployment does not have the path: 404 with a body that says so. */
  | { readonly kind: "other-path" }
  | { readonly kind: "refused"; readonly exchange: Exchange };

export interface EncodedTrace {
  readonly body: Uint8Array;
  readonly contentType: "application/x-protobuf" | "application/json";
}

/** A Langfuse by its public API. Nothing here throws for what the other side does. */
export interface Langfuse {
  readonly post: (trace: EncodedTrace) => Promise<Exchange>;
  readonly health: () => Promise<Exchange>;
  readonly database: () => Promise<Exchange>;
  readonly ready: () => Promise<Exchange>;
  readonly providers: () => Promise<Exchange>;
  /** An empty POST with the public key as Bearer, which no trace comes of. */
  readonly checkPublicKey: () => Promise<Exchange>;
  readonly project: () => Promise<{ readonly id: string; readonly name: string } | null>;
  readonly read: (path: ReadPath, traceId: string) => Promise<ReadAnswer>;
  /** Traces of a user in an environment that began before a time; null where that could not be asked. */
  readonly list: (path: ReadPath, of: TraceFilter) => Promise<readonly ListedTrace[] | null>;
  readonly remove: (traceId: string) => Promise<Exchange>;
}

export interface TraceFilter {
  readonly userId: string;
  readonly environment: string;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
}

export interface LangfuseOptions {
  /** The address with its base path, without a trailing slash. */
  readonly url: string;
  /** With the key pair, with the public key as Bearer, and without either. */
  readonly send: { readonly keys: SendHttp; readonly bearer: SendHttp; readonly plain: SendHttp };
  /** Milliseconds for the POST of a trace, and for each other request. */
  readonly postTimeoutMs: number;
  readonly timeoutMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const v2Fields = "core,basic,time,io,metadata,model,usage,metrics,trace_context";
const largestAnswer = 4 * 1024 * 1024;

export function buildLangfuse({ url, send, postTimeoutMs, timeoutMs, now }: LangfuseOptions): Langfuse {
  const ask = async (via: SendHttp, request: Omit<HttpRequest, "timeoutMs">, within = timeoutMs) =>
    exchange(() => via({ ...request, timeoutMs: within, maxBytes: largestAnswer }), now);
  const get = (via: SendHttp, path: string) => ask(via, { method: "GET", url: `${url}${path}`, headers: {} });
  const traces = `${url}/api/public/otel/v1/traces`;
  return {
    post: ({ body, contentType }) =>
      ask(
        send.keys,
        {
          method: "POST",
          url: traces,
          headers: {
            "content-type": contentType,
            "content-encoding": "gzip",
            // Asks for the direct write; without it mode `dual` takes minutes.
            "x-langfuse-ingestion-version": "4",
          },
          body: process.getBuiltinModule("node:zlib").gzipSync(body),
        },
        postTimeoutMs,
      ),
    health: () => get(send.plain, "/api/public/health"),
    database: () => get(send.plain, "/api/public/health?failIfDatabaseUnavailable=true"),
    ready: () => get(send.plain, "/api/public/ready"),
    providers: () => get(send.plain, "/api/auth/providers"),
    checkPublicKey: () =>
      ask(send.bearer, {
        method: "POST",
        url: traces,
        headers: { "content-type": "application/json" },
        body: "{}",
      }),
    project: async () => {
      const answer = await get(send.keys, "/api/public/projects");
      return answer.kind === "answered" && answer.status === 200 ? parseProject(answer.body) : null;
    },
    read: async (path, traceId) =>
      path === "v2"
        ? readV2(
            await get(
              send.keys,
              `/api/public/v2/observations?traceId=${traceId}&limit=100&fields=${v2Fields}`,
            ),
          )
        : readLegacy(await get(send.keys, `/api/public/traces/${traceId}`)),
    list: async (path, filter) => {
      const answer = await get(send.keys, listPath(path, filter));
      if (answer.kind !== "answered" || answer.status !== 200) return null;
      return parseTraceList(answer.body) ?? null;
    },
    remove: (traceId) =>
      ask(send.keys, { method: "DELETE", url: `${url}/api/public/traces/${traceId}`, headers: {} }),
  };
}

function listPath(path: ReadPath, { userId, environment, from, to }: TraceFilter): string {
  const [first, last] = [new Date(from).toISOString(), new Date(to).toISOString()];
  const shared = { userId, environment, limit: "100" };
  return path === "v2"
    ? `/api/public/v2/observations?${new URLSearchParams({ ...shared, fromStartTime: first, toStartTime: last })}`
    : `/api/public/traces?${new URLSearchParams({ ...shared, fields: "core", fromTimestamp: first, toTimestamp: last })}`;
}

function readV2(exchange: Exchange): ReadAnswer {
  if (exchange.kind !== "answered") return { kind: "refused", exchange };
  if (exchange.status === 404 && isOtherPath(errorText(exchange))) return { kind: "other-path" };
  const trace = exchange.status === 200 ? parseObservations(exchange.body) : undefined;
  if (trace === undefined) return { kind: "refused", exchange };
  return trace ? { kind: "trace", trace } : { kind: "nothing" };
}

function readLegacy(exchange: Exchange): ReadAnswer {
  if (exchange.kind !== "answered") return { kind: "refused", exchange };
  const said = errorText(exchange);
  if (exchange.status === 404 && isOtherPath(said)) return { kind: "other-path" };
  if (exchange.status === 404 && /not found within authorized project/i.test(said))
    return { kind: "nothing" };
  const trace = exchange.status === 200 ? parseTrace(exchange.body) : undefined;
  return trace ? { kind: "trace", trace } : { kind: "refused", exchange };
}

/** The two bodies by which a deployment says that it has the other read path. */
function isOtherPath(said: string): boolean {
  return /events_only mode|only available in a Langfuse v4 write mode/i.test(said);
}
