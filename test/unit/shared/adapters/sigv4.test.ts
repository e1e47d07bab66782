import aws4 from "aws4";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AwsCredentials } from "../../../../shared/adapters/aws-credentials.ts";
import type { HttpRequest } from "../../../../shared/adapters/http.ts";
import { encodeParams } from "../../../../shared/adapters/prometheus-request.ts";
import { buildSign } from "../../../../shared/adapters/sigv4.ts";

const instant = Date.parse("2026-11-21T03:04:05Z");
const keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const host = "aps-workspaces.ap-northeast-2.amazonaws.com";
const form = { "content-type": "application/x-www-form-urlencoded" };

function sign(request: HttpRequest, credentials: AwsCredentials) {
  const now = () => instant;
  const signer = buildSign({
    region: "ap-northeast-2",
    service: "aps",
    credentials: async () => credentials,
    now,
  });
  return signer(request, new URL(request.url));
}

/** What aws4, which shares no code with the AWS SDK, signs for the same request. */
function signElsewhere(request: HttpRequest, credentials: AwsCredentials): string | undefined {
  const url = new URL(request.url);
  const signed = aws4.sign(
    {
      method: request.method,
      host: url.host,
      path: url.pathname + url.search,
      service: "aps",
      region: "ap-northeast-2",
      headers: { ...request.headers, host: url.host, "x-amz-date": "20261121T030405Z" },
      extraHeadersToIgnore: { "content-length": true },
      ...(request.body === undefined ? {} : { body: request.body }),
    },
    credentials,
  );
  return signed.headers.Authorization;
}

async function expectSameSignature(request: HttpRequest, credentials: AwsCredentials = keys) {
  const { headers } = await sign(request, credentials);
  const expected = signElsewhere(request, credentials);
  expect(expected).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261121\/ap-northeast-2\/aps\//);
  expect(headers.authorization).toBe(expected);
}

const post = (
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = form,
): HttpRequest => ({
  method: "POST",
  url: `https://${host}${path}`,
  headers,
  body,
  timeoutMs: 1_000,
});
const get = (path: string): HttpRequest => ({
  method: "GET",
  url: `https://${host}${path}`,
  headers: {},
  timeoutMs: 1_000,
});

const name = fc.stringMatching(/^[\w!'()*~.:-]{1,12}$/).filter((text) => text !== "." && text !== "..");
/** Without __proto__, which aws4 loses. */
const paramName = fc.string({ minLength: 1, unit: "binary" }).filter((text) => text !== "__proto__");
const params = fc.array(fc.tuple(paramName, fc.string({ unit: "binary" })), { minLength: 1, maxLength: 5 });

describe("the signer agrees with aws4 on", () => {
  it("a range query in a form body", () =>
    expectSameSignature(
      post(
        "/workspaces/ws-1/api/v1/query_range",
        encodeParams([["query", 'sum by (a) (rate(x{y=~"a|b+"}[5m]))']]),
      ),
    ));

  it("a session token, which is signed too", async () => {
    const temporary = { ...keys, sessionToken: "IQoJb3JpZ2luX2VjE/+==" };
    const request = post("/workspaces/ws-1/api/v1/query", "query=up");
    await expectSameSignature(request, temporary);
    const { headers } = await sign(request, temporary);
    expect(headers.authorization).toContain(
      "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,",
    );
  });

  it("repeated names and odd characters in a query string", () =>
    expectSameSignature(
      get(
        `/workspaces/ws-1/api/v1/label/job/values?${encodeParams([
          ["match[]", 'up{a="é*\'()"}'],
          ["match[]", "b c+d"],
          ["end", "1.5"],
        ])}`,
      ),
    ));

  it("a host with a port", () =>
    expectSameSignature({ ...get("/api/v1/rules"), url: "http://127.0.0.1:8443/api/v1/rules" }));

  it("an escaped path", () => expectSameSignature(get("/workspaces/ws-1/api/v1/label/a%2Fb%3A%20c/values")));

  it("a binary body", () =>
    expectSameSignature(
      post(
        "/workspaces/ws-1/api/v1/remote_write",
        Uint8Array.from({ length: 256 }, (_, i) => i),
        {
          "content-type": "application/x-protobuf",
          "content-encoding": "snappy",
          "x-prometheus-remote-write-version": "0.1.0",
        },
      ),
    ));

  it("any form body", () =>
    fc.assert(
      fc.asyncProperty(params, (pairs) =>
        expectSameSignature(post("/workspaces/ws-1/api/v1/query", encodeParams(pairs))),
      ),
    ));

  it("any path and query string", () =>
    fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 5 }), params, (segments, pairs) =>
        expectSameSignature(get(`/${segments.map(encodeURIComponent).join("/")}?${encodeParams(pairs)}`)),
      ),
    ));
});

it("signatures differ when one byte of the body does", async () => {
  const [one, other] = await Promise.all(
    ["query=up", "query=uq"].map((body) => sign(post("/q", body), keys)),
  );
  expect(one?.headers.authorization).not.toBe(other?.headers.authorization);
});

it("names the token and the signature as secrets", async () => {
  const { secrets } = await sign(post("/q", "query=up"), { ...keys, sessionToken: "token-1" });
  expect(secrets).toEqual(["token-1", expect.stringMatching(/^[0-9a-f]{64}$/)]);
});
