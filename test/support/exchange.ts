import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

/** A request as it came, read to its end. */
export interface WholeRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface WholeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A stand-in for a service: what it answers, without a server around it. */
export type Answering = (request: WholeRequest) => WholeAnswer | Promise<WholeAnswer>;

export async function readRequest(incoming: IncomingMessage): Promise<WholeRequest> {
  const { method = "", url = "/", headers } = incoming;
  return { method, url, headers, body: await readBody(incoming) };
}

export async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

export function sendAnswer(response: ServerResponse, { status, headers, body }: WholeAnswer): void {
  response.writeHead(status, headers).end(body);
}

export function jsonAnswer(status: number, body: object, type = "application/json"): WholeAnswer {
  return { status, headers: { "content-type": type }, body: JSON.stringify(body) };
}
