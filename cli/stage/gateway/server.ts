import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";

import { listen } from "../loopback.ts";
import { type CheckedRequest, checkRequest } from "./check-request.ts";
import { apiError, type ErrorAnswer, page } from "./errors.ts";
import type { Framing, GatewayFault } from "./faults.ts";
import { countTokens, type Pace, type Said, type Step, streamSteps } from "./stream.ts";

export interface GatewayOptions {
  /** Keys that are taken, as Bearer. */
  readonly keys: readonly string[];
  readonly models: readonly string[];
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly pace?: Partial<Pace>;
  readonly framing?: Partial<Framing>;
  /** The model that answers in place of the one that was asked for. */
  readonly servedModel?: string;
  readonly finishReason?: string;
  readonly retryAfterSeconds?: number;
}

/** A request as it was answered. */
export interface GatewayCall {
  readonly model: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly tokens: number;
}

export interface Gateway {
  /** What stands before `/chat/completions`. */
  readonly url: string;
  readonly setFault: (fault: GatewayFault | null) => void;
  readonly setPace: (pace: Partial<Pace>) => void;
  readonly calls: () => readonly GatewayCall[];
  readonly stop: () => Promise<void>;
}

const defaultPace: Pace = { ttftMs: 60, interTokenMs: 10 };
const defaultFraming: Framing = { lineEnd: "\n", comments: false, bytesPerWrite: null };

/** An OpenAI-compatible gateway on this machine, as strict as the real API, with a switch for each fault. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  let fault: GatewayFault | null = null;
  let pace = { ...defaultPace, ...options.pace };
  const framing = { ...defaultFraming, ...options.framing };
  const calls: GatewayCall[] = [];

  const exchange = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    if (fault === "hangs") return;
    if (fault === "resets") {
      response.destroy();
      return;
    }
    const taken = check(request, body, options, fault);
    const [model, tokens] =
      "model" in taken ? [taken.model, countTokens(taken, fault).total_tokens] : ["", 0];
    calls.push({
      model,
      status: "status" in taken ? taken.status : 200,
      headers: headersOf(request),
      tokens,
    });
    if ("status" in taken) return writeError(response, taken);
    const said: Said = {
      id: `chatcmpl-${calls.length}`,
      created: Math.floor(options.now() / 1000),
      model: options.servedModel ?? taken.model,
      finishReason: options.finishReason ?? "length",
    };
    if (!taken.stream || fault === "ignores-stream") return writeWhole(response, taken, said, pace, fault);
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
    });
    response.flushHeaders();
    await play(response, streamSteps(taken, said, pace, framing, fault), framing);
  };

  const server = createServer((request, response) => {
    exchange(request, response).catch(() => response.destroy());
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    setFault: (next) => {
      fault = next;
    },
    setPace: (next) => {
      pace = { ...pace, ...next };
    },
    calls: () => [...calls],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** In the order in which the real API looks: path, key, body, model; faults of the way come first. */
function check(
  request: IncomingMessage,
  body: string,
  options: GatewayOptions,
  fault: GatewayFault | null,
): CheckedRequest | ErrorAnswer {
  const before = byFault(fault, options);
  if (before) return before;
  const path = request.url?.split("?", 1)[0];
  if (path !== "/v1/chat/completions")
    return apiError(404, { message: `Invalid URL (${request.method} ${path})` });
  if (request.method !== "POST")
    return apiError(405, {
      message: `Not allowed to ${request.method} on ${path}.`,
      code: "method_not_supported",
    });
  const [scheme, key = ""] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Bearer" || key === "") return apiError(401, { message: "No API key was provided." });
  if (!options.keys.includes(key))
    return apiError(401, { message: `Incorrect API key provided: ${key}.`, code: "invalid_api_key" });
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? ""))
    return apiError(400, { message: "The Content-Type is not application/json." });
  const taken = checkRequest(body);
  if ("status" in taken || options.models.includes(taken.model)) return taken;
  const message = `The model \`${taken.model}\` does not exist or you do not have access to it.`;
  return apiError(404, { message, code: "model_not_found" });
}

function byFault(fault: GatewayFault | null, { retryAfterSeconds = 20 }: GatewayOptions): ErrorAnswer | null {
  const trouble = (message: string) => ({ message, type: "server_error" });
  switch (fault) {
    case "forbidden":
      return apiError(403, { message: "The key may not use this model.", code: "model_access_denied" });
    case "rate-limited":
      return apiError(
        429,
        { message: "Rate limit reached for requests.", type: "requests", code: "rate_limit_exceeded" },
        { "retry-after": String(retryAfterSeconds) },
      );
    case "quota-spent":
      return apiError(429, {
        message: "The quota is used up.",
        type: "insufficient_quota",
        code: "insufficient_quota",
      });
    case "server-error":
      return apiError(500, trouble("The server had an error."));
    case "bad-gateway":
      return page(502, "502 Bad Gateway");
    case "no-backend":
      return page(503, "503 Service Temporarily Unavailable");
    case "overloaded":
      return apiError(503, trouble("The engine is overloaded."));
    case "gateway-timeout":
      return page(504, "504 Gateway Time-out");
    case "html":
      return page(200, "Sign in");
    case "not-found-page":
      return page(404, "404 Not Found");
    case "redirects":
      return page(307, "Moved", { location: "https://gateway.example.com/v1/chat/completions" });
    case "refuses-parameter":
      return apiError(400, {
        message: "Unsupported parameter: 'max_tokens' is not supported with this model.",
        param: "max_tokens",
        code: "unsupported_parameter",
      });
    case "other-json":
      return { status: 200, type: "application/json", body: '{"status":"ok"}' };
    default:
      return null;
  }
}

function headersOf(request: IncomingMessage): GatewayCall["headers"] {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
}

function writeError(response: ServerResponse, { status, type, body, headers = {} }: ErrorAnswer): void {
  response.writeHead(status, { "content-type": type, ...headers }).end(body);
}

async function writeWhole(
  response: ServerResponse,
  request: CheckedRequest,
  { id, created, model, finishReason }: Said,
  { ttftMs, interTokenMs }: Pace,
  fault: GatewayFault | null,
): Promise<void> {
  await pause(ttftMs + request.maxTokens * interTokenMs);
  const message = { role: "assistant", content: "1 2 3", refusal: null };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finishReason }];
  const usage = countTokens(request, fault);
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ id, object: "chat.completion", created, model, choices, usage }));
}

async function play(
  response: ServerResponse,
  steps: readonly Step[],
  { bytesPerWrite }: Framing,
): Promise<void> {
  response.socket?.setNoDelay(true);
  for (const step of steps) {
    if (step.afterMs > 0) await pause(step.afterMs);
    if (response.destroyed) return;
    if ("bytes" in step) await writeIn(response, step.bytes, bytesPerWrite ?? step.bytes.length);
    else if (step.end === "close") response.end();
    else if (step.end === "reset") response.socket?.resetAndDestroy();
  }
}

/** Each piece in a write of its own; a turn of the loop between, so that they are not joined. */
async function writeIn(response: ServerResponse, bytes: Buffer, size: number): Promise<void> {
  for (let from = 0; from < bytes.length; from += size) {
    response.write(bytes.subarray(from, from + size));
    if (size < bytes.length) await new Promise((resolve) => setImmediate(resolve));
  }
}
