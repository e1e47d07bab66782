import { createHash, randomUUID } from "node:crypto";

import { readRequest, sendAnswer, type WholeAnswer, type WholeRequest } from "./exchange.ts";
import { serveHttp } from "./loopback.ts";

/** A fault for the next write: answer with this error, or do the work and drop the answer. */
export type S3Fault = { readonly status: number; readonly code: string } | "lose-answer";

/** By path: `/<bucket>/<key>`. */
export type S3Objects = Map<string, { body: string; etag: string }>;

export interface S3Server {
  readonly url: string;
  readonly objects: S3Objects;
  /** Faults that the next writes meet, one each. */
  readonly faults: S3Fault[];
  stop(): Promise<void>;
}

/** Small, so that every list of a few keys has pages; S3's own is 1,000. */
const pageSize = 2;

/** S3 on a loopback port. */
export async function startS3(): Promise<S3Server> {
  const objects: S3Objects = new Map();
  const faults: S3Fault[] = [];
  const { port, stop } = await serveHttp(async (incoming, response) => {
    const request = await readRequest(incoming);
    const fault = request.method === "PUT" ? faults.shift() : undefined;
    if (fault && fault !== "lose-answer") return sendAnswer(response, refuseS3(fault.status, fault.code));
    const answer = answerS3(request, objects);
    if (fault === "lose-answer") response.destroy();
    else sendAnswer(response, answer);
  });
  return { url: `http://127.0.0.1:${port}`, objects, faults, stop };
}

/** As much of S3's REST API as conditional reads and writes and lists need, with its real statuses and error bodies. */
export function answerS3({ method, url, headers, body }: WholeRequest, objects: S3Objects): WholeAnswer {
  const place = new URL(url, "http://s3");
  const key = decodeURIComponent(place.pathname);
  const current = objects.get(key);
  if (!headers.authorization?.startsWith("AWS4-HMAC-SHA256 ")) return refuseS3(403, "AccessDenied");
  if (method === "GET" && place.searchParams.get("list-type") === "2") return list(place, objects);
  if (method === "GET")
    return current
      ? { status: 200, headers: { ETag: current.etag }, body: current.body }
      : refuseS3(404, "NoSuchKey");
  if (method !== "PUT") return refuseS3(405, "MethodNotAllowed");
  const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = headers;
  if (ifMatch !== undefined && !current) return refuseS3(404, "NoSuchKey");
  if (ifMatch !== undefined && ifMatch !== current?.etag) return refuseS3(412, "PreconditionFailed");
  if (ifNoneMatch === "*" && current) return refuseS3(412, "PreconditionFailed");
  const etag = `"${createHash("md5").update(randomUUID()).digest("hex")}"`;
  objects.set(key, { body: body.toString(), etag });
  return { status: 200, headers: { ETag: etag }, body: "" };
}

/** ListObjectsV2: keys in the order of their bytes; the continuation token is opaque to the client. */
function list(place: URL, objects: S3Objects): WholeAnswer {
  const bucket = place.pathname.replace(/\/*$/, "/");
  const prefix = place.searchParams.get("prefix") ?? "";
  const after = Buffer.from(place.searchParams.get("continuation-token") ?? "", "base64").toString();
  const all = [...objects.keys()]
    .filter((key) => key.startsWith(bucket + prefix))
    .map((key) => key.slice(bucket.length))
    .filter((key) => key > after)
    .sort();
  const page = all.slice(0, pageSize);
  const rest = all.length > page.length;
  const contents = page.map((key) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`).join("");
  const next = `<NextContinuationToken>${Buffer.from(page.at(-1) ?? "").toString("base64")}</NextContinuationToken>`;
  return xml(
    200,
    `<ListBucketResult><IsTruncated>${rest}</IsTruncated>${contents}${rest ? next : ""}</ListBucketResult>`,
  );
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

export function refuseS3(status: number, code: string): WholeAnswer {
  return xml(status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function xml(status: number, content: string): WholeAnswer {
  return {
    status,
    headers: { "content-type": "application/xml" },
    body: `<?xml version="1.0" encoding="UTF-8"?>${content}`,
  };
}
