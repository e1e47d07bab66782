import { describe, expect, test } from "vitest";

import { buildSend } from "../../../shared/adapters/http.ts";
import { buildRemoteWrite } from "../../../shared/adapters/remote-write.ts";
import { start } from "../../support/local-aws/cloud.ts";
import { expectConverged } from "../../support/local-aws/converged.ts";
import { calm, heats, inCloud, minute, oneIncident } from "../../support/local-aws/story.ts";
import { startPrometheus } from "../../support/real-prometheus.ts";

const at = (began: number, minutes: number) => ({ at: new Date(began + minutes * minute).toISOString() });

/** The same heat as the stand-in tells of, written to a real Prometheus at each quarter of a minute. */
async function write(url: string): Promise<void> {
  const times = Array.from({ length: 160 }, (_, index) => start - 10 * minute + index * 15_000);
  const samples = times.map((t) => ({ t, v: oneIncident("gpu_temp", t)[0]?.v ?? 60 }));
  const now = Date.now;
  const send = buildSend({ auth: { kind: "none" }, now });
  await buildRemoteWrite({ url: `${url}/api/v1/write`, send, now })([
    { labels: { __name__: "gpu_temp", gpu: "5" }, samples },
  ]);
}

describe("fifty invocations at once on one target", () => {
  test("for the same minute of a real Prometheus make one round, one incident and one message", async () => {
    const prometheus = await startPrometheus();
    try {
      await write(prometheus.url);
      await inCloud({ servers: { seoul: prometheus.url } }, async (cloud) => {
        await cloud.minutes(1);
        for (let minutes = 1; minutes <= 3; minutes++) {
          await cloud.pass(minute);
          await cloud.atOnce(
            "run-probes",
            Array.from({ length: 50 }, () => at(cloud.began, minutes)),
          );
          await cloud.settle();
        }
        await calm(cloud);
        expect(cloud.failures).toEqual([]);
        expectConverged(cloud, ["seoul"]);
        expect(cloud.slack.messages()).toHaveLength(3);
      });
    } finally {
      await prometheus.stop();
    }
  });

  test("for ten different minutes, the latest first, converge as well", async () => {
    const world = heats([60, 60, 82, 82, 90, 90, 90, 90, 90, 90, 60]);
    await inCloud({ worlds: () => world }, async (cloud) => {
      await cloud.minutes(1);
      await cloud.pass(9 * minute);
      const rounds = Array.from({ length: 50 }, (_, index) => at(cloud.began, 9 - (index % 10)));
      await cloud.atOnce("run-probes", rounds);
      await cloud.settle();
      await cloud.minutes(2);
      await calm(cloud);
      expect(cloud.failures).toEqual([]);
      expectConverged(cloud, ["seoul"]);
    });
  });
});

describe("fifty notifiers at once at one message", () => {
  test("post it once and tell each note once", async () => {
    await inCloud({}, async (cloud) => {
      const held: string[] = [];
      cloud.deliver = ({ text }) => {
        held.push(text);
        return [];
      };
      await cloud.minutes(4);
      const batches = Array.from({ length: 50 }, (_, index) => ({
        Records: held.map((body, record) => ({ messageId: `${index}-${record}`, body })),
      }));
      await cloud.atOnce("notify-slack", batches);
      cloud.deliver = () => [0];
      await calm(cloud);
      expect(cloud.failures).toEqual([]);
      expectConverged(cloud, ["seoul"]);
      expect(cloud.slack.messages()).toHaveLength(3);
    });
  });
});
