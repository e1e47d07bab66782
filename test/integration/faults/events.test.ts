import { describe, expect, test } from "vitest";

import { expectConverged } from "../../support/local-aws/converged.ts";
import type { Accepted } from "../../support/local-aws/event-bus.ts";
import { calm, heats, inCloud, minute } from "../../support/local-aws/story.ts";

/** The n-th of each different event. */
function buildCount(): (event: Accepted) => number {
  const counts = new Map<string, number>();
  return ({ text }) => {
    const count = (counts.get(text) ?? 0) + 1;
    counts.set(text, count);
    return count;
  };
}

describe("events", () => {
  test.each<{ what: string; deliver: (event: Accepted, count: number) => readonly number[] }>([
    { what: "that are lost the first two times", deliver: (_, count) => (count <= 2 ? [] : [0]) },
    {
      what: "that come twice at once, and once more when the queue has forgotten them",
      deliver: () => [0, 0, 400_000],
    },
    {
      what: "that come in the opposite order",
      deliver: ({ detail }) => [200_000 - 60_000 * Number(detail.seq)],
    },
    {
      what: "that come an hour late, the announcements of later rounds alone in time",
      deliver: (_, count) => (count === 1 ? [60 * minute] : [0]),
    },
  ])("$what cost nothing", async ({ deliver }) => {
    await inCloud({}, async (cloud) => {
      const count = buildCount();
      cloud.deliver = (event) => deliver(event, count(event));
      await cloud.minutes(8);
      await calm(cloud);
      await cloud.pass(60 * minute);
      await calm(cloud);
      expectConverged(cloud, ["seoul"]);
      expect(cloud.failures).toEqual([]);
      expect(cloud.slack.messages()).toHaveLength(3);
    });
  });

  test("that the bus refuses inside a 200 are announced by a later round", async () => {
    await inCloud({}, async (cloud) => {
      let refused = 0;
      cloud.refuseEntry = () =>
        cloud.now() < cloud.began + 2 * minute && ++refused > 0 ? "ThrottlingException" : null;
      await cloud.minutes(5);
      await calm(cloud);
      expect(refused).toBeGreaterThan(2);
      expect(cloud.failures.map(({ message }) => message)).toEqual([
        expect.stringContaining("the bus sonde refused 1 events: ThrottlingException"),
      ]);
      expectConverged(cloud, ["seoul"]);
    });
  });
});

describe("the queue", () => {
  test("that gives again what was dealt with doubles nothing", async () => {
    await inCloud({}, async (cloud) => {
      let deletions = 0;
      cloud.deletes = () => ++deletions > 6;
      await cloud.minutes(4);
      for (let times = 0; times < 4; times++) await calm(cloud);
      expect(deletions).toBeGreaterThan(6);
      expectConverged(cloud, ["seoul"]);
      expect(cloud.slack.messages()).toHaveLength(3);
    });
  });

  test("may put a hint aside for good: a later round announces the same again", async () => {
    const forever = heats([60, 90]);
    await inCloud({ worlds: () => forever }, async (cloud) => {
      let invited = false;
      cloud.meet = ({ service }) => (service === "slack" && !invited ? notInvited : null);
      await cloud.minutes(45);
      expect(cloud.queue.deadLetters().length).toBeGreaterThan(0);
      expect(cloud.slack.messages()).toEqual([]);
      invited = true;
      await cloud.minutes(8);
      expect(cloud.slack.messages()).toMatchObject([{ text: expect.stringContaining("*Critical*") }]);
    });
  });
});

const notInvited = { kind: "answer", status: 200, code: "not_in_channel" } as const;
