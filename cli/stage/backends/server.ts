import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

import { decodeRequest, type OtlpSpan } from "../langfuse/otlp.ts";
import { listen } from "../loopback.ts";
import { answerToPost, answerToRead, type BackendFault, json, type StageResponse, text } from "./faults.ts";
import { jaeger } from "./jaeger.ts";
import { langsmith } from "./langsmith.ts";
import { queryLines, type StageLine, takeLines } from "./loki.ts";
import { BackendStore } from "./store.ts";
import { tempo } from "./tempo.ts";

export interface BackendStageOptions {
  readonly kind: "langsmith" | "tempo" | "jaeger" | "otlp" | "loki";
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A header that every request must carry, with its value. */
  readonly header?: readonly [name: string, value: string];
  /** With multi-tenancy on, X-Scope-OrgID is required. */
  readonly orgId?: string;
  /** From the POST to what can be read, milliseconds. */
  readonly lagMs?: number;
  /** How far its clock is ahead. */
  readonly clockAheadMs?: number;
}

export interface BackendStage {
  readonly url: string;
  /** The fault that is on from now. */
  readonly setFault: (fault: BackendFault | null) => void;
  readonly setLag: (lagMs: number) => void;
  /** A line as an agent ships it: with its own labels and time, and perhaps wrapped. */
  readonly ship: (line: Omit<StageLine, "nanos" | "metadata">) => void;
  /** The ids of traces that are stored, or would be, and whose deletion nobody asked for. */
  readonly kept: () => readonly string[];
  readonly calls: () => readonly {
    readonly method: string;
    readonly path: string;
    readonly status: number;
  }[];
  readonly stop: () => Promise<void>;
}

/** What a query sees. */
export interface BackendContext {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly spans: readonly OtlpSpan[];
  readonly fault: BackendFault | null;
  readonly project: string;
  readonly projectId: string;
  /** How many spans have ever been taken. */
  readonly taken: number;
  readonly requestDeletion: (of: (span: OtlpSpan) => boolean) => void;
}

const projectId = "7a1c4f0e-2b7d-4f0a-9d55-0c6f6a3b1e42";
const posts = /^\/((otel\/)?v1\/traces|loki\/api\/v1\/push)$/;

/** A backend of traces or lines on this machine, as strict as the real one, with a switch for each fault. */
export async function startBackend(options: BackendStageOptions): Promise<BackendStage> {
  const { kind, now, header, orgId } = options;
  let fault: BackendFault | null = null;
  let lagMs = options.lagMs ?? 1_200;
  let project = "";
  let taken = 0;
  const spans = new BackendStore<OtlpSpan>(now);
  const lines = new BackendStore<StageLine>(now);
  const calls: { method: string; path: string; status: number }[] = [];

  const takeSpans = (request: IncomingMessage, body: Buffer): StageResponse => {
    const decoded = decodeRequest(plain(request.headers), body, true);
    if ("error" in decoded) return json(400, { code: 3, message: decoded.error });
    const protobuf = request.headers["content-type"] === "application/x-protobuf";
    project = String(request.headers["langsmith-project"] ?? "");
    taken += decoded.spans.length;
    if (fault === "rejects-part") return rejected(protobuf);
    if (fault !== "loses-all") spans.add(spoil(decoded.spans, fault), lagMs);
    return protobuf
      ? { status: 200, type: "application/x-protobuf", body: "" }
      : json(200, { partialSuccess: {} });
  };
  const takePush = (body: Buffer): StageResponse => {
    const given = takeLines(parse(body), now());
    if ("status" in given) return given;
    if (fault !== "loses-all") lines.add(fault === "masks" ? given.map(mask) : given, lagMs);
    return { status: 204, type: "text/plain", body: "" };
  };

  const answer = (request: IncomingMessage, body: Buffer, url: URL): StageResponse => {
    const { pathname } = url;
    const posting = posts.test(pathname);
    const early = posting ? answerToPost(fault, request.headers) : answerToRead(fault);
    if (early) return early;
    if (orgId !== undefined && request.headers["x-scope-orgid"] !== orgId) return text(401, "no org id");
    if (header && request.headers[header[0]] !== header[1]) return json(403, { error: "Forbidden" });
    if (posting) {
      const path = { langsmith: "/otel/v1/traces", loki: "/loki/api/v1/push" }[String(kind)] ?? "/v1/traces";
      if (pathname !== path || request.method !== "POST") return text(404, "404 page not found\n");
      return kind === "loki" ? takePush(body) : takeSpans(request, body);
    }
    const context: BackendContext = {
      method: request.method ?? "",
      query: url.searchParams,
      body: parse(body),
      spans: spans.visible(),
      fault,
      project,
      projectId,
      taken,
      requestDeletion: (of) => spans.remove(of),
    };
    switch (kind) {
      case "langsmith":
        return langsmith(pathname, context);
      case "tempo":
        return tempo(pathname, context);
      case "jaeger":
        return jaeger(pathname, context);
      case "loki":
        return pathname === "/loki/api/v1/query_range"
          ? queryLines(lines.visible(), url.searchParams)
          : text(404, "404 page not found\n");
      case "otlp":
        return text(404, "404 page not found\n");
    }
  };

  const server = createServer((request, response) => {
    const exchange = async () => {
      const body = await buffer(request);
      const url = new URL(request.url ?? "/", "http://127.0.0.1");
      if (fault === "silent" && posts.test(url.pathname)) return;
      const given = answer(request, body, url);
      calls.push({ method: request.method ?? "", path: url.pathname, status: given.status });
      write(response, given, now() + (options.clockAheadMs ?? 0));
    };
    exchange().catch(() => response.destroy());
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    setFault: (next) => {
      fault = next;
    },
    setLag: (next) => {
      lagMs = next;
    },
    ship: (line) => lines.add([{ ...line, metadata: {}, nanos: `${Math.round(now())}000000` }], lagMs),
    kept: () => [...new Set(spans.all().map(({ traceId }) => traceId))],
    calls: () => [...calls],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Two spans rejected, in the encoding of the request. */
function rejected(protobuf: boolean): StageResponse {
  const reason = "attribute too long";
  if (!protobuf) return json(200, { partialSuccess: { rejectedSpans: "2", errorMessage: reason } });
  const inner = [0x08, 2, 0x12, reason.length, ...Buffer.from(reason)];
  return {
    status: 200,
    type: "application/x-protobuf",
    body: Uint8Array.from([0x0a, inner.length, ...inner]),
  };
}

function spoil(spans: readonly OtlpSpan[], fault: BackendFault | null): readonly OtlpSpan[] {
  if (fault === "loses-part") return spans.filter(({ parentSpanId }) => parentSpanId === null);
  if (fault !== "masks") return spans;
  return spans.map((span) => ({
    ...span,
    attributes: Object.fromEntries(
      Object.entries(span.attributes).flatMap(([name, value]) =>
        name.endsWith("sonde_code") ? [] : [[name, name.endsWith("tenant_id") ? "***" : value]],
      ),
    ),
  }));
}

function mask(line: StageLine): StageLine {
  return { ...line, metadata: { ...line.metadata, span_id: "" }, text: line.text.replace("sonde", "***") };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function plain(headers: IncomingMessage["headers"]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value?.toString()]));
}

function write(response: ServerResponse, { status, type, body, headers }: StageResponse, date: number): void {
  response.sendDate = false;
  response.writeHead(status, { date: new Date(date).toUTCString(), "content-type": type, ...headers });
  response.end(body);
}
