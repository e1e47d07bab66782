import fc from "fast-check";
import pLimit from "p-limit";
import { describe, expect, test } from "vitest";

import type { Cloud } from "../../support/local-aws/cloud.ts";
import { expectConverged } from "../../support/local-aws/converged.ts";
import type { Call, Fault } from "../../support/local-aws/line.ts";
import { calm, heats, inCloud, minute } from "../../support/local-aws/story.ts";

/** An incident from its first breach to its end, and then calm. */
async function tell(cloud: Cloud): Promise<void> {
  await cloud.minutes(4);
  await calm(cloud);
}

/** Every call of a story in which nothing goes wrong. */
function callsOf(): Promise<readonly Call[]> {
  return inCloud({}, async (cloud) => {
    await cloud.minutes(4);
    const calls = [...cloud.calls];
    await calm(cloud);
    expectConverged(cloud, ["seoul"]);
    expect(cloud.failures).toEqual([]);
    return calls;
  });
}

describe("a process that crashes", () => {
  // Between two effects a crash is the same wherever it falls, so that those at reads are in here, too.
  test.each(["crash-before", "crash-after"] as const)(
    "at anything that it changes (%s) leaves nothing lost, doubled or stuck",
    async (kind) => {
      const calls = await callsOf();
      const effects = calls.flatMap(({ what, writes }, index) => (writes ? [{ what, index }] : []));
      expect(effects.length).toBeGreaterThan(20);
      const few = pLimit(4);
      const outcomes = effects.map(({ what, index }) =>
        few(async () => {
          try {
            await inCloud({}, async (cloud) => {
              cloud.meet = (_, now) => (now === index ? { kind } : null);
              await tell(cloud);
              expect(cloud.crashes()).toBe(1);
              expectConverged(cloud, ["seoul"]);
            });
            return [];
          } catch (error) {
            return [`call ${index}, ${what}: ${error instanceof Error ? error.message : error}`];
          }
        }),
      );
      expect((await Promise.all(outcomes)).flat()).toEqual([]);
    },
  );
});

test("what a round has seen is told, even if it ends at once and the process crashed in between", async () => {
  const brief = heats([60, 90, 60]);
  await inCloud({ worlds: () => brief }, async (cloud) => {
    // After the first thing that the round saves, whatever that is.
    cloud.meet = ({ writes }) =>
      writes && cloud.now() >= cloud.began + minute && cloud.crashes() === 0 ? { kind: "crash-after" } : null;
    await cloud.minutes(3);
    await calm(cloud);
    expect(cloud.crashes()).toBe(1);
    expectConverged(cloud, ["seoul"]);
    expect(cloud.slack.messages()).toMatchObject([
      { threadTs: null },
      { text: expect.stringContaining("Recovered") },
    ]);
  });
});

const codes: Readonly<
  Record<Call["service"], readonly { readonly status: number; readonly code: string }[]>
> = {
  s3: [
    { status: 503, code: "SlowDown" },
    { status: 500, code: "InternalError" },
  ],
  events: [
    { status: 400, code: "ThrottlingException" },
    { status: 500, code: "InternalException" },
  ],
  slack: [
    { status: 200, code: "internal_error" },
    { status: 503, code: "service_unavailable" },
  ],
  prometheus: [
    { status: 503, code: "unavailable" },
    { status: 422, code: "execution" },
  ],
};
const raced = [
  { status: 412, code: "PreconditionFailed" },
  { status: 409, code: "ConditionalRequestConflict" },
];

/** What a call meets, by a number. */
function faultOf({ service, what }: Call, luck: number): Fault {
  const answers = what.startsWith("PUT ") ? [...codes[service], ...raced] : codes[service];
  const kinds: readonly Fault[] = [
    { kind: "crash-before" },
    { kind: "crash-after" },
    { kind: "lose-request" },
    { kind: "lose-answer" },
    { kind: "lose-answer" },
    ...answers.map((answer) => ({ kind: "answer", ...answer }) as const),
  ];
  return kinds[luck % kinds.length] ?? { kind: "lose-answer" };
}

describe("many faults in one story", () => {
  test("crashes, refusals, lost requests and lost answers in any order leave the same", async () => {
    const luck = fc.record({ skip: fc.integer({ min: 0, max: 25 }), kind: fc.nat({ max: 1_000 }) });
    const events = fc.array(fc.constantFrom([0], [0], [], [0, 0], [90_000], [0, 400_000]), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(luck, { minLength: 2, maxLength: 8 }), events, async (lucks, deliveries) => {
        await inCloud({}, async (cloud) => {
          const faults = [...lucks];
          const arrivals = [...deliveries];
          let next = faults[0]?.skip ?? 0;
          cloud.deliver = () => arrivals.shift() ?? [0];
          cloud.meet = (call, index) => {
            if (index < next) return null;
            const fault = faults.shift();
            next = index + 1 + (faults[0]?.skip ?? 0);
            return fault ? faultOf(call, fault.kind) : null;
          };
          await tell(cloud);
          faults.length = 0;
          await calm(cloud);
          expectConverged(cloud, ["seoul"]);
        });
      }),
      { seed: 20260301, numRuns: 15, endOnFailure: true },
    );
  });
});
