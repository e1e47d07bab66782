import type { ReadSecret } from "../domain/secret.ts";
import type { BackendRequest, BackendSettings } from "../domain/transactions/backends/backend.ts";
import type { Exchange } from "../domain/transactions/exchange.ts";
import { exchange } from "./exchange.ts";
import { buildSend, type HttpRequest } from "./http.ts";
import type { Auth } from "./http-auth.ts";
import type { EncodedTrace } from "./langfuse.ts";

export interface BackendClientDeps {
  readonly readSecret: ReadSecret;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds, for the POST and for each other request. */
  readonly postTimeoutMs?: number;
  readonly timeoutMs?: number;
}

/** A backend of traces or logs, with the headers of config. Nothing here throws for what the other side does. */
export interface BackendClient {
  readonly postTrace: (
    url: string,
    headers: Readonly<Record<string, string>>,
    trace: EncodedTrace,
  ) => Promise<Exchange>;
  /** Sends what is to be stored, as JSON. */
  readonly post: (request: BackendRequest) => Promise<Exchange>;
  /** Asks where things are read back, and deleted. */
  readonly ask: (request: BackendRequest) => Promise<Exchange>;
}

const defaultPostTimeoutMs = 20_000;
const defaultTimeoutMs = 15_000;
const largestAnswer = 4 * 1024 * 1024;

/** Secrets are read for each request, so that a change of them needs no restart. */
export function buildBackendClient(
  { headers, queryHeaders, ca }: Pick<BackendSettings, "headers" | "queryHeaders" | "ca">,
  { readSecret, now, postTimeoutMs = defaultPostTimeoutMs, timeoutMs = defaultTimeoutMs }: BackendClientDeps,
): BackendClient {
  const sender = (named: Readonly<Record<string, string>>) => {
    const read = async (): Promise<Auth> => ({ kind: "headers", headers: await readAll(named, readSecret) });
    return buildSend({ auth: { kind: "stored", read }, now, ...(ca === undefined ? {} : { ca }) });
  };
  const [toPost, toAsk] = [sender(headers), sender(queryHeaders)];
  const within = (send: typeof toPost, request: Omit<HttpRequest, "timeoutMs">, ms: number) =>
    exchange(() => send({ ...request, timeoutMs: ms, maxBytes: largestAnswer }), now);
  return {
    postTrace: (url, own, { body, contentType }) =>
      within(
        toPost,
        {
          method: "POST",
          url,
          headers: { ...own, "content-type": contentType, "content-encoding": "gzip" },
          body: process.getBuiltinModule("node:zlib").gzipSync(body),
        },
        postTimeoutMs,
      ),
    post: (request) => within(toPost, toHttp(request), postTimeoutMs),
    ask: (request) => within(toAsk, toHttp(request), timeoutMs),
  };
}

function toHttp({ method, url, headers = {}, body }: BackendRequest): Omit<HttpRequest, "timeoutMs"> {
  if (body === undefined) return { method, url, headers };
  return {
    method,
    url,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

async function readAll(
  named: Readonly<Record<string, string>>,
  readSecret: ReadSecret,
): Promise<Readonly<Record<string, string>>> {
  const read = Object.entries(named).map(async ([name, secret]) => [name, await readSecret(secret)] as const);
  return Object.fromEntries(await Promise.all(read));
}
