import { afterEach, describe, expect, it } from "vitest";

import { type ProbeRig, startRig } from "../support/trace-probe.ts";

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
