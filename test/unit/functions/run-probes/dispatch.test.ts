import { describe, expect, it } from "vitest";

import { allEvaluated, dispatch } from "../../../../functions/run-probes/dispatch.ts";
import type { Target } from "../../../../shared/domain/probe.ts";
import { emptyTargetState, formatTargetState } from "../../../../shared/domain/state.ts";
import { storeKeys } from "../../../../shared/domain/store.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";

const minute = 60_000;
const now = Date.UTC(2026, 2, 1, 3);
const targets = ["seoul", "tokyo"].map(
  (name): Target => ({ name, url: "http://localhost", auth: { kind: "none" }, amp: false, delay: 0 }),
);
const units = targets.flatMap((target) =>
  ["1/2", "2/2"].map((name) => ({ target, shard: { name, probes: [] } })),
);

/** All units as they were remembered so many minutes ago, and answered then or never. */
async function remembered(age: number, answered: readonly boolean[], left: readonly number[] = []) {
  const store = buildMemoryStore();
  for (const [index, { target, shard }] of units.entries()) {
    if (left.includes(index)) continue;
    const roundAt = now - age * minute;
    const probe = {
      query: "up",
      evaluatedTo: answered[index] ? roundAt : 0,
      series: {},
      blindRounds: 0,
      blindSince: null,
      everFresh: false,
    };
    const state = { ...emptyTargetState(target.name), roundAt, probes: { up: probe } };
    await store.write(storeKeys.shard(target.name, shard.name), formatTargetState(state), {
      ifNoneMatch: "*",
    });
  }
  return allEvaluated(units, now, { store, publish: async () => undefined });
}

describe("rounds that others run", () => {
  it("are sent off one by one, as of the same time", async () => {
    const sent: unknown[] = [];
    await dispatch(units, now, {
      store: buildMemoryStore(),
      publish: async (events) => {
        sent.push(...events.map(({ detail }) => detail));
      },
    });
    expect(sent).toMatchObject([
      { target: "seoul", shard: "1/2", at: "2026-03-01T03:00:00.000Z" },
      { target: "seoul", shard: "2/2" },
      { target: "tokyo", shard: "1/2" },
      { target: "tokyo", shard: "2/2" },
    ]);
  });

  it("are good ones where each is recent and somebody answered", async () => {
    expect(await remembered(2, [true, true, true, true])).toBe(true);
    expect(await remembered(2, [false, true, false, false])).toBe(true);
  });

  it("are not where nobody answered, where one is old, or where one was never run", async () => {
    expect(await remembered(2, [false, false, false, false])).toBe(false);
    expect(await remembered(4, [true, true, true, true])).toBe(false);
    expect(await remembered(2, [true, true, true, true], [3])).toBe(false);
  });
});
