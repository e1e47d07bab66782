import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import { serveHttp } from "./loopback.ts";

/** A fault for the next write: answer with this error, or do the work and drop the answer. */
export type S3Fault = { readonly status: number; readonly code: string } | "lose-answer";

export interface S3Server {
  readonly url: string;
  readonly objects: Map<string, { body: string; etag: string }>;
  /** Faults that the next writes meet, one each. */
  readonly faults: S3Fault[];
  stop(): Promise<void>;
}

/** Small, so that every list of a few keys has pages; S3's own is 1,000. */
const pageSize = 2;

/** As much of S3's REST API as conditional reads and writes and lists need, with its real statuses and error bodies. */
export async function startS3(): Promise<S3Server> {
  const objects = new Map<string, { body: string; etag: string }>();
  const faults: S3Fault[] = [];
  const { port, stop } = await serveHttp((request, response) => {
    void answer(request, response, objects, faults);
  });
  return { url: `http://127.0.0.1:${port}`, objects, faults, stop };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  objects: S3Server["objects"],
  faults: S3Fault[],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const url = new URL(request.url ?? "/", "http://s3");
  const key = decodeURIComponent(url.pathname);
  const current = objects.get(key);
  if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 "))
    return fail(response, 403, "AccessDenied");
  if (request.method === "GET" && url.searchParams.get("list-type") === "2")
    return list(response, url, objects);
  if (request.method === "GET") {
    if (!current) return fail(response, 404, "NoSuchKey");
    response.writeHead(200, { ETag: current.etag }).end(current.body);
    return;
  }
  if (request.method !== "PUT") return fail(response, 405, "MethodNotAllowed");
  const fault = faults.shift();
  if (fault && fault !== "lose-answer") return fail(response, fault.status, fault.code);
  const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = request.headers;
  if (ifMatch !== undefined && !current) return fail(response, 404, "NoSuchKey");
  if (ifMatch !== undefined && ifMatch !== current?.etag) return fail(response, 412, "PreconditionFailed");
  if (ifNoneMatch === "*" && current) return fail(response, 412, "PreconditionFailed");
  const etag = `"${createHash("md5").update(randomUUID()).digest("hex")}"`;
  objects.set(key, { body: Buffer.concat(chunks).toString(), etag });
  if (fault === "lose-answer") response.destroy();
  else response.writeHead(200, { ETag: etag }).end();
}

/** ListObjectsV2: keys in the order of their bytes; the continuation token is opaque to the client. */
function list(response: ServerResponse, url: URL, objects: S3Server["objects"]): void {
  const bucket = url.pathname.replace(/\/*$/, "/");
  const prefix = url.searchParams.get("prefix") ?? "";
  const after = Buffer.from(url.searchParams.get("continuation-token") ?? "", "base64").toString();
  const all = [...objects.keys()]
    .filter((key) => key.startsWith(bucket + prefix))
    .map((key) => key.slice(bucket.length))
    .filter((key) => key > after)
    .sort();
  const page = all.slice(0, pageSize);
  const rest = all.length > page.length;
  const contents = page.map((key) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`).join("");
  const next = `<NextContinuationToken>${Buffer.from(page.at(-1) ?? "").toString("base64")}</NextContinuationToken>`;
  response
    .writeHead(200, { "content-type": "application/xml" })
    .end(
      `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>${rest}</IsTruncated>${contents}${rest ? next : ""}</ListBucketResult>`,
    );
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function fail(response: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml" }).end(body);
}
