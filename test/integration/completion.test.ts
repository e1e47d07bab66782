import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import type { Framing, GatewayFault } from "../../cli/stage/gateway/faults.ts";
import type { Gateway, GatewayOptions } from "../../cli/stage/gateway/server.ts";
import { PrometheusError, type QueryInstant } from "../../shared/domain/prometheus.ts";
import {
  type CompletionDiagnosis,
  completionDiagnoses,
} from "../../shared/domain/transactions/completion-diagnoses.ts";
import { emptyStream } from "../../shared/domain/transactions/completion-stream.ts";
import { diagnoseCompletion } from "../../shared/domain/transactions/diagnose-completion.ts";
import type { TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import {
  aGateway,
  type CompletionRun,
  completeOnce,
  gatewayKey,
  gatewayModel,
} from "../support/completion.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await aGateway();
});
afterAll(() => gateway.stop());
afterEach(() => gateway.setFault(null));

const measure = ({ measures }: TransactionResult, name: string) =>
  measures.find((one) => one.name === name)?.value;

/** Runs against a gateway of its own. */
async function runAgainst(options: Partial<GatewayOptions>, run: CompletionRun = {}) {
  const own = await aGateway(options);
  try {
    return await completeOnce(own.url, run);
  } finally {
    await own.stop();
  }
}

describe("a completion through a sound gateway", () => {
  it("finds nothing, and tells its numbers", async () => {
    const { result } = await runAgainst({ pace: { ttftMs: 80, interTokenMs: 20 } });
    expect(result.findings).toEqual([]);
    expect(result.value).toBeGreaterThan(0.07);
    expect(result.value).toBeLessThan(5);
    expect(measure(result, "ttft_seconds")).toBe(result.value);
    expect(measure(result, "inter_token_seconds")).toBeGreaterThan(0.015);
    expect(measure(result, "inter_token_seconds")).toBeLessThan(1);
    expect(measure(result, "http_status")).toBe(200);
    expect(measure(result, "completion_tokens")).toBe(8);
    expect(result.says).toMatch(
      /^first token after \d+ ms, then one every \d+ ms, \d+ \+ 8 tokens, by vllm\/qwen3-8b, finish reason length$/,
    );
    expect(result.request).toMatch(/^POST http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions$/);
  });

  it("comes as its own tenant, with a traceparent of the standard's shape", async () => {
    await completeOnce(gateway.url, { settings: { headers: { "x-team": "platform" } } });
    const headers = gateway.calls().at(-1)?.headers;
    expect(headers).toMatchObject({ "x-tenant-id": "sonde", "x-team": "platform" });
    expect(headers?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  const framings: Partial<Framing>[] = [
    { lineEnd: "\r\n" },
    { lineEnd: "\r" },
    { comments: true },
    { bytesPerWrite: 1 },
    { bytesPerWrite: 7, lineEnd: "\r\n", comments: true },
  ];
  it.each(framings)("is understood however its stream is framed: %j", async (framing) => {
    const { result } = await runAgainst({ framing });
    expect(result.findings).toEqual([]);
    expect(measure(result, "completion_tokens")).toBe(8);
  });

  it.each([
    ["vllm/qwen3-8b", "qwen3-8b", ""],
    ["gpt-4o-mini", "gpt-4o-mini-2026-01-31", ""],
    ["fast", "qwen3-8b", "qwen3-8b"],
  ])("of %s may be answered by %s where %j is expected", async (model, servedModel, expected) => {
    const { result } = await runAgainst(
      { models: [model], servedModel },
      { settings: { model, servedModel: expected } },
    );
    expect(result.findings).toEqual([]);
  });

  it("asks as newer models want it", async () => {
    const { result } = await completeOnce(gateway.url, { settings: { limitBy: "max_completion_tokens" } });
    expect(result.findings).toEqual([]);
  });
});

interface Case extends CompletionRun {
  readonly fault?: GatewayFault;
  readonly gateway?: Partial<GatewayOptions>;
  readonly seen: RegExp;
}

const patient = { settings: { requestTimeout: 400 } };
const engine = (value: number): NonNullable<Case["deps"]> => ({
  engine: {
    delay: 0,
    queryInstant: async ({ at }) => ({ data: [{ labels: {}, sample: { t: at, v: value } }], notices: [] }),
  },
});
const slow = { gateway: { pace: { ttftMs: 120 } }, seen: /^[\d.]+m?s, fail over 100ms/ };
const slowSettings = { ttft: { warn: 50, fail: 100 } };

const cases: Readonly<Partial<Record<CompletionDiagnosis, readonly Case[]>>> = {
  reset: [{ fault: "resets", seen: /closed the connection/ }],
  timeout: [{ fault: "hangs", ...patient, seen: /within 0.4 s/ }],
  unauthorized: [
    {
      options: { readKey: async () => "sk-wrong-key" },
      seen: /^401 Incorrect API key provided: sk-…$|redacted/,
    },
    { options: { readKey: null }, seen: /^401 No API key/ },
  ],
  forbidden: [{ fault: "forbidden", seen: /^403 The key may not use this model/ }],
  "no-model": [{ settings: { model: "vllm/gone" }, seen: /^404 The model `vllm\/gone`/ }],
  "wrong-path": [{ fault: "not-found-page", seen: /^404 HTML$/ }],
  redirected: [{ fault: "redirects", seen: /^307 to https:\/\/gateway\.example\.com$/ }],
  "parameter-refused": [{ fault: "refuses-parameter", seen: /^400 Unsupported parameter: 'max_tokens'/ }],
  "quota-spent": [{ fault: "quota-spent", seen: /^429 The quota is used up/ }],
  "rate-limited": [{ fault: "rate-limited", seen: /^429 Rate limit .*; retry after 20\.0s$/ }],
  "server-error": [{ fault: "server-error", seen: /^500 The server had an error/ }],
  "bad-gateway": [{ fault: "bad-gateway", seen: /^502 HTML$/ }],
  "no-backend": [{ fault: "no-backend", seen: /^503 HTML$/ }],
  overloaded: [{ fault: "overloaded", seen: /^503 The engine is overloaded/ }],
  "gateway-timeout": [{ fault: "gateway-timeout", seen: /^504 HTML$/ }],
  "html-answer": [{ fault: "html", seen: /^$/ }],
  "other-answer": [{ fault: "other-json", seen: /^application\/json$/ }],
  "not-streamed": [{ fault: "ignores-stream", seen: /^$/ }],
  "stream-error": [
    { fault: "error-first", seen: /engine process has died\., after 0 pieces/ },
    { fault: "error-mid-stream", seen: /engine process has died\., after 4 pieces/ },
    { fault: "named-error-mid-stream", seen: /engine process has died\., after 4 pieces/ },
  ],
  "stream-reset": [{ fault: "reset-mid-stream", seen: /^after 4 pieces of text$/ }],
  "stream-stalled": [
    { fault: "stalls-mid-stream", ...patient, seen: /^after 4 pieces of text, [\d.]+m?s in all$/ },
  ],
  "cut-short": [
    { fault: "ends-mid-stream", seen: /^after 4 pieces of text$/ },
    { fault: "silent-death", seen: /^after 0 pieces of text$/ },
  ],
  "empty-answer": [{ fault: "no-text", seen: /^finish reason length$/ }],
  "no-done": [{ fault: "no-done", seen: /^$/ }],
  "strange-events": [{ fault: "strange-events", seen: /^another shape$/ }],
  buffered: [
    {
      fault: "buffers",
      gateway: { pace: { ttftMs: 100, interTokenMs: 20 } },
      seen: /^8 pieces of text in [0-3] ms$/,
    },
  ],
  "no-usage": [{ fault: "no-usage", seen: /^$/ }],
  "limit-ignored": [{ fault: "ignores-limit", seen: /^160 for 8$/ }],
  "other-model": [
    { gateway: { servedModel: "qwen3-32b" }, seen: /^qwen3-32b$/ },
    { fault: "no-model", seen: /^none is named$/ },
  ],
  "odd-finish": [{ gateway: { finishReason: "content_filter" }, seen: /^content_filter$/ }],
  slow: [{ ...slow, settings: slowSettings }],
  "slow-gateway": [
    { ...slow, settings: slowSettings, deps: engine(0.02), seen: /the engine's median 20ms$/ },
  ],
  "slow-model": [{ ...slow, settings: slowSettings, deps: engine(10), seen: /the engine's median 10.0s$/ }],
  "no-trace": [{ deps: { findTrace: async () => false }, seen: /^$/ }],
  "tokens-spent": [{ settings: { maxTokensADay: 63 }, seen: /^0 of 63$/ }],
  "no-key": [
    {
      options: {
        readKey: async () => {
          throw new Error("there is no secret");
        },
      },
      seen: /there is no secret/,
    },
  ],
};

describe("a gateway that is not sound", () => {
  const table = Object.entries(cases).flatMap(([id, list]) =>
    list.map((one) => [id, one.fault ?? "", one] as const),
  );
  it.each(table)("is diagnosed as %s (%s)", async (id, _, { fault = null, gateway: own, seen, ...run }) => {
    const stage = own ? await aGateway(own) : gateway;
    stage.setFault(fault);
    const { result } = await completeOnce(stage.url, run);
    if (own) await stage.stop();
    const [finding, ...others] = result.findings;
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ ...pick(id), seen: expect.stringMatching(seen) });
  });

  it("is told by what the network says where it is not there at all", async () => {
    const gone = await aGateway();
    await gone.stop();
    const first = async (url: string) => (await completeOnce(url)).result.findings.map(({ id }) => id);
    expect(await first(gone.url)).toEqual(["refused"]);
    expect(await first("http://gateway.invalid/v1")).toEqual(["dns"]);
    expect(await first(gateway.url.replace("http:", "https:"))).toEqual(["tls"]);
    expect(await first(gateway.url.replace("/v1", "/v2"))).toEqual(["wrong-path"]);
  });

  it.each([
    [
      "unreachable",
      { kind: "failed", fault: "unreachable", what: "no connection within 5 s", tookMs: 5_000 },
    ],
    ["not-http", { kind: "failed", fault: "bad-answer", what: "no HTTP", tookMs: 5 }],
    ["bad-request", answered(400, '{"error":{"message":"no"}}')],
    ["no-model", answered(400, '{"error":{"message":"no such model","code":"model_not_found"}}')],
    ["bad-request", answered(422, '{"detail":[]}')],
    ["quota-spent", answered(402, "{}")],
    ["overloaded", answered(529, "{}")],
    ["unexpected-status", answered(418, "")],
    ["strange-stream", { ...answered(200, ""), contentType: "text/event-stream" }, "no JSON"],
    ["cut-short", { ...answered(200, ""), contentType: "text/event-stream" }],
  ] as const)("is diagnosed as %s by what it answers", (id, exchange, strange: string | null = null) => {
    const [finding] = diagnoseCompletion({
      sentAt: 0,
      exchange,
      stream: { ...emptyStream, strange },
      model: gatewayModel,
      servedModel: "",
      maxTokens: 8,
      ttft: { warn: null, fail: null },
      engineTtft: null,
      traced: null,
    });
    expect(finding).toMatchObject(pick(id));
  });

  it("has a test for each diagnosis", () => {
    const here = [
      "refused",
      "dns",
      "tls",
      "unreachable",
      "not-http",
      "bad-request",
      "unexpected-status",
      "strange-stream",
    ];
    expect([...Object.keys(cases), ...here].toSorted()).toEqual(Object.keys(completionDiagnoses).toSorted());
  });
});

function answered(status: number, body: string) {
  return {
    kind: "answered",
    status,
    body,
    contentType: "application/json",
    location: "",
    retryAfterMs: null,
    aheadMs: null,
    tookMs: 5,
  } as const;
}

function pick(id: string) {
  const found = Object.entries(completionDiagnoses).find(([name]) => name === id)?.[1];
  const { verdict, cause, fix } = found ?? { verdict: "", cause: "", fix: "" };
  return { id, verdict, cause, fix };
}

describe("what a completion takes", () => {
  it("is reserved before it asks, and settled by what the answer says", async () => {
    const { result, remembered } = await completeOnce(gateway.url);
    const day = new Date().toISOString().slice(0, 10);
    const tokens = gateway.calls().at(-1)?.tokens;
    expect(remembered).toEqual([{ day, tokens: 64 }]);
    expect(result.memory).toEqual({ day, tokens });
    expect(measure(result, "tokens_left_today")).toBe(20_000 - (tokens ?? 0));
    expect(measure(result, "cost_usd")).toBeUndefined();
  });

  it("costs what its tokens do, where config has their price", async () => {
    const { result } = await completeOnce(gateway.url, { settings: { price: { input: 2, output: 10 } } });
    const [prompt = 0, completion = 0] = ["prompt_tokens", "completion_tokens"].map((name) =>
      measure(result, name),
    );
    expect(completion).toBeGreaterThan(0);
    expect(measure(result, "cost_usd")).toBeCloseTo((prompt * 2 + completion * 10) / 1e6, 12);
  });

  it("is nothing where no model was reached, and all that was reserved where nobody says", async () => {
    gateway.setFault("rate-limited");
    expect((await completeOnce(gateway.url)).result.memory).toMatchObject({ tokens: 0 });
    gateway.setFault("stalls-mid-stream");
    const { result } = await completeOnce(gateway.url, patient);
    expect(result.memory).toMatchObject({ tokens: 64 });
  });

  it("ends with the budget: then nothing is asked", async () => {
    const calls = gateway.calls().length;
    const memory = { day: new Date().toISOString().slice(0, 10), tokens: 19_990 };
    const { result, remembered } = await completeOnce(gateway.url, { memory });
    expect(result.findings.map(({ id, verdict }) => [id, verdict])).toEqual([["tokens-spent", "unknown"]]);
    expect(remembered).toEqual([]);
    expect(gateway.calls()).toHaveLength(calls);
  });

  it("begins anew each day", async () => {
    const { result } = await completeOnce(gateway.url, { memory: { day: "2026-01-01", tokens: 19_990 } });
    expect(result.findings).toEqual([]);
  });
});

describe("the engine's own latency", () => {
  it("is asked for by the model that answered, and tells the gateway's share", async () => {
    const asked: string[] = [];
    const queryInstant: QueryInstant = async ({ query, at }) => {
      asked.push(query);
      return { data: [{ labels: {}, sample: { t: at, v: 0.005 } }], notices: [] };
    };
    const { result } = await completeOnce(gateway.url, { deps: { engine: { queryInstant, delay: 0 } } });
    expect(asked).toEqual([
      'histogram_quantile(0.5, sum by (le) (rate({__name__=~"vllm[:_]time_to_first_token_seconds_bucket",model_name=~"vllm/qwen3-8b|qwen3-8b"}[10m])))',
    ]);
    expect(measure(result, "engine_ttft_seconds")).toBe(0.005);
    expect(measure(result, "gateway_share_ratio")).toBeGreaterThan(0.5);
    expect(result.says).toMatch(/\d+ % of the wait before the engine$/);
  });

  it("is left open where the target does not answer", async () => {
    const queryInstant: QueryInstant = async () => {
      throw new PrometheusError("timeout", "too slow");
    };
    const { result } = await completeOnce(gateway.url, { deps: { engine: { queryInstant, delay: 0 } } });
    expect(result.findings).toEqual([]);
    expect(measure(result, "engine_ttft_seconds")).toBeUndefined();
  });
});

describe("keys, prompts and answers", () => {
  const faults: readonly (GatewayFault | null)[] = [
    null,
    "server-error",
    "error-mid-stream",
    "html",
    "ignores-stream",
    "resets",
  ];
  it.each(faults)("are nowhere in what a run tells or remembers (%s)", async (fault) => {
    gateway.setFault(fault);
    const told = [
      await completeOnce(gateway.url),
      await completeOnce(gateway.url, { options: { readKey: async () => "sk-other-0123456789" } }),
    ];
    const text = JSON.stringify(told);
    for (const secret of [gatewayKey, "sk-other-0123456789", "Count from", "1 2 3", "numbers only"])
      expect(text).not.toContain(secret);
  });
});
