import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type ConvergeDeps, converge } from "../../../../functions/notify-slack/converge.ts";
import { lookOf } from "../../../../functions/notify-slack/look.ts";
import { isLoud } from "../../../../functions/notify-slack/news.ts";
import type { Incident, IncidentChange } from "../../../../shared/domain/incident.ts";
import type { Store } from "../../../../shared/domain/store.ts";
import { buildFakeSlack, type CallEnd, Crash } from "../../../support/fake-slack.ts";
import { afterChange, anIncident, storeIncidents, t0 } from "../../../support/incident.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";
import { noOutlets } from "../../../support/outlets.ts";

const channel = "C0TEST001";

/** What one call of the store or of Slack meets: how long it takes, and how it ends. */
interface Luck {
  readonly takesMs: number;
  readonly slack: CallEnd;
  readonly write: "ok" | "crash-before" | "crash-after";
}

const luck: fc.Arbitrary<Luck> = fc.record({
  takesMs: fc.oneof(
    { arbitrary: fc.integer({ min: 1, max: 3_000 }), weight: 8 },
    { arbitrary: fc.integer({ min: 3_000, max: 60_000 }), weight: 1 },
  ),
  slack: fc.oneof(
    { arbitrary: fc.constant("answered" as const), weight: 6 },
    {
      arbitrary: fc.constantFrom(
        "answer-lost" as const,
        "lost" as const,
        "refused" as const,
        "crash-before" as const,
        "crash-after" as const,
      ),
      weight: 4,
    },
  ),
  write: fc.oneof(
    { arbitrary: fc.constant("ok" as const), weight: 8 },
    { arbitrary: fc.constantFrom("crash-before" as const, "crash-after" as const), weight: 1 },
  ),
});

/** Lives of an incident: what happens to it, one change after another. */
const lives = fc.constantFrom<readonly IncidentChange["what"][]>(
  [],
  ["recovered"],
  ["escalated"],
  ["escalated", "recovered"],
  ["blind", "seen-again", "gone"],
  ["escalated", "eased", "blind", "recovered"],
  ["muted"],
  ["muted", "unmuted"],
  ["muted", "recovered"],
  ["muted", "recovered", "fired-again"],
  ["acknowledged", "muted", "mute-ending", "unmuted", "recovered"],
  ["recovered", "fired-again", "escalated"],
  ["recovered", "fired-again", "recovered", "fired-again", "gone"],
  ["flapping", "calm", "grew", "recovered"],
  ["flapping", "recovered"],
  ["grew", "unanswered", "repeated", "acknowledged"],
);

/** Whether nobody was to be told of it when it last changed. */
function endsMuted(life: readonly IncidentChange["what"][]): boolean {
  return (
    life.findLast((what) => what === "muted" || what === "unmuted" || what === "fired-again") === "muted"
  );
}

function stagesOf(life: readonly IncidentChange["what"][]): Incident[] {
  const stages = [anIncident({ level: "warn" }, { level: "warn", own: {} })];
  for (const [index, what] of life.entries()) {
    const last = stages.at(-1) ?? anIncident();
    stages.push(afterChange(last, what, t0 + (8 + index) * 60_000, 80 + index));
  }
  return stages;
}

/** Messages in the channel, and answers by what they tell, each counted. */
function seen(slack: ReturnType<typeof buildFakeSlack>) {
  const answers = slack.messages.filter(({ thread }) => thread !== null);
  return {
    posts: slack.messages.filter(({ thread }) => thread === null),
    answers: answers.map(({ text }) => text),
    loud: answers.filter(({ broadcast }) => broadcast).length,
  };
}

describe("two workers, in any order of their steps, with lost answers, refusals and crashes", () => {
  test("never make two messages of one incident, and leave the last change shown", async () => {
    let unsaid = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(luck, { minLength: 60, maxLength: 60 }),
        lives,
        fc.integer({ min: 1, max: 4 }),
        async (scheduler, lucks, life, runs) => {
          let now = t0 + 6 * 60_000;
          let wild = true;
          const lucky: Luck = { takesMs: 1, slack: "answered", write: "ok" };
          const meet = async (what: string): Promise<Luck> => {
            if (!wild) return lucky;
            const own = lucks.shift() ?? lucky;
            await scheduler.schedule(Promise.resolve(), what);
            now += own.takesMs;
            return own;
          };
          const store = buildMemoryStore();
          const shaky: Store = {
            ...store,
            read: async (key) => {
              await meet("read");
              return store.read(key);
            },
            write: async (key, body, condition) => {
              const { write } = await meet("write");
              if (write === "crash-before") throw new Crash("write");
              const result = await store.write(key, body, condition);
              if (write === "crash-after") throw new Crash("write");
              return result;
            },
          };
          const slack = buildFakeSlack(
            () => now,
            async (call) => (await meet(call)).slack,
          );
          let nonces = 0;
          const deps: ConvergeDeps = {
            store: shaky,
            slack,
            ...noOutlets,
            access: null,
            now: () => now,
            nonce: () => `nonce-${++nonces}`,
            pace: async () => undefined,
          };
          const stages = stagesOf(life);
          const [first] = stages;
          const last = stages.at(-1);
          if (!first || !last) throw new Error("a life has a beginning");
          const event = {
            type: "group-changed" as const,
            target: first.target,
            group: first.id,
            seq: 1,
            channel,
          };
          await storeIncidents(store, [first]);

          const worker = async () => {
            for (let run = 0; run < runs; run++) {
              await converge(event, deps).catch(() => undefined);
              expect(seen(slack).posts.length).toBeLessThanOrEqual(1);
            }
          };
          const world = async () => {
            for (const stage of stages.slice(1)) {
              await meet("change");
              await storeIncidents(store, [stage]);
            }
          };
          const all = Promise.all([worker(), worker(), world()]);
          await scheduler.waitIdle();
          await all;

          wild = false;
          let quiet = 0;
          for (let round = 0; round < 40 && quiet < 2; round++) {
            now += 31_000;
            const effects = await converge(event, deps).catch(() => null);
            quiet = effects?.length === 0 ? quiet + 1 : 0;
          }
          expect(quiet).toBe(2);
          const { posts, answers, loud } = seen(slack);
          expect(new Set(answers).size).toBe(answers.length);
          expect(loud).toBeLessThanOrEqual(last.history.filter(isLoud).length);
          // Only what was muted before it was ever posted stays unsaid.
          if (endsMuted(life) && posts.length === 0) {
            unsaid += 1;
            return;
          }
          expect(posts).toHaveLength(1);
          expect(posts[0]?.text.startsWith(lookOf(last).emoji)).toBe(true);
          expect(answers).toHaveLength(last.history.length - 1);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(unsaid).toBeGreaterThan(20);
  }, 60_000);
});
