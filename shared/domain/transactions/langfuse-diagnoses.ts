import type { Finding } from "./finding.ts";

interface Diagnosis {
  readonly verdict: Finding["verdict"];
  /** How it shows: the table of the guide has this, and the two below. */
  readonly shows: string;
  readonly cause: string;
  readonly fix: string;
}

const diagnosis = (verdict: Finding["verdict"], shows: string, cause: string, fix: string): Diagnosis => ({
  verdict,
  shows,
  cause,
  fix,
});

/** Each way in which a trace does not get to Langfuse and back, as it shows, what it comes from and what mends it. */
export const langfuseDiagnoses = {
  refused: diagnosis(
    "fail",
    "connection refused",
    "nothing listens at Langfuse's address",
    "check that langfuse-web runs and that its Service and load balancer have this port",
  ),
  dns: diagnosis(
    "fail",
    "the host name does not resolve",
    "Langfuse's host name does not resolve from here",
    "check the name and its record; a name in .svc or a private zone resolves only inside its cluster or VPC",
  ),
  unreachable: diagnosis(
    "fail",
    "no connection in time",
    "Langfuse's address cannot be reached",
    "check route, security groups and load balancer: the name resolves, and nobody answers the connection",
  ),
  tls: diagnosis(
    "fail",
    "TLS fails",
    "no TLS connection to Langfuse",
    "check the certificate and the scheme of the URL; a private authority's certificate goes into langfuse.ca",
  ),
  reset: diagnosis(
    "fail",
    "the connection is closed without an answer",
    "Langfuse, or what stands before it, closes the connection without an answer",
    "look for restarts of langfuse-web (out of memory) and at the load balancer's idle timeout",
  ),
  timeout: diagnosis(
    "fail",
    "neither the POST nor health answers",
    "Langfuse's web container accepts connections and answers nothing",
    "look at langfuse-web's CPU, memory and log; restart it",
  ),
  "web-redis": diagnosis(
    "fail",
    "the POST hangs, health answers 200",
    "langfuse-web cannot use Redis: it is down, not resolvable, or the password is wrong or missing",
    "check REDIS_HOST, REDIS_AUTH or REDIS_CONNECTION_STRING of langfuse-web (special characters in a URL must be percent-encoded), and Redis itself; health does not check it",
  ),
  "no-authorization": diagnosis(
    "fail",
    '401 "No authorization header"',
    "the request arrives without its Authorization header",
    "a proxy takes it away: let the ingress or auth proxy pass Authorization on to Langfuse",
  ),
  "bad-authorization": diagnosis(
    "fail",
    '401 "Invalid authorization header"',
    "the Authorization header arrives changed: Langfuse wants the word Basic spelt so, and base64 of pk:sk after it",
    "look at what rewrites headers between here and Langfuse; exporters must send `Basic`, not `basic`",
  ),
  "invalid-public-key": diagnosis(
    "fail",
    '401 "Invalid public key"',
    "the request arrives as Bearer, with something that is no public key",
    "send Basic base64(pk:sk); if Sonde's own request arrives so, a proxy rewrites Authorization",
  ),
  "unknown-key": diagnosis(
    "fail",
    '401 "Invalid credentials…"',
    "this Langfuse knows no such secret key: it was deleted, is another host's or region's, or the database is a new one",
    "create a key pair in the project's settings and store it as pk:sk in the secret; Langfuse remembers an unknown key for 5 minutes from the last try, so Sonde waits before it tries again",
  ),
  "key-held": diagnosis(
    "fail",
    "the keys were unknown minutes ago",
    "the keys were unknown at the last try, and each new try within 5 minutes would keep them unknown, even if they exist by now",
    "nothing, if the keys have been mended: Sonde tries again by itself; other exporters must pause for 5 minutes, too",
  ),
  "bearer-refused": diagnosis(
    "fail",
    '403 "Access denied…"',
    "the request arrives as Bearer with the public key, which may not ingest",
    "send Basic base64(pk:sk); if Sonde's own request arrives so, a proxy rewrites Authorization",
  ),
  forbidden: diagnosis(
    "fail",
    "403 of another kind",
    "what stands before Langfuse, such as a firewall, forbids the request",
    "allow POST /api/public/otel/v1/traces in the WAF or proxy; Langfuse itself answers 403 only to Bearer",
  ),
  "wrong-public-key": diagnosis(
    "warn",
    "accepted, but the public key does not exist",
    "the public key is not one of this Langfuse's: traces are accepted all the same, since the secret key alone decides",
    "store the public key that belongs to the secret key: which project traces land in is decided by the secret",
  ),
  "wrong-project": diagnosis(
    "fail",
    "the trace is in another project",
    "the trace landed in another project than the one in config: the secret key is that project's",
    "store the keys of the project that langfuse.project names, or correct the name",
  ),
  "base-path": diagnosis(
    "fail",
    "404 with HTML, from health as well",
    "Langfuse is not at this path: the base path in the URL and in NEXT_PUBLIC_BASE_PATH differ, or another service answers",
    "make langfuse.url end in the base path that the image was built with, and let the ingress pass it on unchanged",
  ),
  "wrong-path": diagnosis(
    "fail",
    "404, while health answers",
    "the OTLP path is not served, though Langfuse is there: the ingress routes only a part of /api/public, or this Langfuse is older than 3.22",
    "route all of /api/public to langfuse-web, or upgrade; exporters want …/api/public/otel, and add /v1/traces themselves",
  ),
  "path-cut": diagnosis(
    "fail",
    "405",
    "the POST arrives at another path, usually /",
    "let the ingress pass the path on unchanged: a rewrite-target without a capture group cuts it off",
  ),
  "trailing-slash": diagnosis(
    "fail",
    "308 to the same path with or without a slash",
    "the POST is redirected for its trailing slash, and exporters do not follow",
    "turn the redirect off in the proxy, and give exporters the path without a trailing slash",
  ),
  redirected: diagnosis(
    "fail",
    "3xx to another address",
    "the POST is redirected to another address, and exporters do not follow",
    "write the address that it redirects to into langfuse.url and the exporters' endpoints, https:// included",
  ),
  "s3-upload": diagnosis(
    "fail",
    '500 "Failed to upload JSON to S3"',
    "langfuse-web cannot write to its event bucket: no or wrong credentials, no permission, no such bucket, or a full MinIO disk",
    'check LANGFUSE_S3_EVENT_UPLOAD_* and the role of langfuse-web (s3:PutObject); its log names the reason, such as "Could not load credentials from any providers"',
  ),
  "s3-unresolvable": diagnosis(
    "fail",
    "503, while the database is there",
    "langfuse-web cannot resolve its S3 endpoint",
    "check LANGFUSE_S3_EVENT_UPLOAD_ENDPOINT and _REGION, and the cluster's DNS",
  ),
  "postgres-down": diagnosis(
    "fail",
    "503, and the database check fails",
    "langfuse-web cannot reach Postgres: keys that it has cached still work, others do not",
    "check Postgres, DATABASE_URL and the number of its connections",
  ),
  "no-backend": diagnosis(
    "fail",
    "503 or 504 from what stands before Langfuse",
    "the load balancer has no healthy langfuse-web behind it",
    "look at the pods and at the readiness of langfuse-web",
  ),
  "bad-gateway": diagnosis(
    "fail",
    "502",
    "the load balancer gets no sound answer from langfuse-web",
    "look for restarts of langfuse-web, and at the protocol and port of the ingress' backend",
  ),
  "server-error": diagnosis(
    "fail",
    "500 of another kind",
    "langfuse-web fails on the request",
    "its log has the reason at this time",
  ),
  "bad-content-type": diagnosis(
    "fail",
    "400, content type",
    "the content type arrives changed or not at all",
    "let the proxy pass Content-Type on: application/x-protobuf or application/json",
  ),
  "bad-gzip": diagnosis(
    "fail",
    "400, failed to decompress",
    "the gzip body arrives broken",
    "a proxy cuts bodies off or unpacks them halfway: compare its body limits and buffering",
  ),
  "bad-json": diagnosis(
    "fail",
    "400, failed to parse JSON",
    "the JSON body arrives changed",
    "a proxy rewrites bodies, or unpacks gzip and leaves no Content-Encoding: pass bodies on unchanged",
  ),
  "bad-protobuf": diagnosis(
    "fail",
    "400, failed to parse protobuf",
    "the protobuf body arrives changed",
    "a proxy rewrites bodies, or drops the Content-Encoding header and leaves the gzip: pass both on unchanged",
  ),
  "bad-version": diagnosis(
    "fail",
    "400, unsupported x-langfuse-ingestion-version",
    "the header x-langfuse-ingestion-version has a value that this Langfuse does not know",
    "leave it to the exporter: a proxy sets it, or Langfuse is older than what sends; 4 is the highest",
  ),
  "bad-export": diagnosis(
    "fail",
    "400, invalid trace export",
    "Langfuse takes the batch for invalid; v4 rejects all of it for one bad span",
    "look at what changes spans on the way, such as a collector's processors; ids must be lowercase hex in JSON",
  ),
  "bad-request": diagnosis(
    "fail",
    "400 of another kind",
    "Langfuse refuses the request",
    "see what it says; compare the versions of Langfuse and Sonde",
  ),
  "too-large": diagnosis(
    "fail",
    "413",
    "what stands before Langfuse limits the size of bodies; Langfuse itself does not",
    "raise it: nginx.ingress.kubernetes.io/proxy-body-size, client_max_body_size or the WAF's body limit",
  ),
  "ingestion-limited": diagnosis(
    "fail",
    "429 to the POST",
    "the plan's limit of ingestions a minute is used up: the team's traces are refused as well",
    "batch more in the exporters, sample, or take a larger plan",
  ),
  "html-answer": diagnosis(
    "fail",
    "200 with HTML where JSON is due",
    "a web page answers in place of the API: sub-path routing sends /api to a single-page app or a login page",
    "route /api/public to langfuse-web before the catch-all, and let the auth proxy skip it",
  ),
  "unexpected-status": diagnosis(
    "fail",
    "another status",
    "something else than Langfuse answers",
    "look at what stands at this address",
  ),
  "never-visible": diagnosis(
    "fail",
    "accepted, and not visible long after it usually is",
    "the trace was accepted and is never ingested: langfuse-worker does not consume (its Redis password, a crash loop), or its writes to ClickHouse fail",
    "look at langfuse-worker's log and restarts first, then at ClickHouse's disk and memory; the worker's own /api/health checks Postgres and Redis",
  ),
  "not-yet-visible": diagnosis(
    "unknown",
    "accepted, not visible in time, and no history to judge by",
    "the trace was accepted and is not visible yet; without earlier runs nobody can say whether that is slow or never",
    "wait for the next run, which looks for this trace again; if it stays away, look at langfuse-worker's log",
  ),
  "spans-lost": diagnosis(
    "fail",
    "visible, spans are missing",
    "the trace is visible without some of its spans: their jobs failed or still wait",
    "look at langfuse-worker's log for failed otel-ingestion jobs, and at what drops spans on the way",
  ),
  slow: diagnosis(
    "warn",
    "visible, much later than usual",
    "ingestion is slow: the worker's queue is behind, or ClickHouse is",
    "look at the queue's length and at langfuse-worker's CPU, and add workers; nothing is lost",
  ),
  altered: diagnosis(
    "fail",
    "visible, fields are lost or changed",
    "what is stored differs from what was sent",
    "look at what changes spans on the way (a collector's processors, masking), and at the versions of Langfuse and exporters",
  ),
  "environment-lost": diagnosis(
    "warn",
    "visible, in environment `default`",
    "the environment was not kept: probe traces stand among the team's own",
    "give langfuse.environment lower-case letters, digits, dashes and underscores, not beginning with langfuse; a collector may overwrite deployment.environment.name",
  ),
  "usage-lost": diagnosis(
    "fail",
    "visible, without token counts",
    "token counts are not stored: usage and cost are missing for the team's traces, too",
    "check that nothing drops gen_ai.usage.* on the way; Langfuse wants usage_details as a JSON string",
  ),
  "no-price": diagnosis(
    "warn",
    "visible, a model without cost",
    "Langfuse knows no price of this model: its generations have no cost",
    "add a model definition with prices in the project's settings, whose match pattern fits the model's name",
  ),
  "read-limited": diagnosis(
    "unknown",
    "429 to reading",
    "the plan's limit of reads is used up: whether the trace arrived is not known",
    "make langfuse.every longer, or set langfuse.plan so that Sonde keeps to the limits",
  ),
  "read-failed": diagnosis(
    "fail",
    "accepted, reading answers 5xx",
    "Langfuse cannot read traces back: ClickHouse does not answer",
    "check ClickHouse, CLICKHOUSE_URL and its memory; the UI shows the same",
  ),
  "read-html": diagnosis(
    "fail",
    "accepted, reading answers a page",
    "a web page answers where the read API is due: sub-path routing is wrong for it",
    "route all of /api/public to langfuse-web, query strings included",
  ),
  "read-refused": diagnosis(
    "unknown",
    "accepted, reading is refused",
    "the trace was accepted and cannot be read back",
    "see what it says; on Langfuse Cloud the legacy read API is gone since 2026-11-16",
  ),
  "nextauth-url": diagnosis(
    "warn",
    "/api/auth/providers names another address",
    "NEXTAUTH_URL is not the address that people use: logins fail or end elsewhere; ingestion does not mind",
    "set NEXTAUTH_URL to the public URL, with the base path and /api/auth where there is one; if langfuse.url is an internal address, name the public one in langfuse.publicUrl",
  ),
  "clock-skew": diagnosis(
    "warn",
    "the Date header is off by seconds",
    "the clocks of Langfuse and of this machine differ: times and latencies of traces will look wrong",
    "check NTP (chrony) on the nodes that run Langfuse, then here",
  ),
  "not-deleted": diagnosis(
    "warn",
    "deleted, and still there",
    "traces that Sonde deleted are still there: the worker does not carry deletions out",
    "look at langfuse-worker's log for trace-delete jobs; Sonde goes on trying, and each run reports them",
  ),
  "deletes-spent": diagnosis(
    "unknown",
    "no deletion left today",
    "the deletions that the plan allows are used up: a trace that could not be deleted again is not sent",
    "make langfuse.every longer; the count begins anew at midnight UTC",
  ),
  "no-keys": diagnosis(
    "unknown",
    "the secret cannot be read",
    "Sonde's own keys for Langfuse are not at hand",
    "store pk-lf-…:sk-lf-… in the secret that langfuse.keys names",
  ),
} as const satisfies Readonly<Record<string, Diagnosis>>;

export type LangfuseDiagnosis = keyof typeof langfuseDiagnoses;

/** A finding of the record above, with what was seen of it. */
export function found(id: LangfuseDiagnosis, seen = ""): Finding {
  const { verdict, cause, fix } = langfuseDiagnoses[id];
  return { id, verdict, cause, fix, seen };
}
