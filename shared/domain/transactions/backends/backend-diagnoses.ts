import { type Diagnosis, diagnosis } from "../diagnosis.ts";

/** The words by which a backend's diagnoses differ. */
export interface BackendWords {
  /** What is called so, such as "Tempo". */
  readonly title: string;
  /** What takes the data, such as "the collector". */
  readonly taker: string;
  /** The key of config that names the address to send to, and its right form. */
  readonly address: string;
  /** What is sent, such as "trace". */
  readonly thing: string;
}

export type SendDiagnosis =
  | "refused"
  | "dns"
  | "unreachable"
  | "tls"
  | "reset"
  | "timeout"
  | "no-keys"
  | "unauthorized"
  | "forbidden"
  | "wrong-path"
  | "redirected"
  | "html-answer"
  | "too-large"
  | "rate-limited"
  | "bad-request"
  | "partly-rejected"
  | "no-backend"
  | "server-error"
  | "unexpected-status"
  | "clock-skew";

export type ReadDiagnosis =
  | "never-visible"
  | "not-yet-visible"
  | "slow"
  | "incomplete"
  | "altered"
  | "read-unauthorized"
  | "read-wrong-path"
  | "read-limited"
  | "read-unreachable"
  | "read-failed"
  | "read-refused"
  | "not-deleted";

export type BackendDiagnosis = SendDiagnosis | ReadDiagnosis;

/** What can go wrong on the way to any backend; each one words anew what it knows better. */
export function sendDiagnoses({ title, taker, address, thing }: BackendWords) {
  return {
    refused: diagnosis(
      "fail",
      "connection refused",
      `nothing listens at the address of ${taker}`,
      `check that ${taker} runs and that its Service has the port of ${address}`,
    ),
    dns: diagnosis(
      "fail",
      "the host name does not resolve",
      `the host name of ${taker} does not resolve from here`,
      "check the name and its record; a name in .svc or a private zone resolves only inside its cluster or VPC",
    ),
    unreachable: diagnosis(
      "fail",
      "no connection in time",
      `the address of ${taker} cannot be reached`,
      "check route, security groups and load balancer: the name resolves, and nobody answers the connection",
    ),
    tls: diagnosis(
      "fail",
      "TLS fails",
      `no TLS connection to ${taker}`,
      "check the certificate and the scheme of the URL; a private authority's certificate goes into ca",
    ),
    reset: diagnosis(
      "fail",
      "the connection is closed without an answer",
      `${taker}, or what stands before it, closes the connection without an answer`,
      "check that this is the HTTP port, not gRPC's; then look for restarts (out of memory)",
    ),
    timeout: diagnosis(
      "fail",
      "no answer in time",
      `${taker} accepts connections and answers nothing`,
      "look at its CPU, memory and log; where it waits for its own storage, that is what hangs",
    ),
    "no-keys": diagnosis(
      "unknown",
      "a secret cannot be read, or a header cannot hold it",
      `Sonde's own keys for ${title} are not at hand`,
      "store each header's whole value in the secret that config names for it",
    ),
    unauthorized: diagnosis(
      "fail",
      "401",
      `${taker} does not accept the credentials`,
      "check the header's name and the secret's value: all that stands after the colon, `Bearer ` or `Basic ` included",
    ),
    forbidden: diagnosis(
      "fail",
      "403",
      `${taker}, or what stands before it, forbids the request`,
      "check what the key may do, and the rules of the proxy or WAF",
    ),
    "wrong-path": diagnosis(
      "fail",
      "404 or 405",
      `nothing takes a ${thing} at this path`,
      `make ${address} right: Sonde adds the path itself, and an ingress must pass it on unchanged`,
    ),
    redirected: diagnosis(
      "fail",
      "3xx",
      "the POST is redirected, and exporters do not follow",
      `write the address that it redirects to into ${address} and the exporters, https:// included`,
    ),
    "html-answer": diagnosis(
      "fail",
      "2xx with a web page",
      "a web page answers in place of the API: a UI or a login page takes the request",
      `route the path to ${taker} before the catch-all, and let the auth proxy skip it`,
    ),
    "too-large": diagnosis(
      "fail",
      "413",
      `what stands before ${taker} limits the size of bodies`,
      "raise it: nginx.ingress.kubernetes.io/proxy-body-size, client_max_body_size or the WAF's body limit",
    ),
    "rate-limited": diagnosis(
      "fail",
      "429 to the POST",
      `${title} takes no more for now: the team's data is refused as well`,
      "see which limit it names; send less, or raise it",
    ),
    "bad-request": diagnosis(
      "fail",
      "400, 415 or another 4xx",
      `${taker} refuses the request`,
      "see what it says: a proxy that changes bodies, content type or encoding, or a limit on content",
    ),
    "partly-rejected": diagnosis(
      "fail",
      "accepted, and the answer says that some was rejected",
      `${taker} answers 2xx and drops a part of what it was sent`,
      "see what it says; exporters drop such a part without a word",
    ),
    "no-backend": diagnosis(
      "fail",
      "502, 503 or 504",
      `${taker} is not ready, is overloaded, or has no healthy instance behind its load balancer`,
      "look at its pods, queues and memory limiter",
    ),
    "server-error": diagnosis(
      "fail",
      "another 5xx",
      `${taker} fails on the request`,
      "its log has the reason at this time",
    ),
    "unexpected-status": diagnosis(
      "fail",
      "another status",
      `something else than ${taker} answers`,
      "look at what stands at this address",
    ),
    "clock-skew": diagnosis(
      "warn",
      "the Date header is off by seconds",
      `the clocks of ${taker} and of this machine differ: times will look wrong, and old or future data may be refused`,
      "check NTP (chrony) on its nodes, then here",
    ),
  } as const satisfies Readonly<Record<SendDiagnosis, Diagnosis>>;
}

export function readDiagnoses({ title, taker, thing }: BackendWords) {
  return {
    "never-visible": diagnosis(
      "fail",
      "accepted, and not visible long after it usually is",
      `the ${thing} was accepted and never reaches ${title}`,
      `look at what ${taker} does with it: its exporters and queues, then ${title}'s own log`,
    ),
    "not-yet-visible": diagnosis(
      "unknown",
      "accepted, not visible in time, and no history to judge by",
      `the ${thing} was accepted and is not visible yet; without earlier runs nobody can say whether that is slow or never`,
      "wait for the next run, which looks for it again",
    ),
    slow: diagnosis(
      "warn",
      "visible, much later than usual",
      `the way to ${title} is slow: something queues`,
      `look at the queues and batches of ${taker}, and at ${title}'s load; nothing is lost`,
    ),
    incomplete: diagnosis(
      "fail",
      "visible, parts are missing",
      `${title} has the ${thing} without some of its parts`,
      "look at what drops them on the way: sampling, filters, limits on size",
    ),
    altered: diagnosis(
      "fail",
      "visible, fields are lost or changed",
      "what is stored differs from what was sent",
      `look at what changes it on the way (processors, masking), and at ${title}'s limits on attributes`,
    ),
    "read-unauthorized": diagnosis(
      "unknown",
      "accepted, reading answers 401 or 403",
      `the ${thing} was accepted, and Sonde may not read ${title}`,
      "give reading its own headers (queryHeaders) where it needs another key, and the right to read",
    ),
    "read-wrong-path": diagnosis(
      "unknown",
      "accepted, reading answers a page, a redirect, or 404 of another kind",
      `${title}'s API is not at the address to read from`,
      `make query name the address of ${title}'s API with its base path, not that of its UI`,
    ),
    "read-limited": diagnosis(
      "unknown",
      "accepted, reading answers 429",
      `the limit of reads is used up: whether the ${thing} arrived is not known`,
      "make every longer, or raise the limit",
    ),
    "read-unreachable": diagnosis(
      "unknown",
      "accepted, no connection to read",
      `the ${thing} was accepted; where it is read back nothing answers`,
      `check query: host, port, DNS and route to ${title}'s API`,
    ),
    "read-failed": diagnosis(
      "fail",
      "accepted, reading answers 5xx",
      `${title} cannot read back what it stores`,
      "look at its queriers and its storage; its UI and Grafana show the same",
    ),
    "read-refused": diagnosis(
      "unknown",
      "accepted, reading answers something else",
      `the ${thing} was accepted and cannot be read back`,
      `see what it says; compare the versions of ${title} and Sonde`,
    ),
    "not-deleted": diagnosis(
      "warn",
      "deletion is refused",
      `${title} does not take Sonde's deletions: probe ${thing}s stay until retention`,
      "give the key the right to delete, or shorten the retention of the project that the probe uses",
    ),
  } as const satisfies Readonly<Record<ReadDiagnosis, Diagnosis>>;
}
