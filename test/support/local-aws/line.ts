import { Agent, request as requestHttp } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import {
  type Answering,
  jsonAnswer,
  readBody,
  readRequest,
  sendAnswer,
  type WholeAnswer,
  type WholeRequest,
} from "../exchange.ts";
import { serveHttp } from "../loopback.ts";
import { refuseS3 } from "../s3-server.ts";
import { refuseEvents } from "./event-bus.ts";

export type Service = "s3" | "events" | "slack" | "prometheus";

/** A request of a function to the outside. */
export interface Call {
  readonly service: Service;
  /** Such as `PUT incidents/seoul.json`, `PutEvents`, `chat.postMessage`. */
  readonly what: string;
  /** Whether it changes something there. */
  readonly writes: boolean;
}

/** What happens to a call in place of its answer. After a crash nothing of its process reaches anybody. */
export type Fault =
  | { readonly kind: "answer"; readonly status: number; readonly code: string }
  | { readonly kind: "lose-request" | "lose-answer" | "crash-before" | "crash-after" }
  | { readonly kind: "delay"; readonly ms: number };

export class Crash extends Error {}

/** What a network's lines have in common. */
export interface Network {
  readonly services: Readonly<Record<Service, Answering>>;
  /** Asked once for each call, as it comes. */
  readonly meet: (call: Call) => Fault | null;
  /** Told of each call that has taken effect, before its answer goes back. */
  readonly done: (call: Call) => void;
  /** Calls that are on their way now. */
  inFlight: number;
}

/** One process's way to the outside, and its end: when the process crashes, the line is cut. */
export interface Line {
  readonly url: string;
  readonly alive: () => boolean;
  /** Rejects when the process crashes. */
  readonly crashed: Promise<never>;
  readonly stop: () => Promise<void>;
}

/** Opens a line: one loopback address that stands for S3, EventBridge, Slack and the targets' servers. */
export async function openLine(network: Network): Promise<Line> {
  let alive = true;
  const { promise: crashed, reject } = Promise.withResolvers<never>();
  crashed.catch(() => undefined);

  /** Null where no answer comes. */
  const carry = async (request: WholeRequest): Promise<WholeAnswer | null> => {
    if (!alive) return null;
    const call = callOf(request);
    const fault = network.meet(call);
    if (fault?.kind === "delay") await sleep(fault.ms);
    if (fault?.kind === "answer") return refusals[call.service](fault.status, fault.code);
    if (fault?.kind === "crash-before") return crash(call);
    if (fault?.kind === "lose-request") return null;
    const answer = await network.services[call.service](request);
    if (answer.status < 300) network.done(call);
    if (fault?.kind === "crash-after") return crash(call);
    return fault?.kind === "lose-answer" ? null : answer;
  };
  const server = await serveHttp(async (incoming, response) => {
    network.inFlight += 1;
    try {
      const answer = await carry(await readRequest(incoming));
      if (answer) sendAnswer(response, answer);
      else response.destroy();
    } catch {
      response.destroy();
    } finally {
      network.inFlight -= 1;
    }
  });
  const crash = (call: Call) => {
    alive = false;
    reject(new Crash(`crashed at ${call.what}`));
    void server.stop();
    return null;
  };
  return { url: `http://127.0.0.1:${server.port}`, alive: () => alive, crashed, stop: server.stop };
}

function callOf({ method, url, headers }: WholeRequest): Call {
  const { pathname } = new URL(url, "http://line");
  const operation = headers["x-amz-target"];
  if (typeof operation === "string")
    return { service: "events", what: operation.replace("AWSEvents.", ""), writes: true };
  const slack = /^\/api\/(?<method>.+)$/.exec(pathname)?.groups?.method;
  if (slack !== undefined) return { service: "slack", what: slack, writes: slack.startsWith("chat.") };
  const query = /^\/prometheus\/(?<target>[^/]+)\/api\/v1\/(?<path>.+)$/.exec(pathname)?.groups;
  if (query) return { service: "prometheus", what: `${query.path} of ${query.target}`, writes: false };
  const key = decodeURIComponent(pathname).replace(/^\/[^/]+\//, "");
  return { service: "s3", what: `${method} ${key}`, writes: method === "PUT" };
}

/** How each service says no. */
const refusals: Readonly<Record<Service, (status: number, code: string) => WholeAnswer>> = {
  s3: refuseS3,
  events: refuseEvents,
  slack: (status, code) => jsonAnswer(status, { ok: false, error: code }),
  prometheus: (status, code) => jsonAnswer(status, { status: "error", errorType: code, error: code }),
};

/** A service that is a server of its own on loopback. */
export function forwardTo(port: number): Answering {
  const agent = new Agent({ keepAlive: true });
  return ({ method, url: path, headers, body }) =>
    new Promise((resolve, reject) => {
      const onward = requestHttp({ host: "127.0.0.1", port, agent, method, path, headers }, (incoming) => {
        const { statusCode = 0, headers: all } = incoming;
        const kept = Object.fromEntries(
          ["content-type", "retry-after"].flatMap((name) => (all[name] ? [[name, String(all[name])]] : [])),
        );
        readBody(incoming).then(
          (whole) => resolve({ status: statusCode, headers: kept, body: whole.toString() }),
          reject,
        );
      });
      onward.on("error", reject);
      onward.end(body);
    });
}
