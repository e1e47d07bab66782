import { describe, expect, test } from "vitest";

import { probesPerShard, shardsOf } from "../../../shared/domain/shards.ts";
import { aLevel, aProbe } from "../../support/builders.ts";
import type { World } from "../../support/fake-prometheus.ts";
import type { Cloud } from "../../support/local-aws/cloud.ts";
import { expectConverged } from "../../support/local-aws/converged.ts";
import { aConfig, aTarget, calm, heats, inCloud, minute } from "../../support/local-aws/story.ts";

/** More probes than one shard takes, all about the same; two of them, one in each shard, hear of the heat. */
const many = Array.from({ length: probesPerShard + 10 }, (_, index) =>
  aProbe({ id: `probe-${index}`, levels: [aLevel("fail", "> 1000")] }),
);
const [first = [], second = []] = shardsOf(many).map(({ probes }) => probes.map(({ id }) => id));
const hearing = new Set([first[0], second[0]]);
const config = aConfig({
  targets: [aTarget("seoul"), aTarget("oregon")],
  probes: many.map((probe) =>
    hearing.has(probe.id) ? { ...probe, levels: [aLevel("warn", "> 80"), aLevel("fail", "> 85")] } : probe,
  ),
});
const worlds = (target: string): World => heats(target === "seoul" ? [60, 82, 90, 60] : [60, 60, 90, 90, 60]);
const targets = ["seoul", "oregon"];

function roots(cloud: Cloud) {
  return cloud.slack.messages().filter(({ threadTs }) => threadTs === null);
}

describe("two targets in two shards each, all at once", () => {
  test("have an incident and a message for each probe that fails, and no other", async () => {
    await inCloud({ config, worlds }, async (cloud) => {
      await cloud.minutes(6);
      await calm(cloud);
      expect(cloud.failures).toEqual([]);
      for (const target of targets) {
        const { incidents, rounds } = cloud.incidents(target);
        expect(Object.keys(rounds).sort()).toEqual(["1/2", "2/2"]);
        expect(new Set(Object.values(incidents).map(({ probe }) => probe))).toEqual(hearing);
      }
      expectConverged(cloud, targets);
      expect(roots(cloud)).toHaveLength(4);
    });
  });

  test.each<{ what: string; prepare: (cloud: Cloud) => void }>([
    {
      what: "evaluations that are told twice",
      prepare: (cloud) => {
        cloud.deliver = () => [0, 0];
      },
    },
    {
      what: "evaluations that are lost every other time, and come after the next one the other times",
      prepare: (cloud) => {
        let count = 0;
        cloud.deliver = () => [[], [70_000], [0]][count++ % 3] ?? [];
      },
    },
    {
      what: "a crash in each shard, as it saves the incidents",
      prepare: (cloud) => {
        let saves = 0;
        cloud.meet = ({ what }) => {
          if (!what.startsWith("PUT incidents/")) return null;
          saves += 1;
          return saves % 5 === 0 ? { kind: saves % 2 === 0 ? "crash-before" : "crash-after" } : null;
        };
      },
    },
    {
      what: "a schedule that could not send all of them off",
      prepare: (cloud) => {
        cloud.refuseEntry = ({ detail }) =>
          detail.target === "seoul" && cloud.now() === cloud.began + 2 * minute ? "InternalFailure" : null;
      },
    },
  ])("come to the same with $what", async ({ prepare }) => {
    await inCloud({ config, worlds }, async (cloud) => {
      prepare(cloud);
      await cloud.minutes(8);
      Object.assign(cloud, { meet: () => null, deliver: () => [0], refuseEntry: () => null });
      await calm(cloud);
      expectConverged(cloud, targets);
      expect(roots(cloud)).toHaveLength(4);
    });
  });
});
