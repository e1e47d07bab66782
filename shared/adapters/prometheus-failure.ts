import { PrometheusError, type PrometheusErrorKind } from "../domain/prometheus.ts";
import type { HttpAnswer } from "./http.ts";
import { HttpFault, type HttpFaultKind } from "./http-fault.ts";
import { type ErrorBody, readErrorBody } from "./prometheus-error-body.ts";
import { type Failure, parseRetryAfter } from "./retry.ts";

/** What was asked of whom, as far as a message needs it. */
export interface Asked {
  /** The endpoint's address without query string. */
  readonly where: string;
  readonly subject: "the query" | "the samples";
  /** The IAM action that AMP asks for. */
  readonly action: string;
  readonly amp: boolean;
  readonly region: string | undefined;
}

export interface PrometheusFailure extends Failure {
  readonly error: PrometheusError;
}

const kindOfFault: Readonly<Record<HttpFaultKind, PrometheusErrorKind>> = {
  unreachable: "unreachable",
  reset: "unreachable",
  tls: "tls",
  timeout: "timeout",
  "too-large": "too-large",
  credentials: "unauthorized",
  "bad-answer": "bad-answer",
};

/** The failure of an exchange that brought no answer. Anything but an HttpFault is a bug and thrown on. */
export function faultFailure(asked: Asked, fault: unknown): PrometheusFailure {
  if (!(fault instanceof HttpFault)) throw fault;
  const message = `${asked.where}: ${fault.what}; ${fault.next}`;
  return {
    error: new PrometheusError(kindOfFault[fault.kind], message, {
      cause: fault,
      reach: fault.reach ?? undefined,
    }),
    transient: fault.transient,
  };
}

/** The failure that an answer stands for which is not a success in Prometheus's envelope. `now` in Unix ms. */
export function answerFailure(asked: Asked, answer: HttpAnswer, now: number): PrometheusFailure {
  const body = readErrorBody(answer);
  const verdict = judge({ asked, answer, body, now });
  const retryAfterMs = parseRetryAfter(answer.headers["retry-after"], now);
  const said = body.text === "" ? "" : `: ${body.text}`;
  const message = `${asked.where}: ${verdict.what ?? "failed"} (${answer.status}${said}); ${verdict.next}`;
  return {
    error: new PrometheusError(verdict.kind, message, { status: answer.status }),
    transient: verdict.transient ?? false,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

interface Case {
  readonly asked: Asked;
  readonly answer: HttpAnswer;
  readonly body: ErrorBody;
  readonly now: number;
}
interface Judgement {
  readonly kind: PrometheusErrorKind;
  readonly what?: string;
  readonly next: string;
  readonly transient?: boolean;
}

const needsTls = /client sent an http request to an https server|plain http request was sent to https port/i;

function judge(it: Case): Judgement {
  const { status } = it.answer;
  if (needsTls.test(it.body.text)) return tlsMismatch("the server speaks TLS, the address says http://");
  if (status >= 300 && status < 400) return redirected(it);
  if (status === 401) return unauthorized(it);
  if (status === 403) return { kind: "forbidden", what: "access denied", next: accessHint(it) };
  if (status === 429) return rateLimited(it);
  if (it.body.form === "prometheus") return prometheusError(it, it.body.errorType);
  return byStatus(it);
}

function tlsMismatch(what: string): Judgement {
  return { kind: "tls", what, next: "write https:// in the address" };
}

function redirected({ asked, answer }: Case): Judgement {
  const target = URL.parse(answer.headers.location ?? "", asked.where);
  const source = URL.parse(asked.where);
  if (target?.protocol === "https:" && source?.protocol === "http:" && target.hostname === source.hostname) {
    return tlsMismatch("the server redirects to https://");
  }
  return {
    kind: "wrong-path",
    what: `the server redirects to ${target === null ? "nowhere" : target.origin + target.pathname}`,
    next: "use an address that serves the API itself: this may be a login page or a moved server",
  };
}

function unauthorized({ asked, answer }: Case): Judgement {
  const scheme = /^\w+/.exec(answer.headers["www-authenticate"] ?? "")?.[0];
  const wanted = scheme === undefined ? "" : ` (it asks for ${scheme})`;
  const next = asked.amp
    ? `check the AWS credentials and the target's region${wanted}`
    : `check the target's user and password or token${wanted}`;
  return { kind: "unauthorized", what: "the server does not accept the credentials", next };
}

function accessHint({ asked, answer, body, now }: Case): string {
  const { text } = body;
  if (/expired|not yet current|skew/i.test(text) && /signature|skew/i.test(text)) {
    return `set this machine's clock${clockHint(answer, now)}`;
  }
  if (/scoped to (a valid region|correct service)/i.test(text)) {
    return `set the target's region to the workspace's${asked.region === undefined ? "" : ` (${asked.region})`}`;
  }
  if (/missing authentication token/i.test(text)) {
    return "set the target's region, so that requests are signed (SigV4)";
  }
  if (/token.*expired|expired.*token/i.test(text)) {
    return "renew the AWS credentials (aws sso login, or a new session)";
  }
  if (/token.*invalid|unrecognizedclient|invalidclienttoken/i.test(text)) {
    return "check which AWS credentials are in use: this access key is unknown there";
  }
  if (/signature we calculated|invalidsignature|signature.*match/i.test(text)) {
    return "check the secret key, and that no proxy changes path, host or body on the way";
  }
  if (!asked.amp) return "check what the target's user or token may read, and what stands before the server";
  return `allow ${asked.action} on this workspace${asked.region === undefined ? "" : ` in ${asked.region}`} to the role in use`;
}

function clockHint(answer: HttpAnswer, now: number): string {
  const aheadMs = now - Date.parse(answer.headers.date ?? "");
  if (Number.isNaN(aheadMs) || Math.abs(aheadMs) < 1_000) return "";
  return ` (it is ${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? "ahead of" : "behind"} the server's)`;
}

function rateLimited({ asked }: Case): Judgement {
  return {
    kind: "rate-limited",
    what: "too many requests",
    next: asked.amp ? "ask less often, or raise the workspace's quota" : "ask less often",
    transient: true,
  };
}

const parseError = /parse error|invalid parameter|invalid expression/i;
const tooExpensive =
  /hit the (max|aggregated)|maximum number of (chunks|series|samples)|max number of (chunks|series)|too many (samples|series|chunks)|maximum resolution|query timed out|time range exceeds|max_samples_processed|samples processed|exceed\w* the [\w ]*(limit|threshold)/i;

function prometheusError(it: Case, errorType: string): Judgement {
  const { text } = it.body;
  if (errorType === "timeout") return queryTimeout;
  if (tooExpensive.test(text) && !parseError.test(text)) return expensive(it);
  switch (errorType) {
    case "bad_data":
      return refused(it);
    case "execution":
      return it.answer.status >= 500 ? serverError : refused(it);
    case "not_found":
      return wrongPath(it);
    case "unavailable":
    case "internal":
    case "canceled":
      return serverError;
    case "too_many_requests":
      return rateLimited(it);
    default:
      return byStatus(it);
  }
}

/** Asked again, it would time out again, and hold up everybody else's queries meanwhile. */
const queryTimeout: Judgement = {
  kind: "timeout",
  what: "the query timed out on the server",
  next: "ask for less: a shorter range, fewer series, or a recording rule",
};
const serverError: Judgement = {
  kind: "server-error",
  what: "the server is in trouble",
  next: "look at its log and resources; what stands before it (ingress, load balancer) may say so in its place",
  transient: true,
};

function refused({ asked }: Case): Judgement {
  return {
    kind: "bad-query",
    what: `the server refuses ${asked.subject}`,
    next: `correct ${asked.subject}`,
  };
}

function expensive({ asked }: Case): Judgement {
  return {
    kind: "too-expensive",
    what: "the query reads too much",
    next: `ask for less: a shorter range, a larger step, fewer series, or a recording rule${asked.amp ? "; maxSamples is the limit of this query" : ""}`,
  };
}

function wrongPath({ asked }: Case): Judgement {
  const next = asked.amp
    ? "check region and workspace id: the address ends in /workspaces/ws-…"
    : "check the address: it is what stands before /api/v1, with the route prefix if there is one";
  return { kind: "wrong-path", what: "no Prometheus API there", next };
}

function byStatus(it: Case): Judgement {
  const { status } = it.answer;
  const { text, form } = it.body;
  if (status < 300) return notPrometheus(it);
  if (tooExpensive.test(text) && form !== "html") return expensive(it);
  if (status === 404 || status === 405 || status === 410) return wrongPath(it);
  if (status === 407) return unauthorized(it);
  if (status === 408) return { ...queryTimeout, what: "the server gave up waiting", transient: true };
  if (status === 413 || status === 414 || status === 431) {
    return { kind: "bad-query", what: "the request is too large", next: `shorten ${it.asked.subject}` };
  }
  if (status === 504) return { ...queryTimeout, what: "a gateway gave up waiting", transient: true };
  if (status >= 500) return serverError;
  return refused(it);
}

function notPrometheus({ body }: Case): Judgement {
  if (body.form === "json" || body.form === "prometheus") {
    return { kind: "bad-answer", what: "the answer is JSON but not Prometheus's", next: "check the address" };
  }
  const next =
    body.form === "html"
      ? "check the address: an ingress, a login page or Grafana answers in Prometheus's place"
      : "check the address, and that the answer is not cut off on the way";
  return {
    kind: "not-json",
    what: body.form === "html" ? "the answer is an HTML page" : "the answer is not JSON",
    next,
  };
}
