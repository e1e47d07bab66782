import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";

import { basePause } from "../../shared/domain/transactions/poll-plan.ts";
import { keys, type ProbeRig, startRig } from "../support/trace-probe.ts";

const rigs: ProbeRig[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map(({ stage }) => stage.stop()));
});

async function rig(options: Parameters<typeof startRig>[0] = {}): Promise<ProbeRig> {
  const started = await startRig(options);
  rigs.push(started);
  return started;
}

describe("a trace to Langfuse and back", () => {
  it.each([
    { mode: "events_only", encoding: "protobuf" },
    { mode: "events_only", encoding: "json" },
    { mode: "legacy", encoding: "protobuf" },
    { mode: "legacy", encoding: "json" },
  ] as const)("is whole in $mode by $encoding, and gone afterwards", async ({ mode, encoding }) => {
    const { stage, run } = await rig({ mode });
    const result = await run({ encoding });
    expect(result.findings).toEqual([]);
    expect(result.value).toBeGreaterThanOrEqual(1.3);
    expect(result.value).toBeLessThan(2);
    expect(result.leftovers).toEqual([]);
    expect(stage.kept()).toEqual([]);
    expect(stage.uploads()).toBe(1);
  });
});

describe("the read path", () => {
  it.each([
    { deployment: "v4 that writes the old way", mode: "legacy", version: "4.16.0" },
    { deployment: "v3 by version, though it writes events", mode: "events_only", version: "3.225.0" },
    { deployment: "one without a version", mode: "legacy", version: "" },
  ] as const)("is found for $deployment, and remembered", async ({ mode, version }) => {
    const { stage, run } = await rig({ mode, version });
    expect((await run()).findings).toEqual([]);
    const other = mode === "legacy" ? "/v2/observations" : "/api/public/traces/";
    const asked = stage.calls().filter(({ method, path }) => method === "GET" && path.includes(other)).length;
    expect(asked).toBeGreaterThan(0);
    expect((await run()).findings).toEqual([]);
    const again = stage.calls().filter(({ method, path }) => method === "GET" && path.includes(other)).length;
    expect(again).toBe(asked);
  });

  it("waits for the observations, too, where each has a job of its own", async () => {
    const { run } = await rig({ mode: "legacy", lagMs: 1_000, observationLagMs: 4_000 });
    const result = await run();
    expect(result.findings).toEqual([]);
    expect(result.value).toBeGreaterThanOrEqual(5);
  });
});

describe("what a run leaves behind", () => {
  it.each(["events_only", "legacy"] as const)(
    "is deleted by the next one, by what it remembers (%s)",
    async (mode) => {
      const { stage, run, clock } = await rig({ mode, lagMs: 150_000 });
      expect((await run()).leftovers).toHaveLength(1);
      expect(stage.kept()).toHaveLength(1);
      stage.setLag(1_300);
      clock.pass(60_000);
      const after = await run();
      expect(after.leftovers).toEqual([]);
      expect(stage.kept()).toEqual([]);
    },
  );

  it.each(["events_only", "legacy"] as const)(
    "is found by asking where nobody remembers it, once it is an hour old (%s)",
    async (mode) => {
      const { stage, run, clock, forget } = await rig({ mode, lagMs: 150_000 });
      await run();
      forget();
      stage.setLag(1_300);
      await run();
      expect(stage.kept()).toHaveLength(1);
      clock.pass(3_600_000);
      await run();
      expect(stage.kept()).toEqual([]);
    },
  );

  it("is known before it exists, so that a crash in the POST is cleared up after", async () => {
    const { stage, run, clock, rememberedTraces } = await rig();
    stage.setFault("web-redis");
    const hung = run({ postTimeoutMs: 300, timeoutMs: 300 });
    await expect.poll(() => stage.uploads()).toBe(1);
    expect(rememberedTraces()).toHaveLength(1);
    await hung;
    stage.setFault(null);
    clock.pass(600_000);
    expect((await run()).leftovers).toEqual([]);
  });
});

describe("time and calls", () => {
  it("reports a lag that is at most the true one, one pause and a tenth, whatever the lags", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 20, max: 60_000 }), { minLength: 1, maxLength: 6 }),
        async (lags) => {
          const { stage, run } = await startRig();
          const history: number[] = [];
          try {
            for (const lag of lags) {
              stage.setLag(lag);
              const pause = basePause(history, { shortest: 250, longest: 5_000 });
              const seen = Math.round(((await run()).value ?? Number.NaN) * 1000);
              expect(seen).toBeGreaterThanOrEqual(lag);
              expect(seen).toBeLessThanOrEqual(lag + pause + 0.1 * lag + 1);
              history.push(seen);
            }
          } finally {
            await stage.stop();
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it.each([
    { plan: "hobby", mode: "events_only" },
    { plan: "hobby", mode: "legacy" },
    { plan: "core", mode: "events_only" },
    { plan: "core", mode: "legacy" },
  ] as const)(
    "stay under the limits of plan $plan ($mode), though every run is slow",
    async ({ plan, mode }) => {
      const { stage, run } = await rig({ plan, mode, lagMs: 70_000 });
      for (let runs = 0; runs < 5; runs++) expect((await run({ plan })).findings).toEqual([]);
      expect(stage.calls().filter(({ status }) => status === 429)).toEqual([]);
    },
  );

  it("keep the lags of the last runs, for quantiles", async () => {
    const { stage, run } = await rig();
    for (const lag of [1_000, 2_000, 3_000, 4_000]) {
      stage.setLag(lag);
      await run();
    }
    const measures = Object.fromEntries((await run()).measures.map(({ name, value }) => [name, value]));
    expect(measures.lag_p50_seconds).toBeGreaterThan(2);
    expect(measures.lag_p95_seconds).toBeGreaterThan(4);
    expect(measures).toMatchObject({ fields_lost: 0, fields_altered: 0, leftovers: 0 });
  });
});

describe("what is sent", () => {
  it("keeps a tenant that looks like a number", async () => {
    const { run } = await rig();
    expect((await run({ tenant: "12345" })).findings).toEqual([]);
  });

  it("stands in an environment of its own, on every span, with user, session, tags and tenant", async () => {
    const { stage, run } = await rig({ deleteMs: Number.POSITIVE_INFINITY });
    await run();
    const answer = await fetch(
      `${stage.url}/api/public/v2/observations?fields=core,basic,metadata,trace_context,model,usage`,
      { headers: { authorization: `Basic ${btoa(`${keys.publicKey}:${keys.secretKey}`)}` } },
    );
    const { data } = Object(await answer.json());
    expect(data).toHaveLength(5);
    for (const observation of data)
      expect(observation).toMatchObject({
        environment: "sonde-probe",
        userId: "sonde-probe",
        sessionId: "sonde-2026-11-25",
        tags: ["sonde", "trace-probe"],
        traceName: "sonde trace probe",
        metadata: { tenant_id: "sonde", sonde_code: "00123" },
      });
    const types = data.map(({ type }: { type: string }) => type);
    expect(types.toSorted()).toEqual(["AGENT", "GENERATION", "GENERATION", "RETRIEVER", "TOOL"]);
  });

  it("needs no priced model where config names none", async () => {
    const { run, stage } = await rig({ prices: {} });
    expect((await run()).findings.map(({ id }) => id)).toEqual(["no-price"]);
    expect((await run({ pricedModel: "" })).findings).toEqual([]);
    expect(stage.kept()).toEqual([]);
  });
});
