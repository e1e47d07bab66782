import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import {
  type LangfuseStage,
  type LangfuseStageOptions,
  startLangfuse,
} from "../../../../cli/stage/langfuse/server.ts";

const keys = { publicKey: "pk-lf-1", secretKey: "sk-lf-1", project: { id: "p1", name: "agents" } };
const traceId = "0af7651916cd43dd8448eb211c80319c";
let stage: LangfuseStage;
let now: number;

async function start(options: Partial<LangfuseStageOptions> = {}) {
  await stage?.stop();
  stage = await startLangfuse({ keys: [keys], now: () => now, ...options });
}
beforeEach(async () => {
  now = Date.UTC(2026, 10, 25, 3);
  await start();
});
afterEach(() => stage.stop());

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly retryAfter: string | null;
  readonly body: Record<string, unknown>;
}

const basic = (pair = "pk-lf-1:sk-lf-1") => ({ authorization: `Basic ${btoa(pair)}` });

async function call(
  method: string,
  path: string,
  init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } = {},
): Promise<Answer> {
  const answer = await fetch(`${stage.url}${path}`, {
    method,
    headers: basic(),
    redirect: "manual",
    ...init,
  });
  const text = await answer.text();
  const type = answer.headers.get("content-type") ?? "";
  return {
    status: answer.status,
    type,
    retryAfter: answer.headers.get("retry-after"),
    body: type.startsWith("application/json") ? Object(JSON.parse(text)) : { text },
  };
}

const get = (path: string, headers: Record<string, string> = basic()) => call("GET", path, { headers });

function post(body: unknown, headers: Record<string, string> = {}) {
  return call("POST", "/api/public/otel/v1/traces", {
    headers: { "content-type": "application/json", ...basic(), ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const value = (of: unknown) =>
  typeof of === "string"
    ? { stringValue: of }
    : typeof of === "number"
      ? { intValue: String(of) }
      : { arrayValue: { values: Object.values(Object(of)).map((one) => ({ stringValue: one })) } };

function aRequest(attributes: Record<string, unknown> = {}, change: Record<string, unknown> = {}) {
  const span = {
    traceId,
    spanId: "b7ad6b7169203331",
    name: "chat",
    startTimeUnixNano: String(BigInt(now) * 1_000_000n),
    endTimeUnixNano: String(BigInt(now + 500) * 1_000_000n),
    attributes: Object.entries(attributes).map(([key, of]) => ({ key, value: value(of) })),
    ...change,
  };
  return { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
}

const all = "core,basic,time,io,metadata,model,usage,metrics,trace_context";

/** What v4 tells of a span with these attributes. */
async function stored(attributes: Record<string, unknown>, more = ""): Promise<Record<string, unknown>> {
  await post(aRequest(attributes));
  now += 2_000;
  const { body } = await get(`/api/public/v2/observations?traceId=${traceId}&fields=${all}${more}`);
  return Object(Object(body.data)[0]);
}

describe("who may ingest", () => {
  it.each([
    ["the key pair", basic().authorization, 200, undefined],
    ["a wrong public key with the right secret", basic("pk-lf-x:sk-lf-1").authorization, 200, undefined],
    [
      "an unknown secret",
      basic("pk-lf-1:sk-lf-x").authorization,
      401,
      /^Invalid credentials\. Confirm that you've configured the correct host\.$/,
    ],
    ["the public key as Bearer", "Bearer pk-lf-1", 403, /^Access denied - insufficient permissions/],
    ["the secret as Bearer", "Bearer sk-lf-1", 401, /^Invalid public key/],
    ["the pair as Bearer", `Bearer ${btoa("pk-lf-1:sk-lf-1")}`, 401, /^Invalid public key/],
    ["basic in lower case", `basic ${btoa("pk-lf-1:sk-lf-1")}`, 401, /^Invalid authorization header$/],
    ["nobody", "", 401, /^No authorization header$/],
  ])("%s", async (_, authorization, status, message) => {
    const answer = await post({}, { authorization });
    expect(answer.status).toBe(status);
    if (message) expect(answer.body.message).toMatch(message);
    else expect(answer.body).toEqual({});
  });

  it("stays nobody for 300 s after the last try, though the key is there by now", async () => {
    const late = basic("pk-lf-2:sk-lf-2");
    expect((await post({}, late)).status).toBe(401);
    stage.addKey({ ...keys, publicKey: "pk-lf-2", secretKey: "sk-lf-2" });
    now += 299_000;
    expect((await post({}, late)).status).toBe(401);
    now += 299_000;
    expect((await post({}, late)).status).toBe(401);
    now += 300_000;
    expect((await post({}, late)).status).toBe(200);
  });
});

describe("what is refused with 400", () => {
  it.each([
    ["another content type", { "content-type": "text/plain" }, "{}", "Invalid content type"],
    ["gzip that is none", { "content-encoding": "gzip" }, "{}", "Failed to decompress data"],
    ["JSON that is none", {}, "{", "Failed to parse JSON data"],
    [
      "protobuf that is none",
      { "content-type": "application/x-protobuf" },
      "hello",
      "Failed to parse OTel Protobuf Trace",
    ],
    [
      "an ingestion version over 4",
      { "x-langfuse-ingestion-version": "5" },
      "{}",
      "Unsupported x-langfuse-ingestion-version: 5",
    ],
    [
      "one that is no number",
      { "x-langfuse-ingestion-version": "four" },
      "{}",
      "Unsupported x-langfuse-ingestion-version: four",
    ],
    ["what is no export", {}, '{"resourceSpans":1}', "Invalid OTel trace export request"],
  ])("%s", async (_, headers, body, error) => {
    expect(await post(body, headers)).toMatchObject({ status: 400, body: { error } });
  });

  it("is the whole batch for one bad span in v4, and nothing in v3", async () => {
    const bad = aRequest({}, { spanId: "abc" });
    expect(await post(bad)).toMatchObject({
      status: 400,
      body: { error: "Invalid OTel trace export request" },
    });
    await start({ mode: "legacy" });
    expect((await post(bad)).status).toBe(200);
  });
});

describe("what is accepted", () => {
  it("answers with a queue job, gzip or not", async () => {
    expect(await post(aRequest())).toMatchObject({ status: 200, body: { name: "otel-ingestion-job" } });
    const packed = await call("POST", "/api/public/otel/v1/traces", {
      headers: { ...basic(), "content-type": "application/json", "content-encoding": "gzip" },
      body: Uint8Array.from(gzipSync(JSON.stringify(aRequest()))),
    });
    expect(packed.status).toBe(200);
    expect(stage.uploads()).toBe(2);
  });

  it("is visible after the lag, empty until then in v4 and a 404 in v3", async () => {
    await post(aRequest());
    const path = `/api/public/v2/observations?traceId=${traceId}`;
    expect(await get(path)).toMatchObject({ status: 200, body: { data: [], meta: {} } });
    now += 1_300;
    expect((await get(path)).body.data).toHaveLength(1);
    await start({ mode: "legacy", observationLagMs: 500 });
    await post(aRequest());
    const trace = `/api/public/traces/${traceId}`;
    expect(await get(trace)).toMatchObject({
      status: 404,
      body: { message: `Trace ${traceId} not found within authorized project` },
    });
    now += 1_300;
    expect(await get(trace)).toMatchObject({ status: 200, body: { observations: [] } });
    now += 500;
    expect((await get(trace)).body.observations).toHaveLength(1);
  });
});

describe("what becomes of attributes", () => {
  const usage = { "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 200 };
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    [
      "cached tokens are taken out of the input",
      { ...usage, "gen_ai.usage.cache_read.input_tokens": 300 },
      { usageDetails: { input: 700, input_cached_tokens: 300, output: 200, total: 1200 } },
    ],
    [
      "reasoning tokens are taken out of the output",
      { ...usage, "gen_ai.usage.reasoning.output_tokens": 50 },
      { usageDetails: { input: 1000, output: 150, output_reasoning_tokens: 50, total: 1200 } },
    ],
    [
      "usage_details as a JSON string comes first",
      { ...usage, "langfuse.observation.usage_details": '{"input":1}' },
      { usageDetails: { input: 1 } },
    ],
    [
      "an agent keeps no model, usage or cost",
      { ...usage, "gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o-mini" },
      { type: "AGENT", model: "", usageDetails: {}, totalCost: null },
    ],
    ["any model makes a generation", { "gen_ai.request.model": "m" }, { type: "GENERATION", model: "m" }],
    [
      "the response's model comes before the request's",
      { "gen_ai.request.model": "a", "gen_ai.response.model": "b" },
      { model: "b" },
    ],
    ["nothing makes a span", {}, { type: "SPAN", userId: "", sessionId: "", traceName: "" }],
    [
      "a model with a price has a cost",
      { ...usage, "gen_ai.request.model": "gpt-4o-mini" },
      { totalCost: 0.00027 },
    ],
    [
      "a model without one has none",
      { ...usage, "gen_ai.request.model": "m" },
      { totalCost: null, costDetails: {} },
    ],
    [
      "a given cost switches the computed one off",
      { ...usage, "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.cost": 3 },
      { totalCost: 3 },
    ],
    [
      "a tool's name is the observation's",
      { "gen_ai.tool.name": "search" },
      { name: "search", type: "TOOL" },
    ],
    ["the environment is lower-cased", { "langfuse.environment": "Prod" }, { environment: "prod" }],
    ["an invalid one becomes default", { "langfuse.environment": "a b" }, { environment: "default" }],
    [
      "so does one of Langfuse's own",
      { "deployment.environment.name": "langfuse-x" },
      { environment: "default" },
    ],
    ["langfuse.user.id comes before user.id", { "langfuse.user.id": "a", "user.id": "b" }, { userId: "a" }],
    ["a conversation is a session", { "gen_ai.conversation.id": "c" }, { sessionId: "c" }],
    ["tags may be a list", { "langfuse.trace.tags": ["a", "b"] }, { tags: ["a", "b"] }],
    ["or JSON", { "langfuse.trace.tags": '["a","b"]' }, { tags: ["a", "b"] }],
    ["or text with commas", { "langfuse.trace.tags": "a, b" }, { tags: ["a", "b"] }],
    [
      "texts of digits become numbers, unless they are padded",
      {
        "langfuse.observation.metadata.n": "12345",
        "langfuse.trace.metadata.b": "true",
        "langfuse.trace.metadata.p": "00123",
      },
      { metadata: { n: 12345, b: true, p: "00123" } },
    ],
    [
      "the first token's time is given back in seconds",
      { "langfuse.observation.completion_start_time": "2026-11-25T03:00:00.250Z" },
      { timeToFirstToken: 0.25, latency: 0.5 },
    ],
  ])("%s", async (_, attributes, is) => {
    expect(await stored(attributes)).toMatchObject(is);
  });

  it("metadata is cut at 200 characters unless asked for", async () => {
    const long = { "langfuse.trace.metadata.t": "x".repeat(300) };
    expect(Object((await stored(long)).metadata).t).toHaveLength(200);
    expect(Object((await stored(long, "&expandMetadata=t")).metadata).t).toHaveLength(300);
  });

  it("fields are core and basic unless asked for", async () => {
    await post(aRequest());
    now += 2_000;
    const { body } = await get(`/api/public/v2/observations?traceId=${traceId}`);
    expect(Object.keys(Object(Object(body.data)[0]))).not.toContain("usageDetails");
  });

  it("a tenant's observations are found by their metadata", async () => {
    await stored({ "langfuse.trace.metadata.tenant_id": "acme" });
    const by = (tenant: string) => {
      const filter = [
        { type: "stringObject", column: "metadata", key: "tenant_id", operator: "=", value: tenant },
      ];
      return get(`/api/public/v2/observations?filter=${encodeURIComponent(JSON.stringify(filter))}`);
    };
    expect((await by("acme")).body.data).toHaveLength(1);
    expect((await by("other")).body.data).toHaveLength(0);
  });
});

describe("the two write modes", () => {
  it("v4 has no legacy reads, not even for strangers", async () => {
    for (const path of ["traces", `traces/${traceId}`, "metrics", "metrics/daily"])
      expect(await get(`/api/public/${path}`, {})).toMatchObject({
        status: 404,
        body: {
          message: expect.stringContaining(
            "not available on deployments running in Langfuse v4 events_only mode",
          ),
        },
      });
  });

  it("v3 has no v2 reads", async () => {
    await start({ mode: "legacy" });
    for (const path of ["v2/observations", "v2/metrics"])
      expect(await get(`/api/public/${path}`)).toMatchObject({
        status: 404,
        body: { message: expect.stringContaining("only available in a Langfuse v4 write mode") },
      });
    expect((await get("/api/public/health")).body).toEqual({ status: "OK", version: "3.225.0" });
  });
});

describe("deleting", () => {
  it("is accepted for any id, and done 5.5 s later for what can be read", async () => {
    expect((await call("DELETE", "/api/public/traces/any")).status).toBe(200);
    await post(aRequest());
    // Before it is visible this does nothing.
    await call("DELETE", `/api/public/traces/${traceId}`);
    now += 10_000;
    expect(stage.kept()).toEqual([traceId]);
    await call("DELETE", `/api/public/traces/${traceId}`);
    now += 5_400;
    expect(stage.kept()).toEqual([traceId]);
    now += 200;
    expect(stage.kept()).toEqual([]);
  });
});

describe("wrong paths", () => {
  it.each([
    ["POST", "/", 405],
    ["POST", "/v1/traces", 404],
    ["POST", "/api/public/otel/v1/traces/", 308],
    ["GET", "/api/other", 404],
  ])("%s %s is %i without JSON", async (method, path, status) => {
    const answer = await call(method, path);
    expect(answer.status).toBe(status);
    expect(answer.type).toMatch(/^text\/html/);
  });

  it("are all outside the base path", async () => {
    await start({ basePath: "/langfuse" });
    expect((await get("/api/public/health")).status).toBe(200);
    const outside = await fetch(`${new URL(stage.url).origin}/api/public/health`);
    expect([outside.status, outside.headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
  });
});

describe("health and settings", () => {
  it("notices three idle minutes and a database that is away, if asked", async () => {
    now += 181_000;
    expect((await get("/api/public/health")).status).toBe(200);
    expect((await get("/api/public/health?failIfNoRecentEvents=true")).status).toBe(503);
    stage.setFault("postgres-down");
    expect((await get("/api/public/ready")).status).toBe(200);
    expect((await get("/api/public/health?failIfDatabaseUnavailable=true")).status).toBe(503);
  });

  it("goes on with keys that it knows while the database is away", async () => {
    await post({});
    stage.setFault("postgres-down");
    expect((await post({})).status).toBe(200);
    expect((await post({}, basic("pk-lf-2:sk-lf-2"))).status).toBe(503);
  });

  it("shows NEXTAUTH_URL in the providers' links", async () => {
    await start({ nextauthUrl: "https://lf.example.com/base/api/auth" });
    expect((await get("/api/auth/providers", {})).body).toMatchObject({
      credentials: {
        signinUrl: "https://lf.example.com/base/api/auth/signin/credentials",
        callbackUrl: "https://lf.example.com/base/api/auth/callback/credentials",
      },
    });
  });
});

describe("Cloud's limits", () => {
  it.each([
    ["hobby", "/api/public/v2/observations", 30],
    ["core", "/api/public/v2/observations", 100],
  ] as const)("on %s let %s be read %i times a minute", async (plan, path, count) => {
    await start({ plan });
    for (let asked = 0; asked < count; asked++) expect((await get(path)).status).toBe(200);
    expect(await get(path)).toMatchObject({ status: 429, retryAfter: "60" });
    now += 60_000;
    expect((await get(path)).status).toBe(200);
  });
});

describe("metrics", () => {
  const query = (more: object) =>
    `/api/public/v2/metrics?query=${encodeURIComponent(
      JSON.stringify({
        view: "observations",
        metrics: [{ measure: "inputTokens", aggregation: "sum" }],
        fromTimestamp: "2026-11-25T00:00:00Z",
        toTimestamp: "2026-11-26T00:00:00Z",
        ...more,
      }),
    )}`;
  const spent = {
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.cache_read.input_tokens": 300,
    "gen_ai.request.model": "m",
    "langfuse.user.id": "u",
  };

  it("count cached tokens as input, as text", async () => {
    await stored(spent);
    expect((await get(query({ dimensions: [{ field: "providedModelName" }] }))).body.data).toEqual([
      { providedModelName: "m", sum_inputTokens: "1000" },
    ]);
  });

  it("take no metadata as a dimension, and users only with a limit, descending", async () => {
    await stored(spent);
    expect((await get(query({ dimensions: [{ field: "metadata" }] }))).status).toBe(400);
    const users = { dimensions: [{ field: "userId" }] };
    expect((await get(query(users))).status).toBe(400);
    const allowed = {
      ...users,
      config: { row_limit: 1000 },
      orderBy: [{ field: "sum_inputTokens", direction: "desc" }],
    };
    expect((await get(query(allowed))).body.data).toEqual([{ userId: "u", sum_inputTokens: "1000" }]);
    expect((await get(query({ ...allowed, config: { row_limit: 1001 } }))).status).toBe(400);
  });

  it("come by day in v3", async () => {
    await start({ mode: "legacy" });
    await post(aRequest(spent));
    now += 3_000;
    expect((await get("/api/public/metrics/daily")).body.data).toMatchObject([
      { date: "2026-11-25", countTraces: 1, usage: [{ model: "m", inputUsage: 1000 }] },
    ]);
  });
});
