import { describe, expect, it } from "vitest";

import type { Deps } from "../../../../functions/run-probes/deps.ts";
import { buildHandler } from "../../../../functions/run-probes/handler.ts";
import { type RoundMetrics, runRound, unitsOf } from "../../../../functions/run-probes/run-round.ts";
import { buildChangeIncidents } from "../../../../shared/adapters/change-incidents.ts";
import type { CompiledConfig, Probe, Target } from "../../../../shared/domain/probe.ts";
import { PrometheusError } from "../../../../shared/domain/prometheus.ts";
import { probesPerShard } from "../../../../shared/domain/shards.ts";
import { aPolicy, aProbe } from "../../../support/builders.ts";
import { buildFakeClient } from "../../../support/fake-prometheus.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";

const minute = 60_000;
const now = 1_700_000_100_000;

function setUp(names: readonly string[], down: readonly string[] = [], probes: Probe[] = [aProbe()]) {
  const targets = names.map(
    (name): Target => ({ name, url: "http://localhost", auth: { kind: "none" }, amp: false, delay: 0 }),
  );
  const config: CompiledConfig = {
    version: 1,
    targets,
    probes,
    incidents: aPolicy(),
    transactions: [],
    slack: null,
    heartbeat: "",
    network: null,
    writeResultsTo: "",
  };
  const memory = buildMemoryStore();
  const store: Deps["store"] = {
    ...memory,
    write: async (key, ...rest) => {
      if (key.includes("broken")) throw new Error("s3://state was refused");
      return memory.write(key, ...rest);
    },
  };
  const emitted: RoundMetrics[] = [];
  const sent: unknown[] = [];
  let beats = 0;
  const nonce = () => "nonce";
  const healthy = buildFakeClient(() => [{ labels: {}, v: 60 }]);
  const deps: Deps = {
    config,
    now: () => now,
    nonce,
    shown: new Map(),
    changeIncidents: buildChangeIncidents(store, config.incidents, { nonce, pause: async () => undefined }),
    announce: async () => undefined,
    publish: async (events) => {
      for (const { detail } of events) sent.push(detail);
    },
    log: () => undefined,
    emit: (metrics) => emitted.push(metrics),
    heartbeat: async () => {
      beats++;
    },
    sleep: async () => undefined,
    setDeadline: () => undefined,
    store,
    clientFor: async ({ name }) =>
      down.includes(name)
        ? {
            ...healthy,
            queryRange: async () => {
              throw new PrometheusError("unreachable", "refused");
            },
          }
        : healthy,
  };
  const handle = (event: unknown = {}) =>
    buildHandler(async () => deps)(event, { getRemainingTimeInMillis: () => 30_000 });
  const totals = () => emitted.find(({ target }) => target === undefined)?.values;
  return { deps, units: unitsOf(config), handle, totals, sent, beats: () => beats };
}

describe("a round over all targets", () => {
  it("counts what was answered, and reports each target", async () => {
    const { deps, units, totals } = setUp(["a", "b"], ["b"]);
    const report = await runRound(units, now, deps);
    expect(report.targets).toMatchObject({ a: { ok: 1, unknown: 0 }, b: { ok: 0, unknown: 1 } });
    expect(report.evaluated).toBe(1);
    expect(totals()).toEqual({ ProbesConfigured: 2, ProbesEvaluated: 1, MessagesBehind: 0 });
  });

  it("does every target's part before it fails for the one that could not be remembered", async () => {
    const { deps, units, totals } = setUp(["broken", "a"]);
    await expect(runRound(units, now, deps)).rejects.toThrow("s3://state was refused");
    expect(totals()).toEqual({ ProbesConfigured: 2, ProbesEvaluated: 1, MessagesBehind: 0 });
    expect(await deps.store.read("targets/a.json")).not.toBeNull();
  });

  it("evaluates a target's shards by themselves, and its incidents once", async () => {
    const probes = Array.from({ length: probesPerShard + 1 }, (_, index) => aProbe({ id: `probe-${index}` }));
    const { deps, units } = setUp(["a"], [], probes);
    const report = await runRound(units, now, deps);
    expect(Object.keys(report.targets)).toEqual(["a 1/2", "a 2/2"]);
    expect(report.evaluated).toBe(probes.length);
    expect(await deps.store.read("targets/a/1-of-2.json")).not.toBeNull();
    expect(await deps.store.read("targets/a/2-of-2.json")).not.toBeNull();
    expect(await deps.store.read("incidents/a.json")).not.toBeNull();
  });
});

describe("the schedule's invocation", () => {
  it("runs the round itself where there is one target, and tells the watcher outside", async () => {
    const { handle, beats } = setUp(["a"]);
    expect(await handle()).toMatchObject({ targets: { a: { ok: 1 } } });
    expect(beats()).toBe(1);
  });

  it("is no good round where nobody answered: the watcher outside is not told", async () => {
    const { handle, totals, beats } = setUp(["a"], ["a"]);
    await handle();
    expect(totals()).toEqual({ ProbesConfigured: 1, ProbesEvaluated: 0, MessagesBehind: 0 });
    expect(beats()).toBe(0);
  });

  it("is a good one where there is nobody to ask yet", async () => {
    const { handle, beats } = setUp([]);
    expect(await handle()).toEqual({ targets: {}, evaluated: 0 });
    expect(beats()).toBe(1);
  });

  it("is no good one where the round could not be remembered", async () => {
    const { handle, beats } = setUp(["broken"]);
    await expect(handle()).rejects.toThrow("s3://state was refused");
    expect(beats()).toBe(0);
  });

  it("sends each target off where there are several, and tells the watcher when all have been evaluated", async () => {
    const { handle, sent, beats } = setUp(["a", "b"]);
    const at = new Date(now).toISOString();
    expect(await handle({ at })).toEqual({ dispatched: 2 });
    expect(sent).toEqual([
      { type: "evaluation-due", target: "a", shard: "1/1", at },
      { type: "evaluation-due", target: "b", shard: "1/1", at },
    ]);
    await handle(sent[0]);
    await handle({ at });
    expect(beats()).toBe(0);
    await handle(sent[1]);
    await handle({ at });
    expect(beats()).toBe(1);
  });

  it("does not tell the watcher of rounds that were over long ago", async () => {
    const { handle, sent, beats } = setUp(["a", "b"]);
    await handle({ at: new Date(now).toISOString() });
    for (const due of [...sent]) await handle(due);
    await handle({ at: new Date(now + 3 * minute).toISOString() });
    expect(beats()).toBe(1);
    await handle({ at: new Date(now + 4 * minute).toISOString() });
    expect(beats()).toBe(1);
  });

  it("leaves out what config no longer has", async () => {
    const { handle } = setUp(["a", "b"]);
    expect(await handle({ target: "c", shard: "1/1" })).toEqual({ targets: {}, evaluated: 0 });
  });
});
