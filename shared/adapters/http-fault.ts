import { type Reach, reachOf } from "../domain/reach.ts";

export type HttpFaultKind =
  | "unreachable"
  | "reset"
  | "tls"
  | "timeout"
  | "too-large"
  | "credentials"
  | "bad-answer";

export interface Finding {
  readonly kind: HttpFaultKind;
  /** What happened. */
  readonly what: string;
  /** What to do next. */
  readonly next: string;
  /** Whether the same request may well succeed a moment later. */
  readonly transient?: boolean;
}

/**
 * An exchange that brought no whole HTTP answer. The message names the origin only: a webhook's path is a
 * secret, as are query strings and headers.
 */
export class HttpFault extends Error {
  override readonly name = "HttpFault";
  readonly kind: HttpFaultKind;
  readonly what: string;
  readonly next: string;
  readonly transient: boolean;
  /** How far it came where no server answered; null where one did, or nothing was tried. */
  readonly reach: Reach | null;

  constructor(origin: string, finding: Finding, cause?: unknown, reach: Reach | null = null) {
    super(`${origin}: ${finding.what}; ${finding.next}`, { cause });
    this.kind = finding.kind;
    this.what = finding.what;
    this.next = finding.next;
    this.transient = finding.transient ?? false;
    this.reach = reach;
  }
}

const plainServer: Finding = {
  kind: "tls",
  what: "the server speaks plain HTTP, the address says https://",
  next: "write http:// in the address, or put TLS before the server",
};
const unknownIssuer: Finding = {
  kind: "tls",
  what: "the server's certificate is not signed by a known authority",
  next: "give the authority's certificate (PEM) as the target's ca",
};
const reset: Finding = {
  kind: "reset",
  what: "the server closed the connection without an answer",
  next: "if this goes on, look at the server's log and at what stands before it (ingress, load balancer)",
  transient: true,
};
const noRoute: Finding = {
  kind: "unreachable",
  what: "no route to the server",
  next: "check the network between here and there: subnets, NAT, VPN",
};

const byCode: Readonly<Record<string, Finding>> = {
  ECONNREFUSED: {
    kind: "unreachable",
    what: "connection refused",
    next: "check host and port, and that the server is running",
    transient: true,
  },
  ENOTFOUND: {
    kind: "unreachable",
    what: "the host name does not resolve",
    next: "check the name; names ending in .svc or .cluster.local resolve only inside their cluster",
  },
  EAI_AGAIN: {
    kind: "unreachable",
    what: "the name server did not answer",
    next: "check the DNS of this network",
    transient: true,
  },
  ETIMEDOUT: {
    kind: "unreachable",
    what: "nobody answered the connection attempt",
    next: "check host, port, route and security groups",
  },
  EHOSTUNREACH: noRoute,
  ENETUNREACH: noRoute,
  ECONNRESET: reset,
  ECONNABORTED: reset,
  EPIPE: reset,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownIssuer,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  CERT_SIGNATURE_FAILURE: unknownIssuer,
  CERT_HAS_EXPIRED: {
    kind: "tls",
    what: "the server's certificate has expired",
    next: "renew it on the server",
  },
  CERT_NOT_YET_VALID: {
    kind: "tls",
    what: "the server's certificate is not valid yet",
    next: "check this machine's clock, then the certificate",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    kind: "tls",
    what: "the server's certificate is for another host name",
    next: "use a name that the certificate lists, or add this one to the certificate",
  },
  ERR_INVALID_CHAR: {
    kind: "credentials",
    what: "a header holds a character that HTTP does not allow",
    next: "check the token, user and password for stray characters",
  },
  HPE_INVALID_CONSTANT: {
    kind: "tls",
    what: "the server's answer is not HTTP",
    next: "if it speaks TLS, write https:// in the address; else check the port",
  },
};

/** What a failed exchange means, by the code and message that Node's http and tls give. */
export function findingOf(error: unknown, scheme: "http:" | "https:"): Finding {
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : "";
  const known = byCode[code];
  if (known?.kind === "reset" && scheme === "http:") {
    return { ...named(known, code), next: `${known.next}; if it speaks TLS, write https:// in the address` };
  }
  if (known !== undefined) return named(known, code);
  if (isTls(code)) return tlsFinding(code, text);
  if (code.startsWith("HPE_")) {
    return {
      kind: "bad-answer",
      what: `the server's answer breaks the HTTP protocol (${code})`,
      next: "check what answers at this address",
    };
  }
  return {
    kind: "unreachable",
    what: `the connection failed (${code === "" ? "no code" : code})`,
    next: "check host, port and network",
  };
}

/** How far an exchange came that ended in an error of Node's, over the address that was tried last. */
export function reachBy(error: unknown, url: URL, address: string | null): Reach | null {
  return reachOf(codeOf(error), url.href, address);
}

/** The code of a Node error; of several attempts (IPv6, then IPv4), of the first. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : "";
}

function named(finding: Finding, code: string): Finding {
  return { ...finding, what: `${finding.what} (${code})` };
}

function isTls(code: string): boolean {
  return code === "EPROTO" || code.startsWith("ERR_SSL_") || /CERT|CRL/.test(code);
}

function tlsFinding(code: string, text: string): Finding {
  const detail = `${code} ${text}`.replaceAll("_", " ");
  if (/wrong version number|packet length too long|http request/i.test(detail)) {
    return named(plainServer, code);
  }
  if (/certificate required|bad certificate/i.test(detail)) {
    return {
      kind: "tls",
      what: `the server asks for a client certificate (${code})`,
      next: "Sonde sends none: use an address that takes a user and password or a token",
    };
  }
  return {
    kind: "tls",
    what: `the TLS handshake failed (${code})`,
    next: "check the server's TLS versions and certificate",
  };
}
