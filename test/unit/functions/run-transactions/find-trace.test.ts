import { describe, expect, it } from "vitest";

import { findTrace } from "../../../../functions/run-transactions/find-trace.ts";
import type { ReadAnswer } from "../../../../shared/adapters/langfuse.ts";

const nothing: ReadAnswer = { kind: "nothing" };
const otherPath: ReadAnswer = { kind: "other-path" };
const trace: ReadAnswer = { kind: "trace", trace: { projectId: "p", trace: null, observations: [] } };
const refused: ReadAnswer = {
  kind: "refused",
  exchange: { kind: "failed", fault: "timeout", what: "", tookMs: 0 },
};

/** What is found by these answers, the last one again and again, and when each was asked for. */
async function look(answers: readonly ReadAnswer[], patience = 60_000) {
  let at = 0;
  const asked: string[] = [];
  const found = await findTrace("t1", patience, {
    langfuse: {
      read: async (path) => {
        asked.push(`${path}@${Math.round(at / 1000)}`);
        return answers[Math.min(asked.length, answers.length) - 1] ?? nothing;
      },
    },
    now: () => at,
    sleep: async (ms) => {
      at += ms;
    },
  });
  return { found, asked };
}

describe("a trace that another program sends", () => {
  it.each([
    ["is found", [nothing, nothing, trace], true],
    ["is found by the other path", [otherPath, nothing, trace], true],
    ["is found after a refusal", [refused, trace], true],
    ["is missing where it does not come", [nothing], false],
    ["is missing where it does not come by the other path", [otherPath, nothing], false],
    ["is not known where nobody answers", [refused], null],
    ["is not known where both paths are another's", [otherPath], null],
  ])("%s", async (_, answers, found) => {
    expect((await look(answers)).found).toBe(found);
  });

  it("is looked for no more often than Langfuse Cloud's smallest plan allows", async () => {
    const { asked } = await look([nothing]);
    expect(asked.slice(0, 3)).toEqual(["v2@0", "v2@3", "v2@6"]);
    expect(asked.length).toBeLessThanOrEqual(21);
  });
});
