import { describe, expect, it } from "vitest";
import type { HttpAnswer } from "../../../../shared/adapters/http.ts";
import { HttpFault, type HttpFaultKind } from "../../../../shared/adapters/http-fault.ts";
import { type Asked, answerFailure, faultFailure } from "../../../../shared/adapters/prometheus-failure.ts";
import type { PrometheusErrorKind } from "../../../../shared/domain/prometheus.ts";

const now = Date.parse("2026-11-21T00:00:00Z");
const local: Asked = {
  where: "http://localhost:9090/api/v1/query",
  subject: "the query",
  action: "aps:QueryMetrics",
  amp: false,
  region: undefined,
};
const amp: Asked = {
  where: "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/query",
  subject: "the query",
  action: "aps:QueryMetrics",
  amp: true,
  region: "eu-west-1",
};

const answer = (status: number, body: string, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  body,
});
const upstream = (status: number, errorType: string, error: string) =>
  answer(status, JSON.stringify({ status: "error", errorType, error }));
const aws = (status: number, message: string, headers: Record<string, string> = {}) =>
  answer(status, JSON.stringify({ message }), headers);
const page = (status: number, title: string) =>
  answer(status, `<!doctype html>\n<html><head><title>${title}</title></head></html>`, {
    "content-type": "text/html",
  });

interface Row {
  readonly name: string;
  readonly asked?: Asked;
  readonly answer: HttpAnswer;
  readonly kind: PrometheusErrorKind;
  readonly says: RegExp;
  readonly transient?: boolean;
}

const rows: readonly Row[] = [
  {
    name: "a query that does not parse",
    answer: upstream(400, "bad_data", 'invalid parameter "query": 1:4: parse error: unexpected end of input'),
    kind: "bad-query",
    says: /refuses the query \(400: invalid parameter "query": 1:4: parse error.*; correct the query/,
  },
  {
    name: "a parse error that quotes words of a limit",
    answer: upstream(400, "bad_data", '1:9: parse error: unexpected identifier "max_samples_processed"'),
    kind: "bad-query",
    says: /correct the query/,
  },
  {
    name: "a query that fails while it runs",
    answer: upstream(422, "execution", 'found duplicate series for the match group {a="1"}'),
    kind: "bad-query",
    says: /found duplicate series/,
  },
  {
    name: "too many samples, of Prometheus",
    answer: upstream(
      422,
      "execution",
      "query processing would load too many samples into memory in query execution",
    ),
    kind: "too-expensive",
    says: /reads too much.*ask for less/,
  },
  {
    name: "too many points",
    answer: upstream(
      400,
      "bad_data",
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution",
    ),
    kind: "too-expensive",
    says: /larger step/,
  },
  {
    name: "AMP's minute is over",
    asked: amp,
    answer: upstream(422, "execution", "query timed out - consider simplifying your query"),
    kind: "too-expensive",
    says: /query timed out.*recording rule/,
  },
  {
    name: "AMP's chunks limit",
    asked: amp,
    answer: upstream(
      422,
      "execution",
      "expanding series: the query hit the max number of chunks limit (limit: 2000000 chunks)",
    ),
    kind: "too-expensive",
    says: /max number of chunks limit/,
  },
  {
    name: "AMP's range limit",
    asked: amp,
    answer: upstream(
      422,
      "execution",
      "the query time range exceeds the limit (query length: 3000h0m0s, limit: 2280h0m0s)",
    ),
    kind: "too-expensive",
    says: /shorter range/,
  },
  {
    name: "AMP's cost guard",
    asked: amp,
    answer: aws(422, "query samples processed exceeded the error threshold 1000"),
    kind: "too-expensive",
    says: /maxSamples/,
  },
  {
    name: "an error inside a 200",
    answer: upstream(200, "execution", "something broke"),
    kind: "bad-query",
    says: /\(200: something broke\)/,
  },
  {
    name: "a query that timed out on the server",
    answer: upstream(503, "timeout", "query timed out in expression evaluation"),
    kind: "timeout",
    says: /timed out on the server \(503/,
  },
  {
    name: "a server that shuts down",
    answer: upstream(503, "canceled", "query was canceled in expression evaluation"),
    kind: "server-error",
    says: /in trouble/,
    transient: true,
  },
  {
    name: "an internal error",
    answer: upstream(500, "internal", "opening storage failed"),
    kind: "server-error",
    says: /opening storage failed/,
    transient: true,
  },
  {
    name: "a server that is not ready",
    answer: answer(503, "Service Unavailable"),
    kind: "server-error",
    says: /503: Service Unavailable/,
    transient: true,
  },
  {
    name: "a bad gateway",
    answer: page(502, "502 Bad Gateway"),
    kind: "server-error",
    says: /502: HTML 502 Bad Gateway.*ingress/,
    transient: true,
  },
  {
    name: "a gateway's timeout",
    answer: page(504, "504 Gateway Time-out"),
    kind: "timeout",
    says: /a gateway gave up/,
    transient: true,
  },
  {
    name: "no credentials",
    answer: answer(401, "Unauthorized\n", { "www-authenticate": 'Basic realm="x"' }),
    kind: "unauthorized",
    says: /user and password or token \(it asks for Basic\)/,
  },
  {
    name: "a proxy's no",
    answer: page(403, "403 Forbidden"),
    kind: "forbidden",
    says: /403: HTML 403 Forbidden.*may read/,
  },
  {
    name: "a missing IAM action",
    asked: amp,
    answer: aws(
      403,
      "User: arn:aws:sts::123456789012:assumed-role/x/y is not authorized to perform: aps:QueryMetrics on resource: r",
    ),
    kind: "forbidden",
    says: /allow aps:QueryMetrics on this workspace in eu-west-1/,
  },
  {
    name: "another call's missing IAM action",
    asked: { ...amp, action: "aps:GetLabels" },
    answer: aws(403, "Forbidden"),
    kind: "forbidden",
    says: /allow aps:GetLabels/,
  },
  {
    name: "a clock that is off",
    asked: amp,
    answer: aws(403, "Signature expired: 20261120T234500Z is now earlier than 20261120T235500Z", {
      date: "Sat, 21 Nov 2026 00:15:00 GMT",
    }),
    kind: "forbidden",
    says: /set this machine's clock \(it is 900 s behind the server's\)/,
  },
  {
    name: "another region",
    asked: amp,
    answer: aws(403, "Credential should be scoped to a valid region, not 'us-east-1'. "),
    kind: "forbidden",
    says: /set the target's region to the workspace's \(eu-west-1\)/,
  },
  {
    name: "a request without a signature",
    answer: aws(403, "Missing Authentication Token"),
    kind: "forbidden",
    says: /set the target's region, so that requests are signed/,
  },
  {
    name: "an expired session",
    asked: amp,
    answer: aws(403, "The security token included in the request is expired"),
    kind: "forbidden",
    says: /renew the AWS credentials/,
  },
  {
    name: "an unknown access key",
    asked: amp,
    answer: aws(403, "The security token included in the request is invalid.", {
      "x-amzn-errortype": "UnrecognizedClientException",
    }),
    kind: "forbidden",
    says: /UnrecognizedClientException: The security token.*this access key is unknown/,
  },
  {
    name: "a wrong secret key",
    asked: amp,
    answer: aws(403, "The request signature we calculated does not match the signature you provided."),
    kind: "forbidden",
    says: /check the secret key/,
  },
  {
    name: "AMP's throttle",
    asked: amp,
    answer: aws(429, "Rate exceeded"),
    kind: "rate-limited",
    says: /too many requests \(429: Rate exceeded\).*quota/,
    transient: true,
  },
  {
    name: "a path without Prometheus",
    answer: answer(404, "404 page not found\n"),
    kind: "wrong-path",
    says: /404: 404 page not found.*before \/api\/v1/,
  },
  {
    name: "an unknown workspace",
    asked: amp,
    answer: aws(404, "Workspace not found"),
    kind: "wrong-path",
    says: /region and workspace id/,
  },
  {
    name: "a call that AMP lacks",
    asked: amp,
    answer: answer(405, ""),
    kind: "wrong-path",
    says: /\(405\)/,
  },
  {
    name: "plain HTTP on Go's TLS port",
    answer: answer(400, "Client sent an HTTP request to an HTTPS server.\n"),
    kind: "tls",
    says: /speaks TLS.*write https:\/\//,
  },
  {
    name: "plain HTTP on nginx's TLS port",
    answer: answer(400, "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"),
    kind: "tls",
    says: /write https:\/\//,
  },
  {
    name: "a redirect to https",
    answer: answer(308, "", { location: "https://localhost/api/v1/query" }),
    kind: "tls",
    says: /redirects to https:\/\//,
  },
  {
    name: "a redirect to a login page",
    answer: answer(302, "", { location: "https://sso.example.com/login?state=secret" }),
    kind: "wrong-path",
    says: /redirects to https:\/\/sso.example.com\/login \(302\)/,
  },
  {
    name: "a login page in place of an answer",
    answer: page(200, "Grafana"),
    kind: "not-json",
    says: /is an HTML page \(200: HTML Grafana\).*login page or Grafana/,
  },
  {
    name: "text in place of an answer",
    answer: answer(200, "ok"),
    kind: "not-json",
    says: /is not JSON \(200: ok\)/,
  },
  {
    name: "an empty answer",
    answer: answer(204, ""),
    kind: "not-json",
    says: /not JSON \(204\)/,
  },
  {
    name: "an answer that was cut off",
    answer: answer(200, '{"status":"success","data":{"resultType":"matrix","result":[{"met'),
    kind: "not-json",
    says: /cut off/,
  },
  {
    name: "somebody else's JSON",
    answer: answer(200, '{"hello":"world"}'),
    kind: "bad-answer",
    says: /JSON but not Prometheus's \(200: \{"hello":"world"\}\)/,
  },
  {
    name: "samples that are refused",
    asked: { ...local, subject: "the samples" },
    answer: answer(400, "out of order sample"),
    kind: "bad-query",
    says: /refuses the samples \(400: out of order sample\); correct the samples/,
  },
  {
    name: "a query that is too long",
    answer: page(413, "413 Request Entity Too Large"),
    kind: "bad-query",
    says: /too large.*shorten the query/,
  },
];

describe("the failure of", () => {
  it.each(rows)("$name is $kind", ({ asked = local, answer: given, kind, says, transient = false }) => {
    const failure = answerFailure(asked, given, now);
    expect(failure.error).toMatchObject({ kind, status: given.status, message: expect.stringMatching(says) });
    expect(failure.transient).toBe(transient);
  });
});

describe("a message", () => {
  it("starts with the address", () => {
    for (const { asked = local, answer: given } of rows) {
      expect(answerFailure(asked, given, now).error.message.startsWith(`${asked.where}: `)).toBe(true);
    }
  });

  it("is one line without control characters, whatever the server sent", () => {
    const noise = "a\n\r\u001b[31mb\u0000c\u2028d\u0085e";
    for (const given of [
      answer(500, noise),
      upstream(400, "bad_data", noise),
      page(502, noise),
      aws(403, noise),
    ]) {
      expect(answerFailure(local, given, now).error.message).toContain("a [31mb c d e");
    }
  });

  it("is bounded", () => {
    const { message } = answerFailure(local, upstream(400, "bad_data", "x".repeat(1_000_000)), now).error;
    expect(message.length).toBeLessThan(600);
  });

  it("leaves out the canonical request that AWS repeats, with its session token", () => {
    const said = `The request signature we calculated does not match. The Canonical String for this request should have been 'POST\n\nx-amz-security-token:hunter2'`;
    const { message } = answerFailure(amp, aws(403, said), now).error;
    expect(message).toContain("does not match.");
    expect(message).not.toContain("hunter2");
  });
});

it("Retry-After is handed on", () => {
  const failure = answerFailure(amp, aws(429, "Rate exceeded", { "retry-after": "3" }), now);
  expect(failure.retryAfterMs).toBe(3_000);
});

describe("an exchange without an answer", () => {
  it.each<[HttpFaultKind, PrometheusErrorKind]>([
    ["unreachable", "unreachable"],
    ["reset", "unreachable"],
    ["tls", "tls"],
    ["timeout", "timeout"],
    ["too-large", "too-large"],
    ["credentials", "unauthorized"],
    ["bad-answer", "bad-answer"],
  ])("that is %s is %s, with the full address", (kind, expected) => {
    const fault = new HttpFault("http://localhost:9090", {
      kind,
      what: "it broke",
      next: "mend it",
      transient: true,
    });
    const failure = faultFailure(local, fault);
    expect(failure.error).toMatchObject({
      kind: expected,
      message: "http://localhost:9090/api/v1/query: it broke; mend it",
      cause: fault,
    });
    expect(failure.transient).toBe(true);
  });

  it("that is a bug is thrown on", () => {
    expect(() => faultFailure(local, new TypeError("bug"))).toThrow("bug");
  });
});
