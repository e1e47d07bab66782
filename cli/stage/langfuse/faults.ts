import { gunzipSync, gzipSync } from "node:zlib";

/** What can be wrong with this Langfuse, or with what stands before it. One is on at a time; none is healthy. */
export type LangfuseFault =
  /** The web cannot use Redis: the upload to S3 is done, then the POST hangs. */
  | "web-redis"
  /** The worker does not consume: accepted, never visible. */
  | "worker-stopped"
  /** The worker writes the trace and loses its observations (legacy has a job for each). */
  | "observations-lost"
  | "s3-refused"
  | "s3-unresolvable"
  /** 503 while the key is not cached; what is cached goes on. */
  | "postgres-down"
  | "clickhouse-down"
  /** An unexpected 500, and an unexpected 400. */
  | "web-broken"
  | "web-refuses"
  /** Both read APIs say that the deployment has the other one. */
  | "no-read-path"
  /** The deletion is accepted and never done. */
  | "delete-stuck"
  /** Langfuse Cloud's limits, as if they were used up. */
  | "ingestion-limited"
  | "reads-limited"
  /** A proxy before it: */
  | "proxy-drops-authorization"
  | "proxy-mangles-authorization"
  | "proxy-sends-bearer"
  | "proxy-wrong-bearer"
  | "proxy-too-small"
  | "proxy-no-backend"
  | "proxy-bad-gateway"
  | "proxy-trailing-slash"
  | "proxy-to-https"
  | "proxy-cuts-path"
  | "proxy-other-service"
  | "proxy-single-page"
  | "proxy-single-page-reads"
  | "proxy-drops-content-type"
  | "proxy-truncates-gzip"
  | "proxy-drops-encoding"
  | "proxy-shortens-ids"
  | "proxy-forbids"
  | "proxy-teapot"
  /** Its error page repeats the request's headers. */
  | "proxy-echoes"
  | "proxy-sets-version"
  /** What comes back is not what was sent: */
  | "loses-usage"
  | "loses-metadata"
  | "renames-environment"
  /** A collector or masking on the way that changes texts. */
  | "masks-input"
  | "skips-price";

/** What the fault does to a request on its way in. */
export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** What a proxy with the fault passes on. */
export function passOn(request: Incoming, fault: LangfuseFault | null): Incoming {
  const { headers, body } = request;
  switch (fault) {
    case "proxy-drops-authorization":
      return { ...request, headers: { ...headers, authorization: undefined } };
    case "proxy-mangles-authorization":
      return { ...request, headers: { ...headers, authorization: headers.authorization?.toLowerCase() } };
    case "proxy-sends-bearer":
      return { ...request, headers: { ...headers, authorization: `Bearer ${pairOf(headers).publicKey}` } };
    case "proxy-wrong-bearer":
      return { ...request, headers: { ...headers, authorization: `Bearer ${pairOf(headers).secretKey}` } };
    case "proxy-cuts-path":
      return request.method === "POST" ? { ...request, path: "/" } : request;
    case "proxy-drops-content-type":
      return { ...request, headers: { ...headers, "content-type": undefined } };
    case "proxy-truncates-gzip":
      return { ...request, body: body.subarray(0, body.length >> 1) };
    case "proxy-drops-encoding":
      return { ...request, headers: { ...headers, "content-encoding": undefined } };
    case "proxy-shortens-ids":
      return shortenIds(request);
    case "proxy-sets-version":
      return { ...request, headers: { ...headers, "x-langfuse-ingestion-version": "5" } };
    default:
      return request;
  }
}

/** What a collector does that takes ids for base64. */
function shortenIds(request: Incoming): Incoming {
  if (request.headers["content-encoding"] !== "gzip") return request;
  const text = gunzipSync(request.body).toString();
  const shortened = text.replaceAll(
    /"(\w*[sS]panId|traceId)":"(\w+)"/g,
    (_, key: string, id: string) => `"${key}":"${Buffer.from(id, "hex").toString("base64")}"`,
  );
  return { ...request, body: gzipSync(shortened) };
}

function pairOf(headers: Incoming["headers"]): { publicKey: string; secretKey: string } {
  const pair = Buffer.from(headers.authorization?.split(" ")[1] ?? "", "base64").toString();
  const [publicKey = "", secretKey = ""] = pair.split(":");
  return { publicKey, secretKey };
}
