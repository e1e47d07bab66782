import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Attempt,
  defaultRetryPolicy,
  parseRetryAfter,
  pauseAfter,
  withRetries,
} from "../../../../shared/adapters/retry.ts";

const policy = defaultRetryPolicy;
const fails = (more: { transient?: boolean; retryAfterMs?: number } = {}): Attempt<string> => ({
  ok: false,
  error: new Error("no"),
  transient: true,
  ...more,
});
const works: Attempt<string> = { ok: true, value: "yes" };

/** Runs the outcomes on a clock that only sleeping moves. */
async function run(
  outcomes: readonly Attempt<string>[],
  { random = 0.5, deadline = Number.POSITIVE_INFINITY } = {},
) {
  let clock = 0;
  let tried = 0;
  const pauses: number[] = [];
  const deps = {
    now: () => clock,
    random: () => random,
    deadline: () => deadline,
    sleep: async (ms: number) => {
      pauses.push(ms);
      clock += ms;
    },
  };
  const { outcome, attempts } = await withRetries(policy, deps, async () => outcomes[tried++] ?? works);
  return { ok: outcome.ok, attempts, tried, pauses };
}

describe("retries", () => {
  it("stop at the first success", async () => {
    expect(await run([fails(), works])).toEqual({ ok: true, attempts: 2, tried: 2, pauses: [100] });
  });

  it("are bounded", async () => {
    expect(await run([fails(), fails(), fails(), works])).toEqual({
      ok: false,
      attempts: 3,
      tried: 3,
      pauses: [100, 200],
    });
  });

  it("do not happen for what another attempt cannot mend", async () => {
    expect(await run([fails({ transient: false }), works])).toMatchObject({
      ok: false,
      tried: 1,
      pauses: [],
    });
  });

  it("wait for what the server asks", async () => {
    expect(await run([fails({ retryAfterMs: 7_000 }), works])).toMatchObject({ ok: true, pauses: [7_100] });
  });

  it("do not happen when the server asks for longer than anyone waits", async () => {
    expect(await run([fails({ retryAfterMs: 3_600_000 }), works])).toMatchObject({
      ok: false,
      tried: 1,
      pauses: [],
    });
  });

  it("never start past the deadline", async () => {
    expect(await run([fails(), works], { deadline: 100 })).toMatchObject({ ok: false, tried: 1, pauses: [] });
    expect(await run([fails(), works], { deadline: 101 })).toMatchObject({ ok: true, tried: 2 });
  });
});

it("pauses are spread over the whole of a growing, capped interval", () => {
  expect([1, 2, 3, 9].map((attempt) => pauseAfter(policy, attempt, 0.999_999))).toEqual([
    200, 400, 800, 5_000,
  ]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const pause = pauseAfter(policy, attempt, random) ?? Number.NaN;
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(Math.min(5_000, 200 * 2 ** (attempt - 1)));
      },
    ),
  );
});

describe("Retry-After", () => {
  const now = Date.parse("2026-11-21T00:00:00Z");
  it.each([
    ["0", 0],
    ["120", 120_000],
    [" 5 ", 5_000],
    ["Sat, 21 Nov 2026 00:00:30 GMT", 30_000],
    ["Fri, 20 Nov 2026 00:00:30 GMT", 0],
    ["soon", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%j is %s ms", (header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms);
  });
});
