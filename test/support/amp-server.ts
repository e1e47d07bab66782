import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import protobuf from "protobufjs/minimal.js";
import { uncompress } from "snappyjs";

import { serveHttp } from "./loopback.ts";

/** An answer in place of the usual one, for writes or for reads. */
export interface AmpFault {
  readonly on: "write" | "read";
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AmpServer {
  /** The workspace's address. */
  readonly url: string;
  readonly setFault: (fault: AmpFault | null) => void;
  /** From a write until it can be read, milliseconds. */
  readonly setLag: (lagMs: number) => void;
  readonly refused: readonly string[];
  readonly stop: () => Promise<void>;
}

const workspace = "/workspaces/ws-12345678-90ab-cdef-1234-567890abcdef";

/** Remote write and instant queries of one AMP workspace, as strict as the real one about what it takes. */
export async function startAmp(region: string, now: () => number): Promise<AmpServer> {
  let fault: AmpFault | null = null;
  let lagMs = 0;
  let last: { readonly t: number; readonly v: number; readonly visibleAt: number } | null = null;
  const refused: string[] = [];
  const server = await serveHttp(async (request, response) => {
    const body = await buffer(request);
    const path = request.url?.split("?", 1)[0] ?? "";
    const write = path === `${workspace}/api/v1/remote_write`;
    const read = path === `${workspace}/api/v1/query`;
    const say = (status: number, text: string, headers: Readonly<Record<string, string>> = {}) => {
      if (status >= 400) refused.push(text);
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
    };
    if (!write && !read) return say(404, '{"message":"HTTP 404 Not Found"}');
    if (fault && fault.on === (write ? "write" : "read")) return say(fault.status, fault.body, fault.headers);
    const unsigned = signatureFault(request, region);
    if (unsigned) return say(403, JSON.stringify({ message: unsigned }));
    if (write) {
      const wrong = headerFault(request);
      if (wrong) return say(400, wrong);
      const sample = readSample(uncompress(body));
      if (last && sample.t <= last.t) return say(400, "out of order sample");
      last = { ...sample, visibleAt: now() + lagMs };
      return say(200, "");
    }
    const seen = last && now() >= last.visibleAt ? last : null;
    const result = seen ? [{ metric: {}, value: [seen.t / 1000, String(seen.v)] }] : [];
    return say(200, JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  });
  return {
    url: `http://127.0.0.1:${server.port}${workspace}`,
    setFault: (next) => {
      fault = next;
    },
    setLag: (next) => {
      lagMs = next;
    },
    refused,
    stop: server.stop,
  };
}

function signatureFault({ headers }: IncomingMessage, region: string): string | null {
  const { authorization = "" } = headers;
  if (authorization === "") return "Missing Authentication Token";
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=\w+\/\d{8}\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=[\w;-]+, Signature=[0-9a-f]{64}$/;
  const [, signedFor, service] = pattern.exec(authorization) ?? [];
  if (signedFor !== region) return "Credential should be scoped to a valid region.";
  return service === "aps" ? null : "Credential should be scoped to correct service: 'aps'.";
}

function headerFault({ headers }: IncomingMessage): string | null {
  if (headers["content-encoding"] !== "snappy") return "snappy: corrupt input";
  if (headers["content-type"] !== "application/x-protobuf") return "unsupported content type";
  return headers["x-prometheus-remote-write-version"] ? null : "missing version";
}

/** The one sample of the one series in a WriteRequest. */
function readSample(message: Uint8Array): { t: number; v: number } {
  const series = fieldOf(protobuf.Reader.create(message), 1);
  const reader = protobuf.Reader.create(fieldOf(protobuf.Reader.create(series), 2));
  reader.uint32();
  const v = reader.double();
  reader.uint32();
  return { t: Number(reader.int64()), v };
}

function fieldOf(reader: protobuf.Reader, field: number): Uint8Array {
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field) return reader.bytes();
    reader.skipType(tag & 7);
  }
  throw new Error("the request has no such field");
}
