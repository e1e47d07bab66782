import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

import { serveHttp } from "./loopback.ts";

export interface Posted {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface PlainAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What goes wrong with a request: another answer in place of the real one, or none, before or after it counts. */
export type ServerFault = PlainAnswer | { readonly drop: "before" | "after" };

export interface FaultyServer {
  readonly url: string;
  readonly failNext: (...faults: readonly ServerFault[]) => void;
  readonly stop: () => Promise<void>;
}

/** A web server on loopback that goes wrong when it is told to. */
export async function serveWithFaults(take: (posted: Posted) => PlainAnswer): Promise<FaultyServer> {
  const faults: ServerFault[] = [];
  const { port, stop } = await serveHttp(async (request, response) => {
    const posted = await readPosted(request);
    const fault = faults.shift();
    if (fault && "drop" in fault) {
      if (fault.drop === "after") take(posted);
      request.socket.destroy();
      return;
    }
    const { status, headers = {}, body = "" } = fault ?? take(posted);
    response.writeHead(status, headers).end(body);
  });
  return { url: `http://127.0.0.1:${port}`, failNext: (...next) => void faults.push(...next), stop };
}

async function readPosted(request: IncomingMessage): Promise<Posted> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const { method = "", url = "", headers } = request;
  return { method, path: url, headers, body: Buffer.concat(chunks).toString() };
}
