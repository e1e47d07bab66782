import { describe, expect, it } from "vitest";

import {
  type RoundMetrics,
  type RunRoundDeps,
  runRound,
} from "../../../../functions/run-probes/run-round.ts";
import type { CompiledConfig, Target } from "../../../../shared/domain/probe.ts";
import { PrometheusError } from "../../../../shared/domain/prometheus.ts";
import { aProbe } from "../../../support/builders.ts";
import { buildFakeClient } from "../../../support/fake-prometheus.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";

const now = 1_700_000_100_000;

function setUp(names: readonly string[], down: readonly string[] = []) {
  const targets = names.map(
    (name): Target => ({ name, url: "http://localhost", auth: { kind: "none" }, amp: false, delay: 0 }),
  );
  const config: CompiledConfig = {
    version: 1,
    targets,
    probes: [aProbe()],
    routes: [],
    blindAfter: 3,
    heartbeat: "",
  };
  const store = buildMemoryStore();
  const emitted: RoundMetrics[] = [];
  let beats = 0;
  const healthy = buildFakeClient(() => [{ labels: {}, v: 60 }]);
  const deps: RunRoundDeps = {
    config,
    now: () => now,
    nonce: () => "nonce",
    shown: new Set(),
    publish: async () => undefined,
    log: () => undefined,
    emit: (metrics) => emitted.push(metrics),
    heartbeat: async () => {
      beats++;
    },
    store: {
      ...store,
      write: async (key, ...rest) => {
        if (key.includes("broken")) throw new Error("s3://state was refused");
        return store.write(key, ...rest);
      },
    },
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
  const totals = () => emitted.find(({ target }) => target === undefined)?.values;
  return { deps, totals, beats: () => beats };
}

describe("a round over all targets", () => {
  it("counts what was answered, reports each target and tells the watcher outside", async () => {
    const { deps, totals, beats } = setUp(["a", "b"], ["b"]);
    const report = await runRound(deps, now);
    expect(report.targets).toMatchObject({ a: { ok: 1, unknown: 0 }, b: { ok: 0, unknown: 1 } });
    expect(totals()).toEqual({ ProbesConfigured: 2, ProbesEvaluated: 1 });
    expect(beats()).toBe(1);
  });

  it("is no good round where nobody answered: the watcher outside is not told", async () => {
    const { deps, totals, beats } = setUp(["a", "b"], ["a", "b"]);
    await runRound(deps, now);
    expect(totals()).toEqual({ ProbesConfigured: 2, ProbesEvaluated: 0 });
    expect(beats()).toBe(0);
  });

  it("is a good one where there is nobody to ask yet", async () => {
    const { deps, beats } = setUp([]);
    expect(await runRound(deps, now)).toEqual({ targets: {} });
    expect(beats()).toBe(1);
  });

  it("does every target's part before it fails for the one that could not be remembered", async () => {
    const { deps, totals, beats } = setUp(["broken", "a"]);
    await expect(runRound(deps, now)).rejects.toThrow("s3://state was refused");
    expect(totals()).toEqual({ ProbesConfigured: 2, ProbesEvaluated: 1 });
    expect(await deps.store.read("targets/a.json")).not.toBeNull();
    expect(beats()).toBe(0);
  });
});
