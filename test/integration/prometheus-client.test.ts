import type { RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildSend, type SendOptions } from "../../shared/adapters/http.ts";
import { buildPrometheusClient, type PrometheusOptions } from "../../shared/adapters/prometheus.ts";
import { remoteWriteUrl } from "../../shared/adapters/prometheus-request.ts";
import { buildRemoteWrite, type WrittenSeries } from "../../shared/adapters/remote-write.ts";
import { PrometheusError } from "../../shared/domain/prometheus.ts";
import { type Certificate, makeCertificate } from "../support/certificates.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";
import { type RealPrometheus, startPrometheus } from "../support/real-prometheus.ts";

const now = () => Date.now();
const noAuth = { auth: { kind: "none" } } as const;

function connect(
  url: string,
  { auth, ca }: Pick<SendOptions, "auth" | "ca"> = noAuth,
  options: Partial<PrometheusOptions> = {},
) {
  const send = buildSend({ auth, now, ...(ca === undefined ? {} : { ca }) });
  return buildPrometheusClient({ url, send, amp: false, now, sleep, random: Math.random, ...options });
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof PrometheusError ? error : undefined),
  );

describe("with a real Prometheus, the client", () => {
  let prometheus: RealPrometheus;
  const step = 15_000;
  const end = Math.floor(Date.now() / step) * step;
  const start = end - 4 * step;
  const span = { start, end };
  const values = [
    0.1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1.7976931348623157e308,
  ];
  const hostile = { quote: 'a"b', newline: "a\nb", comma: "a,b={}", emoji: "🔥", backslash: "\\" };
  const written: WrittenSeries[] = [
    { labels: { __name__: "odd", ...hostile }, samples: values.map((v, i) => ({ t: start + i * step, v })) },
    {
      labels: { __name__: "gone" },
      samples: [
        { t: start, v: 1 },
        { t: start + step, v: "stale" },
      ],
    },
  ];

  beforeAll(async () => {
    prometheus = await startPrometheus();
    const url = remoteWriteUrl(prometheus.url, false);
    await buildRemoteWrite({ url, send: buildSend({ ...noAuth, now }), now })(written);
  });
  afterAll(() => prometheus.stop());

  it("reads back every written value, NaN and the infinities included", async () => {
    const { data } = await connect(prometheus.url).queryRange({ query: "odd", ...span, step });
    expect(data).toEqual([
      {
        labels: { __name__: "odd", ...hostile },
        samples: values.map((v, i) => ({ t: start + i * step, v })),
      },
    ]);
  });

  it("sees a series end at a staleness marker", async () => {
    const { data } = await connect(prometheus.url).queryRange({ query: "gone", ...span, step });
    expect(data.map(({ samples }) => samples)).toEqual([[{ t: start, v: 1 }]]);
  });

  it("reads NaN as a value, not as absence", async () => {
    const { data } = await connect(prometheus.url).queryInstant({ query: "odd", at: start + step });
    expect(data.map(({ sample }) => sample)).toEqual([{ t: start + step, v: Number.NaN }]);
  });

  it("takes a scalar for one series without labels", async () => {
    const { data } = await connect(prometheus.url).queryInstant({ query: "2 ^ 10", at: end });
    expect(data).toEqual([{ labels: {}, sample: { t: end, v: 1024 } }]);
  });

  it("lists series, label values, metadata and rules", async () => {
    const client = connect(prometheus.url);
    expect((await client.listSeries({ match: ["odd", "gone"], ...span })).data).toEqual([
      { __name__: "gone" },
      { __name__: "odd", ...hostile },
    ]);
    const all = { label: "__name__", ...span };
    expect((await client.listLabelValues({ ...all, match: [] })).data).toEqual(["gone", "odd"]);
    expect((await client.listLabelValues({ ...all, match: ['{comma!=""}'] })).data).toEqual(["odd"]);
    expect(await client.listMetadata()).toEqual({ data: {}, notices: [] });
    expect(await client.listRules()).toEqual({ data: [], notices: [] });
  });

  it("is told how many samples a query read", async () => {
    const client = connect(prometheus.url, noAuth, { stats: true });
    expect((await client.queryInstant({ query: "odd", at: end })).samplesProcessed).toBe(1);
    expect(
      (await connect(prometheus.url).queryInstant({ query: "odd", at: end })).samplesProcessed,
    ).toBeUndefined();
  });

  it.each([
    ["sum(", "bad-query", /parse error: unclosed left parenthesis/],
    ["odd[5m]", "bad-query", /matrix, not a vector/],
    ['"text"', "bad-query", /string, not a vector/],
    ["odd * on() group_left() (odd or gone)", "bad-query", /many-to-many|duplicate/],
  ] as const)("says what is wrong with %s", async (query, kind, message) => {
    const error = await failure(connect(prometheus.url).queryInstant({ query, at: start }));
    expect(error).toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  it("calls too many points too expensive", async () => {
    const error = await failure(connect(prometheus.url).queryRange({ query: "odd", start: 0, end, step }));
    expect(error).toMatchObject({ kind: "too-expensive", status: 400 });
  });

  it("calls a route prefix that is missing a wrong path", async () => {
    const error = await failure(
      connect(`${prometheus.url}/prometheus`).queryInstant({ query: "up", at: end }),
    );
    expect(error).toMatchObject({ kind: "wrong-path", status: 404 });
  });

  it("says that https:// was written for a server that speaks plain HTTP", async () => {
    const url = prometheus.url.replace("http:", "https:");
    const error = await failure(connect(url).queryInstant({ query: "up", at: end }));
    expect(error).toMatchObject({ kind: "tls", message: expect.stringContaining("write http://") });
  });

  it("writes many samples in several requests", async () => {
    const requests: number[] = [];
    const plain = buildSend({ ...noAuth, now });
    const url = remoteWriteUrl(prometheus.url, false);
    const write = buildRemoteWrite({
      url,
      now,
      send: (request) => {
        requests.push(request.body?.length ?? 0);
        return plain(request);
      },
    });
    const from = end - 20 * 3_600_000;
    const samples = Array.from({ length: 60_000 }, (_, i) => ({ t: from + i * 1_000, v: i }));
    await write([{ labels: { __name__: "many" }, samples }]);
    expect(requests.length).toBeGreaterThan(1);
    const { data } = await connect(prometheus.url).queryInstant({
      query: "count_over_time(many[1d])",
      at: end,
    });
    expect(data[0]?.sample.v).toBe(60_000);
  });

  it("may write the same samples again, but no other value at the newest time", async () => {
    const url = remoteWriteUrl(prometheus.url, false);
    const write = buildRemoteWrite({ url, send: buildSend({ ...noAuth, now }), now });
    await write(written);
    const error = await failure(
      write([{ labels: { __name__: "gone" }, samples: [{ t: start + step, v: 2 }] }]),
    );
    expect(error).toMatchObject({ status: 400, message: expect.stringContaining("duplicate sample") });
  });
});

describe("with a Prometheus behind TLS and basic auth, the client", () => {
  const hosts = ["localhost", "127.0.0.1"];
  let certificate: Certificate;
  const password = "correct horse";
  /** bcrypt of the password, at the lowest cost. */
  const hash = "$2b$04$SondeTestSaltSondeTesejIOMCizuALbflcWjru2gcDQY9LlsZj.";
  const right = { kind: "basic", user: "sonde", password } as const;
  const ask = { query: "vector(1)", at: 1_000 };
  let prometheus: RealPrometheus;

  beforeAll(async () => {
    certificate = await makeCertificate(hosts);
    prometheus = await startPrometheus({ certificate, users: { sonde: hash } });
  });
  afterAll(() => prometheus.stop());

  it("is let in with the authority's certificate, user and password", async () => {
    const client = connect(prometheus.url, { auth: right, ca: certificate.cert });
    expect((await client.queryInstant(ask)).data).toEqual([{ labels: {}, sample: { t: 1_000, v: 1 } }]);
  });

  it("does not trust a certificate without a known authority", async () => {
    const error = await failure(connect(prometheus.url, { auth: right }).queryInstant(ask));
    expect(error).toMatchObject({ kind: "tls", message: expect.stringContaining("as the target's ca") });
  });

  it("does not trust another authority", async () => {
    const other = (await makeCertificate(hosts)).cert;
    const error = await failure(connect(prometheus.url, { auth: right, ca: other }).queryInstant(ask));
    expect(error).toMatchObject({ kind: "tls" });
  });

  it("is told that http:// was written for a server that speaks TLS", async () => {
    const url = prometheus.url.replace("https:", "http:");
    const error = await failure(connect(url, { auth: right }).queryInstant(ask));
    expect(error).toMatchObject({ kind: "tls", message: expect.stringContaining("write https://") });
  });

  it("is turned away with a wrong password, and does not show it", async () => {
    const wrong = { kind: "basic", user: "sonde", password: "hunter2" } as const;
    const error = await failure(
      connect(prometheus.url, { auth: wrong, ca: certificate.cert }).queryInstant(ask),
    );
    expect(error).toMatchObject({ kind: "unauthorized", status: 401 });
    expect(error?.message).toContain("(it asks for Basic)");
    expect(`${error?.stack} ${JSON.stringify(error)}`).not.toMatch(/hunter2|Authorization|c29uZGU6/i);
  });

  it("is turned away without a password", async () => {
    const error = await failure(
      connect(prometheus.url, { ...noAuth, ca: certificate.cert }).queryInstant(ask),
    );
    expect(error).toMatchObject({ kind: "unauthorized" });
  });
});

describe("with what stands in for AMP and an ingress, the client", () => {
  const credentials = async () => ({ accessKeyId: "AKID", secretAccessKey: "s", sessionToken: "hunter2" });
  const auth = { kind: "sigv4", region: "eu-west-1", service: "aps", credentials } as const;
  const fast = { amp: true, timeoutMs: 200, maxBytes: 10_000, retry: { baseMs: 1 } };
  const ask = { query: "up", at: 1_000, maxSamples: 7 };
  const success = JSON.stringify({ status: "success", data: { resultType: "scalar", result: [1, "1"] } });
  let server: Loopback | undefined;
  afterEach(() => server?.stop());

  /** Each request gets the next answer, the last one again and again. */
  async function against(...answers: RequestListener[]) {
    const seen: string[] = [];
    server = await serveHttp(async (request, response) => {
      seen.push(await text(request));
      const answer = answers[Math.min(seen.length, answers.length) - 1];
      answer?.(request, response);
    });
    const url = `http://127.0.0.1:${server.port}/workspaces/ws-1/api/v1/query`;
    return { seen, query: () => connect(url, { auth }, fast).queryInstant(ask) };
  }
  const answering =
    (status: number, body: string, headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      void response.writeHead(status, headers).end(body);

  it("sends the query signed, with AMP's cost guard", async () => {
    const { seen, query } = await against((request, response) => {
      const signed = /^AWS4-HMAC-SHA256 Credential=AKID\/.*\/aps\//.test(request.headers.authorization ?? "");
      const known =
        request.headers["x-amz-security-token"] === "hunter2" &&
        request.url === "/workspaces/ws-1/api/v1/query";
      response.writeHead(signed && known ? 200 : 403).end(success);
    });
    expect((await query()).data).toEqual([{ labels: {}, sample: { t: 1_000, v: 1 } }]);
    expect(seen).toEqual(["query=up&time=1&max_samples_processed_error_threshold=7"]);
  });

  it.each([
    ["a throttle", answering(429, '{"message":"Rate exceeded"}')],
    ["a bad gateway", answering(502, "<html><title>502 Bad Gateway</title></html>")],
    ["a reset", ((request) => void request.socket.resetAndDestroy()) satisfies RequestListener],
  ])("gets over %s", async (_, trouble) => {
    const { seen, query } = await against(trouble, trouble, answering(200, success));
    expect((await query()).data).toHaveLength(1);
    expect(seen).toHaveLength(3);
  });

  it.each([
    [
      "a denial",
      answering(403, '{"message":"User: arn:aws:sts::1:x is not authorized to perform: aps:QueryMetrics"}'),
      "forbidden",
    ],
    ["an unknown workspace", answering(404, '{"message":"Not found"}'), "wrong-path"],
    [
      "its own timeout",
      answering(
        422,
        '{"status":"error","errorType":"execution","error":"query timed out - consider simplifying your query"}',
      ),
      "too-expensive",
    ],
    ["a login page", answering(200, "<!doctype html><title>Sign in</title>"), "not-json"],
    ["silence", () => {}, "timeout"],
    ["too much", answering(200, `${success}${" ".repeat(10_000)}`), "too-large"],
    ["another tool's JSON", answering(200, '{"ok":true}'), "bad-answer"],
  ] as const)("gives up at %s after one attempt", async (_, trouble, kind) => {
    const { seen, query } = await against(trouble);
    const error = await failure(query());
    expect(error).toMatchObject({
      kind,
      message: expect.stringMatching(/^http:\/\/127.*\/workspaces\/ws-1\/api\/v1\/query: /),
    });
    expect(seen).toHaveLength(1);
  });

  it("shows no token that the server repeats", async () => {
    const { query } = await against((request, response) =>
      response
        .writeHead(403)
        .end(JSON.stringify({ message: `got ${request.headers["x-amz-security-token"]}` })),
    );
    const error = await failure(query());
    expect(error?.message).toContain("got [redacted]");
    expect(`${error?.stack} ${JSON.stringify(error)} ${error?.cause}`).not.toContain("hunter2");
  });
});
