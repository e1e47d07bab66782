import { describe, expect, it } from "vitest";
import type { HttpAnswer, HttpRequest } from "../../../../shared/adapters/http.ts";
import { HttpFault } from "../../../../shared/adapters/http-fault.ts";
import { buildPrometheusClient, type PrometheusOptions } from "../../../../shared/adapters/prometheus.ts";
import { PrometheusError } from "../../../../shared/domain/prometheus.ts";

const json = (value: unknown, status = 200, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  body: JSON.stringify(value),
});
const empty = json({ status: "success", data: { resultType: "vector", result: [] } });
const strings = json({ status: "success", data: [] });
const throttled = json({ message: "Rate exceeded" }, 429);
const reset = new HttpFault("http://p", { kind: "reset", what: "cut", next: "look", transient: true });

/** A client whose server answers from a list, on a clock that only sleeping moves. */
function setup(answers: readonly (HttpAnswer | HttpFault)[], options: Partial<PrometheusOptions> = {}) {
  const requests: HttpRequest[] = [];
  const pauses: number[] = [];
  const world = { clock: 1_000_000, requests, pauses };
  const client = buildPrometheusClient({
    url: "http://p",
    amp: false,
    send: async (request) => {
      const answer = answers[Math.min(requests.length, answers.length - 1)] ?? empty;
      requests.push(request);
      if (answer instanceof HttpFault) throw answer;
      return answer;
    },
    now: () => world.clock,
    random: () => 0.5,
    sleep: async (ms) => {
      pauses.push(ms);
      world.clock += ms;
    },
    ...options,
  });
  return { client, ...world };
}

const ask = { query: "up", at: 5_000 };
const day = 24 * 3_600_000;
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof PrometheusError ? error : undefined),
  );

describe("the client", () => {
  it("posts queries as a form", async () => {
    const { client, requests } = setup([empty]);
    await client.queryInstant({ query: "a + b", at: 5_000 });
    expect(requests).toEqual([
      {
        method: "POST",
        url: "http://p/api/v1/query",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "query=a%20%2B%20b&time=5",
        timeoutMs: 30_000,
      },
    ]);
  });

  it("gets what Prometheus only gives to GET", async () => {
    const { client, requests } = setup([strings]);
    await client.listLabelValues({ label: "job", match: ["up"], start: 0, end: 1_000 });
    expect(requests[0]).toMatchObject({
      method: "GET",
      url: "http://p/api/v1/label/job/values?match%5B%5D=up&start=0&end=1",
    });
    expect(requests[0]?.body).toBeUndefined();
  });

  it("gives AMP five seconds more than the minute after which it ends a query itself", async () => {
    const { client, requests } = setup([empty], { amp: true });
    await client.queryInstant(ask);
    expect(requests[0]?.timeoutMs).toBe(65_000);
  });

  it("hands on warnings, infos and the samples that were read", async () => {
    const stats = { samples: { totalQueryableSamples: 42 } };
    const data = { resultType: "vector", result: [], stats };
    const { client } = setup([json({ status: "success", data, warnings: ["w"], infos: ["i"] })]);
    expect(await client.queryInstant(ask)).toEqual({ data: [], notices: ["w", "i"], samplesProcessed: 42 });
  });

  it("says when it leaves out native histograms", async () => {
    const data = { resultType: "vector", result: [{ metric: {}, histogram: [1, {}] }] };
    const { client } = setup([json({ status: "success", data })]);
    expect((await client.queryInstant(ask)).notices).toEqual([
      expect.stringMatching(/^1 series with native histograms/),
    ]);
  });

  it("does not take an error's body for an answer, whatever it says", async () => {
    const { client } = setup([json({ status: "success", data: { resultType: "vector", result: [] } }, 400)]);
    expect(await failure(client.queryInstant(ask))).toMatchObject({ kind: "bad-query", status: 400 });
  });

  it("puts the address before what is wrong with an answer", async () => {
    const { client } = setup([json({ status: "success", data: { resultType: "string", result: [1, "x"] } })]);
    expect(await failure(client.queryInstant(ask))).toMatchObject({
      kind: "bad-query",
      message: expect.stringMatching(/^http:\/\/p\/api\/v1\/query: the query answers with a string/),
    });
  });

  it("reads all pages of rules", async () => {
    const rules = (name: string, groupNextToken?: string) =>
      json({
        status: "success",
        data: { groups: [{ name, file: "f", interval: 60, rules: [] }], groupNextToken },
      });
    const { client, requests } = setup([rules("a", "t1"), rules("b")]);
    expect((await client.listRules()).data.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(requests[1]?.url).toContain("group_next_token=t1");
  });

  it("stops at a server that always has another page, and says so", async () => {
    const { client, requests } = setup([
      json({ status: "success", data: { groups: [], groupNextToken: "t" } }),
    ]);
    expect((await client.listRules()).notices).toEqual([expect.stringContaining("first 100 pages")]);
    expect(requests).toHaveLength(100);
  });

  it("refuses an address that is none when it is built", () => {
    expect(() => setup([], { url: "localhost:9090" })).toThrow(/http:\/\//);
  });
});

describe("retries", () => {
  it.each([
    ["a throttle", throttled],
    ["a server error", json({}, 500)],
    ["a reset", reset],
  ])("follow %s", async (_, first) => {
    const { client, requests, pauses } = setup([first, empty]);
    await client.queryInstant(ask);
    expect(requests).toHaveLength(2);
    expect(pauses).toEqual([100]);
  });

  it("wait for Retry-After", async () => {
    const { client, pauses } = setup([json({}, 503, { "retry-after": "2" }), empty]);
    await client.queryInstant(ask);
    expect(pauses).toEqual([2_100]);
  });

  it("end after three attempts, with a message that says so", async () => {
    const { client, requests } = setup([throttled]);
    expect(await failure(client.queryInstant(ask))).toMatchObject({
      kind: "rate-limited",
      status: 429,
      message: expect.stringMatching(/\(3 attempts\)$/),
    });
    expect(requests).toHaveLength(3);
  });

  it("do not follow a bad query, an overlong one or a timeout", async () => {
    const slow = new HttpFault("http://p", { kind: "timeout", what: "slow", next: "wait" });
    for (const answer of [
      json({ status: "error", errorType: "bad_data", error: "parse error" }, 400),
      json({ status: "error", errorType: "timeout", error: "query timed out" }, 503),
      json({}, 404),
      slow,
    ]) {
      const { client, requests } = setup([answer, empty]);
      expect(await failure(client.queryInstant(ask))).toBeInstanceOf(PrometheusError);
      expect(requests).toHaveLength(1);
    }
  });

  it("can be turned off", async () => {
    const { client, requests } = setup([throttled, empty], { retry: { attempts: 1 } });
    await failure(client.queryInstant(ask));
    expect(requests).toHaveLength(1);
  });
});

describe("the deadline", () => {
  it("shortens the timeout", async () => {
    const { client, requests } = setup([empty], { deadline: () => 1_004_000 });
    await client.queryInstant(ask);
    expect(requests[0]?.timeoutMs).toBe(4_000);
  });

  it("that has passed sends nothing", async () => {
    const { client, requests } = setup([empty], { deadline: () => 1_000_000 });
    expect(await failure(client.queryInstant(ask))).toMatchObject({
      kind: "timeout",
      message: expect.stringContaining("no time left"),
    });
    expect(requests).toEqual([]);
  });

  it("ends retries early", async () => {
    const { client, requests } = setup([throttled], { deadline: () => 1_000_150 });
    expect(await failure(client.queryInstant(ask))).toMatchObject({ kind: "rate-limited" });
    expect(requests).toHaveLength(2);
  });
});

describe("AMP's limits", () => {
  const series = { match: ["up"], start: 0, end: 1_000 };

  it("let ten label calls start in a second, both kinds counted", async () => {
    const { client, pauses } = setup([strings], { amp: true });
    for (let i = 0; i < 5; i += 1) {
      await client.listSeries(series);
      await client.listLabelValues({ label: "a", ...series });
    }
    expect(pauses).toEqual([]);
    await client.listSeries(series);
    expect(pauses).toEqual([1_000]);
  });

  it("count retries too", async () => {
    const { client, pauses } = setup([throttled, throttled, strings], { amp: true });
    for (let i = 0; i < 9; i += 1) await client.listSeries(series);
    expect(pauses).toEqual([100, 200, 700]);
  });

  it("do not hold back queries or rules, nor a Prometheus of one's own", async () => {
    const own = setup([strings]);
    for (let i = 0; i < 30; i += 1) await own.client.listSeries(series);
    const managed = setup([empty], { amp: true });
    for (let i = 0; i < 30; i += 1) await managed.client.queryInstant(ask);
    expect([...own.pauses, ...managed.pauses]).toEqual([]);
  });

  it("refuse more than 95 days before anything is sent", async () => {
    const { client, requests } = setup([empty], { amp: true });
    const tooLong = { start: 0, end: 95 * day + 1 };
    for (const promise of [
      client.queryRange({ query: "up", step: day, ...tooLong }),
      client.listSeries({ match: ["up"], ...tooLong }),
      client.listLabelValues({ label: "a", match: ["up"], ...tooLong }),
    ]) {
      expect(await failure(promise)).toMatchObject({
        kind: "too-expensive",
        message: expect.stringContaining("95 days"),
      });
    }
    expect(requests).toEqual([]);
  });

  it("let exactly 95 days pass, and a Prometheus of one's own any range", async () => {
    const matrix = json({ status: "success", data: { resultType: "matrix", result: [] } });
    const range = { query: "up", start: 0, step: day };
    await setup([matrix], { amp: true }).client.queryRange({ ...range, end: 95 * day });
    await setup([matrix]).client.queryRange({ ...range, end: 400 * day });
  });
});
