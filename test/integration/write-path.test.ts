import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { runWritePath, type WritePathDeps } from "../../functions/run-transactions/write-path.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import type { Auth } from "../../shared/adapters/http-auth.ts";
import { buildPrometheusClient } from "../../shared/adapters/prometheus.ts";
import { buildRemoteWrite } from "../../shared/adapters/remote-write.ts";
import { PrometheusError } from "../../shared/domain/prometheus.ts";
import { remoteWriteUrl } from "../../shared/domain/remote-write-url.ts";
import type { WritePathSettings } from "../../shared/domain/transactions/compiled.ts";
import { diagnoseWrite } from "../../shared/domain/transactions/diagnose-write.ts";
import type { TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import {
  type WritePathDiagnosis,
  writePathDiagnoses,
} from "../../shared/domain/transactions/write-path-diagnoses.ts";
import { type AmpFault, type AmpServer, startAmp } from "../support/amp-server.ts";
import { type RealPrometheus, startPrometheus } from "../support/real-prometheus.ts";

const region = "eu-west-1";
const secretAccessKey = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
const now = () => Date.now();
const unsigned: Auth = { kind: "none" };
const signed = (signedFor = region): Auth => ({
  kind: "sigv4",
  region: signedFor,
  service: "aps",
  credentials: async () => ({
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey,
    sessionToken: "session-token-text",
  }),
});

interface Run {
  readonly url: string;
  readonly amp: boolean;
  readonly auth: Auth;
  readonly settings?: Partial<WritePathSettings>;
  readonly deps?: Partial<WritePathDeps>;
  readonly memory?: unknown;
}

function runOnce({ url, amp, auth, settings, deps, memory = null }: Run): Promise<TransactionResult> {
  const send = buildSend({ auth, now });
  const writeUrl = remoteWriteUrl({ url, amp });
  const sleep = async (ms: number) => {
    await pause(ms);
  };
  const client = buildPrometheusClient({ url, send, amp, stats: false, now, sleep, random: Math.random });
  return runWritePath(
    {
      target: "seoul",
      probe: "write-path",
      url: writeUrl,
      delay: 30_000,
      lag: { warn: null, fail: null },
      patience: 3_000,
      ...settings,
    },
    {
      write: buildRemoteWrite({ url: writeUrl, send, now }),
      queryInstant: client.queryInstant,
      now,
      sleep,
      ...deps,
    },
    { memory, remember: async () => undefined },
  );
}

const measure = ({ measures }: TransactionResult, name: string) =>
  measures.find((one) => one.name === name)?.value;

describe("a sample to a real Prometheus with the remote-write receiver", () => {
  let prometheus: RealPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus({ config: "global: { scrape_interval: 1d }\n" });
  });
  afterAll(() => prometheus.stop());
  const run = (more: Partial<Run> = {}) =>
    runOnce({ url: prometheus.url, amp: false, auth: unsigned, ...more });

  it("can be read at once", async () => {
    const result = await run();
    expect(result.findings).toEqual([]);
    expect(result.value).toBeLessThan(3);
    expect(result.says).toMatch(/^readable after [\d.]+m?s$/);
    expect(measure(result, "accept_seconds")).toBeLessThan(3);
    expect(result.labels).toEqual({ target: "seoul", probe: "write-path" });
    expect(result.memory).toEqual({ lags: [expect.any(Number)] });
  });

  it("is known from the samples of earlier runs", async () => {
    const first = await run();
    const second = await run({ memory: first.memory });
    expect(second.findings).toEqual([]);
    expect(second.memory).toEqual({ lags: [expect.any(Number), expect.any(Number)] });
  });

  it.each([
    ["out-of-order", -30_000, /out of order|duplicate/],
    ["too-old", -10 * 24 * 3_600_000, /out of bounds/],
  ] as const)("is %s where the clock is wrong by %d ms", async (id, wrongBy, seen) => {
    const [finding] = (await run({ deps: { now: () => now() + wrongBy } })).findings;
    expect(finding).toMatchObject({ ...pick(id), seen: expect.stringMatching(seen) });
  });

  it("is refused where the receiver is off", async () => {
    const off = await startPrometheus({ receiver: false });
    const [finding] = (await runOnce({ url: off.url, amp: false, auth: unsigned })).findings;
    await off.stop();
    expect(finding).toMatchObject(pick("receiver-off"));
  });

  it("goes nowhere where nothing listens", async () => {
    const [finding] = (await run({ url: "http://127.0.0.1:9" })).findings;
    expect(finding).toMatchObject({ ...pick("unreachable"), seen: expect.stringContaining("refused") });
  });
});

const arn = "arn:aws:sts::111122223333:assumed-role/sonde-prod/x";
const denied = (more: string) =>
  JSON.stringify({
    message: `User: ${arn} is not authorized to perform: aps:RemoteWrite on resource: arn:aws:aps:${region}:111122223333:workspace/ws-1 ${more}`,
  });
const onWrite = (status: number, body: string): AmpFault => ({ on: "write", status, body });
const onRead = (status: number, body: string): AmpFault => ({ on: "read", status, body });

/** Bodies as AMP and Cortex write them. */
const faults: readonly (readonly [WritePathDiagnosis, AmpFault, RegExp])[] = [
  [
    "write-denied",
    onWrite(403, denied("because no identity-based policy allows the aps:RemoteWrite action")),
    /^403: User: \[arn\] is not/,
  ],
  [
    "write-denied-explicitly",
    onWrite(403, denied("with an explicit deny in a service control policy")),
    /403/,
  ],
  [
    "bad-signature",
    onWrite(403, '{"message":"The security token included in the request is expired"}'),
    /security token/,
  ],
  ["unauthorized", onWrite(401, "no"), /401/],
  [
    "out-of-order",
    onWrite(
      400,
      'user=1: err: out of order sample. timestamp=2026-11-25T02:00:00Z, series={__name__="sonde_write_path"}',
    ),
    /out of order/,
  ],
  ["out-of-order", onWrite(400, "duplicate sample for timestamp"), /duplicate/],
  ["too-old", onWrite(400, "sample timestamp too old: err-too-old"), /too old/],
  ["too-old", onWrite(400, "out of bounds"), /out of bounds/],
  ["in-future", onWrite(400, "timestamp too far in the future: 1790000000000"), /future/],
  [
    "series-limit",
    onWrite(400, "per-user series limit of 50000000 exceeded, please contact administrator to raise it"),
    /limit of 50000000/,
  ],
  ["series-limit", onWrite(429, "per-user series limit of 2000000 exceeded"), /limit of 2000000/],
  ["label-limit", onWrite(400, "label value too long for metric"), /label value/],
  ["write-refused", onWrite(400, "no"), /^400: no$/],
  [
    "ingestion-rate",
    onWrite(429, "ingestion rate limit (1666666) exceeded while adding 1 samples and 0 metadata"),
    /1666666/,
  ],
  ["request-rate", onWrite(429, '{"message":"Rate exceeded"}'), /Rate exceeded/],
  ["rate-limited", onWrite(429, "slow down"), /slow down/],
  ["wrong-path", onWrite(404, '{"message":"HTTP 404 Not Found"}'), /404/],
  ["server-error", onWrite(500, "oops"), /oops/],
  ["timeout", onWrite(504, "upstream timed out"), /504/],
  ["read-denied", onRead(403, denied("").replace("RemoteWrite", "QueryMetrics")), /aps:QueryMetrics/],
  ["read-failed", onRead(400, '{"status":"error","errorType":"bad_data","error":"no"}'), /400/],
];

describe("a sample to AMP", () => {
  let amp: AmpServer;
  beforeAll(async () => {
    amp = await startAmp(region, now);
  });
  afterAll(() => amp.stop());
  afterEach(() => {
    amp.setFault(null);
    amp.setLag(0);
  });
  const run = (more: Partial<Run> = {}) => runOnce({ url: amp.url, amp: true, auth: signed(), ...more });

  it("goes out signed, and is seen soon after it can be", async () => {
    amp.setLag(600);
    const result = await run();
    expect(result.findings).toEqual([]);
    expect(result.value).toBeGreaterThanOrEqual(0.6);
    // The lag, a pause of 250 ms, and 10 %.
    expect(result.value).toBeLessThan(3);
    expect(result.request).toBe(`POST ${amp.url}/api/v1/remote_write`);
  });

  it.each(faults)("is diagnosed as %s by what AMP answers", async (id, fault, seen) => {
    amp.setFault(fault);
    const result = await run({ settings: { patience: 100 } });
    expect(result.findings).toHaveLength(1);
    expect(result.findings[0]).toMatchObject({ ...pick(id), seen: expect.stringMatching(seen) });
  });

  it.each([
    ["another region's signature", signed("us-east-1")],
    ["no signature", unsigned],
  ])("is diagnosed by %s", async (_, auth) => {
    const [finding] = (await run({ auth })).findings;
    expect(finding).toMatchObject(pick("bad-signature"));
  });

  const lags = Array.from({ length: 30 }, () => 100);
  it.each([
    ["not-yet-visible", { memory: null }],
    ["never-visible", { memory: { lags: [0, 0, 0, 0, 0] }, settings: { patience: 5_200 } }],
  ] as const)(
    "is %s where it does not come back in time",
    async (id, more) => {
      amp.setLag(60_000);
      const [finding] = (await run({ settings: { patience: 500 }, ...more })).findings;
      expect(finding).toMatchObject({ ...pick(id), seen: expect.stringMatching(/^not in /) });
    },
    15_000,
  );

  it.each(["warn", "fail"] as const)("%ss where its lag is over the threshold", async (level) => {
    amp.setLag(300);
    const lag = { warn: null, fail: null, [level]: 100 };
    const [finding] = (await run({ settings: { lag } })).findings;
    expect(finding).toMatchObject({
      ...pick("slow"),
      verdict: level,
      seen: expect.stringMatching(/over 100ms$/),
    });
  });

  it("recommends a delay when it has run often enough", async () => {
    const result = await run({ memory: { lags } });
    expect(measure(result, "recommended_delay_seconds")).toBe(5);
    expect(result.says).toMatch(/a delay of 5s and what collectors take would do, config has 30s$/);
  });

  it("is nowhere told with keys, tokens, accounts or roles", async () => {
    const results: TransactionResult[] = [await run()];
    for (const [, fault] of faults) {
      amp.setFault(fault);
      results.push(await run({ settings: { patience: 50 } }));
    }
    const text = JSON.stringify(results);
    for (const secret of [secretAccessKey, "AKIDEXAMPLE", "session-token-text", "111122223333", "sonde-prod"])
      expect(text).not.toContain(secret);
  });
});

describe("what a write's failure means", () => {
  it.each([
    ["unreachable", "tls"],
    ["timeout", "timeout"],
    ["wrong-path", "not-json"],
  ] as const)("is %s by its kind %s", (id, kind) => {
    expect(diagnoseWrite(new PrometheusError(kind, "http://a: it failed; mend it"))).toMatchObject(pick(id));
  });

  it("has a test for each diagnosis", () => {
    const others = ["receiver-off", "unreachable", "not-yet-visible", "never-visible", "slow"];
    expect([...new Set([...faults.map(([id]) => id), ...others])].toSorted()).toEqual(
      Object.keys(writePathDiagnoses).toSorted(),
    );
  });
});

function pick(id: WritePathDiagnosis) {
  const { verdict, cause, fix } = writePathDiagnoses[id];
  return { id, verdict, cause, fix };
}
