import { describe, expect, it } from "vitest";

import { unitsOf } from "../../../../functions/run-probes/run-round.ts";
import { type RunRoundsDeps, runRounds } from "../../../../functions/run-probes/run-rounds.ts";
import { buildChangeIncidents } from "../../../../shared/adapters/change-incidents.ts";
import { compileConfig } from "../../../../shared/domain/compile.ts";
import { buildFakeClient } from "../../../support/fake-prometheus.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";

const second = 1_000;
const scheduled = Date.UTC(2026, 0, 2, 3, 4);

/** An invocation that begins `late` and whose rounds take so long each, on a clock of its own. */
async function invoke(
  everies: readonly string[],
  { late = 0, takes = [200], timeout = 75 * second, fails = [] as readonly number[] } = {},
) {
  const { compiled } = compileConfig(
    {
      targets: [{ name: "here", prometheus: "http://localhost" }],
      probes: everies.map((every, index) => ({
        id: `p${index}`,
        query: `metric_${index}`,
        fail: "> 1",
        every,
      })),
    },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  let clock = scheduled + late;
  let round = -1;
  const begun: number[] = [];
  const deadlines: number[] = [];
  const asked: string[][] = [];
  const fake = buildFakeClient(() => [{ labels: {}, v: 0 }]);
  const store = buildMemoryStore();
  const changeIncidents = buildChangeIncidents(store, compiled.incidents, {
    nonce: () => `nonce-${round}`,
    pause: async () => undefined,
  });
  const deps: RunRoundsDeps = {
    config: compiled,
    now: () => clock,
    // Timers may come a moment early.
    sleep: async (ms) => {
      clock += Math.max(1, ms - 1);
    },
    setDeadline: (deadline) => {
      deadlines.push(deadline - clock);
      asked.push([]);
      begun.push(clock - scheduled);
      round++;
    },
    nonce: () => `nonce-${round}`,
    shown: new Map(),
    store,
    announce: async () => undefined,
    changeIncidents: (...change) => {
      clock += takes[round] ?? takes.at(-1) ?? 0;
      if (fails.includes(round)) throw new Error(`round ${round} was refused`);
      return changeIncidents(...change);
    },
    emit: () => undefined,
    log: () => undefined,
    clientFor: async () => ({
      ...fake,
      queryRange: async (query) => {
        if (!query.query.includes("timestamp("))
          asked[round]?.push(`${query.query} to ${(query.end - scheduled) / second}`);
        return fake.queryRange(query);
      },
    }),
  };
  const report = runRounds(unitsOf(compiled), scheduled, clock + timeout, deps).catch((error: unknown) =>
    error instanceof Error ? error.message : "",
  );
  return { report: await report, begun, deadlines, asked };
}

describe("the rounds of an invocation", () => {
  it("are one where no probe is due more often than once a minute", async () => {
    const { begun, asked } = await invoke(["1m", "5m"]);
    expect(begun).toEqual([0]);
    expect(asked).toEqual([["metric_0 to 0", "metric_1 to 0"]]);
  });

  it("are timed from the scheduled minute, so that nothing drifts, and ask only what is due", async () => {
    const { begun, asked } = await invoke(["1m", "15s"], { late: 700 });
    expect(begun).toEqual([700, 15_000, 30_000, 45_000]);
    expect(asked).toEqual([
      ["metric_0 to 0", "metric_1 to 0"],
      ["metric_1 to 15"],
      ["metric_1 to 30"],
      ["metric_1 to 45"],
    ]);
  });

  it("skip one that comes too late, and ask for its grid point in the next", async () => {
    const { begun, asked } = await invoke(["15s"], { takes: [31_000, 200] });
    expect(begun).toEqual([0, 31_000, 45_000]);
    expect(asked.at(1)).toEqual(["metric_0 to 30"]);
  });

  it("begin with the latest that is due where the invocation itself comes late", async () => {
    expect((await invoke(["15s"], { late: 31_000 })).begun).toEqual([31_000, 45_000]);
  });

  it("end while there is time left to ask in, and give no round longer than a minute's", async () => {
    const { begun, deadlines } = await invoke(["15s"], { timeout: 50_000 });
    expect(begun).toEqual([0, 15_000, 30_000]);
    expect(deadlines).toEqual([50_000, 35_000, 20_000]);
    expect((await invoke(["1m"])).deadlines).toEqual([55_000]);
  });

  it("are all run before the trouble of one is thrown", async () => {
    const { report, begun } = await invoke(["15s"], { fails: [1] });
    expect(begun).toEqual([0, 15_000, 30_000, 45_000]);
    expect(report).toBe("round 1 was refused");
  });
});
