import { describe, expect, it } from "vitest";

import { settleNames } from "../../../../functions/run-probes/names.ts";
import { PrometheusError, type QueryInstant } from "../../../../shared/domain/prometheus.ts";
import type { ProbeState } from "../../../../shared/domain/state.ts";
import { aProbe } from "../../../support/builders.ts";

const minute = 60_000;
const at = 1_700_000_100_000;
const probe = aProbe({
  variants: [{ query: "max($kv)", guard: { kind: "selector", selector: "$kv" } }],
  aliases: { kv: { kind: "metric", names: ["new_name", "old_name"] } },
});

/** A target that has these metrics, and counts how often it was asked. */
function aTarget(...metrics: string[]) {
  const target = { asked: 0, metrics };
  const queryInstant: QueryInstant = async ({ at: t }) => {
    target.asked++;
    return {
      data: target.metrics.map((name) => ({ labels: { __name__: name }, sample: { t, v: 1 } })),
      notices: [],
    };
  };
  return { target, queryInstant };
}

function blindFor(blindRounds: number): Readonly<Record<string, ProbeState>> {
  const state = { query: "", evaluatedTo: at, series: {}, blindRounds, blindSince: at, everFresh: true };
  return { [probe.id]: state };
}

describe("a target's names", () => {
  it("are looked up once and hold for ten minutes", async () => {
    const { target, queryInstant } = aTarget("old_name");
    const { resolved, kept } = await settleNames([probe], { queryInstant, at });
    expect(resolved).toMatchObject([{ query: "max(old_name)", guard: { selector: "old_name" } }]);
    await settleNames([probe], { queryInstant, at: at + 9 * minute, kept });
    expect(target.asked).toBe(1);
    await settleNames([probe], { queryInstant, at: at + 10 * minute, kept });
    expect(target.asked).toBe(2);
  });

  it("are looked up again at once when a probe has just gone blind: its exporter may have been upgraded", async () => {
    const { target, queryInstant } = aTarget("old_name");
    const { kept } = await settleNames([probe], { queryInstant, at });
    target.metrics = ["new_name"];
    const again = await settleNames([probe], { queryInstant, at: at + minute, kept, states: blindFor(1) });
    expect(again.resolved).toMatchObject([{ query: "max(new_name)" }]);
    await settleNames([probe], { queryInstant, at: at + 2 * minute, kept: again.kept, states: blindFor(2) });
    expect(target.asked).toBe(2);
  });

  it("are looked up again when the probes are others", async () => {
    const { target, queryInstant } = aTarget("old_name");
    const { kept } = await settleNames([probe], { queryInstant, at });
    const other = aProbe({
      ...probe,
      aliases: { kv: { kind: "metric", names: ["newest_name", "old_name"] } },
    });
    await settleNames([other], { queryInstant, at: at + minute, kept });
    expect(target.asked).toBe(2);
  });

  it("stay what they were while the target cannot be asked", async () => {
    const { queryInstant } = aTarget("old_name");
    const { kept } = await settleNames([probe], { queryInstant, at });
    const down: QueryInstant = async () => {
      throw new PrometheusError("unreachable", "refused");
    };
    const later = await settleNames([probe], { queryInstant: down, at: at + 20 * minute, kept });
    expect(later.resolved).toMatchObject([{ query: "max(old_name)" }]);
    const never = await settleNames([probe, aProbe()], { queryInstant: down, at });
    expect(never.resolved).toMatchObject([{ failed: "refused" }, { query: "gpu_temp" }]);
  });

  it("say what is missing", async () => {
    const { queryInstant } = aTarget("something_else");
    const { resolved } = await settleNames([probe], { queryInstant, at });
    expect(resolved).toMatchObject([{ missing: expect.stringContaining("not on this target: new_name") }]);
  });
});
