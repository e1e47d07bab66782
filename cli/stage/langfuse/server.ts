import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

import { listen } from "../loopback.ts";
import { appPage, json, notFoundPage, proxyPage, type StageAnswer } from "./answer.ts";
import { buildGate, type StageKey } from "./auth.ts";
import { buildDatabase, type WriteMode } from "./database.ts";
import { type Incoming, type LangfuseFault, passOn } from "./faults.ts";
import { buildLimits, type CloudPlan } from "./limits.ts";
import type { Prices } from "./observation.ts";
import { route } from "./routes.ts";

export interface LangfuseStageOptions {
  readonly keys: readonly StageKey[];
  /** Unix milliseconds. */
  readonly now: () => number;
  /** By default v4's `events_only`; `legacy` is v3. */
  readonly mode?: WriteMode;
  readonly version?: string;
  /** From the POST to what can be read, milliseconds. */
  readonly lagMs?: number;
  readonly observationLagMs?: number;
  readonly deleteMs?: number;
  /** As on Langfuse Cloud; without one nothing is limited. */
  readonly plan?: CloudPlan;
  readonly prices?: Prices;
  /** Such as `/langfuse`: everything else is a 404 page. */
  readonly basePath?: string;
  /** By default its own address. */
  readonly nextauthUrl?: string;
  /** How far its clock is ahead. */
  readonly clockAheadMs?: number;
}

export interface LangfuseStage {
  readonly url: string;
  /** The fault that is on from now. */
  readonly setFault: (fault: LangfuseFault | null) => void;
  readonly setLag: (lagMs: number) => void;
  readonly addKey: (key: StageKey) => void;
  /** Traces that were accepted and are not deleted, visible or not. */
  readonly kept: () => readonly string[];
  /** Objects that were uploaded to S3. */
  readonly uploads: () => number;
  /** What was asked, and what was answered (0: nothing). */
  readonly calls: () => readonly {
    readonly method: string;
    readonly path: string;
    readonly status: number;
  }[];
  readonly stop: () => Promise<void>;
}

const defaultPrices: Prices = { "gpt-4o-mini": { input: 0.15, output: 0.6 } };

/** A Langfuse on this machine, as strict as the real one, with a switch for each way in which that breaks. */
export async function startLangfuse(options: LangfuseStageOptions): Promise<LangfuseStage> {
  const { now, mode = "events_only", basePath = "", clockAheadMs = 0 } = options;
  let fault: LangfuseFault | null = null;
  let lagMs = options.lagMs ?? 1_300;
  let lastEventAt = now();
  let uploads = 0;
  const calls: { method: string; path: string; status: number }[] = [];
  const gate = buildGate(options.keys, now);
  const limit = buildLimits(options.plan ?? null, now);
  const database = buildDatabase({
    mode,
    now,
    lagMs: () => lagMs,
    observationLagMs: options.observationLagMs ?? 200,
    deleteMs: options.deleteMs ?? 5_500,
  });

  const answer = (request: Incoming, own: string): StageAnswer => {
    const url = new URL(request.path, own);
    if (fault === "proxy-echoes") return json(500, { message: `upstream: ${request.headers.authorization}` });
    const before = byProxy(url, fault);
    if (before) return before;
    const passed = passOn(request, fault);
    const inside = new URL(passed.path, own);
    if (basePath && !inside.pathname.startsWith(`${basePath}/`)) return notFoundPage();
    inside.pathname = inside.pathname.slice(basePath.length) || "/";
    return route(passed, inside, {
      mode,
      version: options.version ?? (mode === "legacy" ? "3.225.0" : "4.16.0"),
      gate,
      database,
      prices: options.prices ?? defaultPrices,
      limit,
      fault,
      nextauthUrl: options.nextauthUrl ?? `${own}${basePath}`,
      now,
      lastEventAt: () => lastEventAt,
      onUpload: () => {
        uploads += 1;
        lastEventAt = now();
      },
    });
  };

  const server = createServer((request, response) => {
    const exchange = async () => {
      const own = `http://${request.headers.host ?? "127.0.0.1"}`;
      const given = answer(await incoming(request), own);
      const call = {
        method: request.method ?? "",
        path: request.url ?? "",
        status: "never" in given ? 0 : given.status,
      };
      calls.push(call);
      write(response, given, now() + clockAheadMs);
    };
    exchange().catch(() => response.destroy());
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}${basePath}`,
    setFault: (next) => {
      fault = next;
      if (next === null) database.catchUp();
    },
    setLag: (next) => {
      lagMs = next;
    },
    addKey: gate.addKey,
    kept: database.kept,
    uploads: () => uploads,
    calls: () => [...calls],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function incoming(request: IncomingMessage): Promise<Incoming> {
  const { method = "GET", url: path = "/" } = request;
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      value === undefined ? undefined : String(value),
    ]),
  );
  return { method, path, headers, body: await buffer(request) };
}

/** What a proxy answers by itself. */
function byProxy(url: URL, fault: LangfuseFault | null): StageAnswer | null {
  const otel = url.pathname.endsWith("/otel/v1/traces");
  switch (fault) {
    case "proxy-too-small":
      return otel ? proxyPage(413, "Request Entity Too Large") : null;
    case "proxy-no-backend":
      return proxyPage(503, "Service Temporarily Unavailable");
    case "proxy-bad-gateway":
      return otel ? proxyPage(502, "Bad Gateway") : null;
    case "proxy-forbids":
      return otel ? proxyPage(403, "Forbidden") : null;
    case "proxy-teapot":
      return otel ? proxyPage(418, "I'm a teapot") : null;
    case "proxy-trailing-slash":
      return otel ? proxyPage(308, "Permanent Redirect", { location: `${url.pathname}/` }) : null;
    case "proxy-to-https":
      return proxyPage(308, "Permanent Redirect", { location: `https://${url.host}${url.pathname}` });
    case "proxy-other-service":
      return otel ? proxyPage(404, "Not Found") : null;
    case "proxy-single-page":
      return appPage();
    case "proxy-single-page-reads":
      return /\/api\/public\/(v2\/observations|traces)/.test(url.pathname) ? appPage() : null;
    default:
      return null;
  }
}

function write(response: ServerResponse, answer: StageAnswer, date: number): void {
  if ("never" in answer) return;
  response.sendDate = false;
  const type = "json" in answer ? "application/json; charset=utf-8" : "text/html; charset=utf-8";
  response.writeHead(answer.status, {
    date: new Date(date).toUTCString(),
    "content-type": type,
    ...answer.headers,
  });
  response.end("json" in answer ? JSON.stringify(answer.json) : answer.html);
}
