import { describe, expect, test } from "vitest";

import { aPolicy, aRoute } from "../../support/builders.ts";
import type { World } from "../../support/fake-prometheus.ts";
import { expectConverged } from "../../support/local-aws/converged.ts";
import type { Call, Fault } from "../../support/local-aws/line.ts";
import { aConfig, calm, channel, heats, inCloud, minute } from "../../support/local-aws/story.ts";

/** One GPU is hot within the hour only, one from before it until after it, one from within it until after it. */
const threeGpus: World = (metric, t) =>
  [
    heats([60, 60, 60, ...Array<number>(20).fill(90), 60], "1"),
    heats([60, 90, ...Array<number>(70).fill(90), 60], "2"),
    heats([...Array<number>(30).fill(60), ...Array<number>(40).fill(90), 60], "3"),
  ].flatMap((world) => world(metric, t));

const eachGpu = aConfig({ incidents: aPolicy({ groupBy: ["probe", "gpu"], routes: [aRoute(channel)] }) });

const unavailable: Fault = { kind: "answer", status: 503, code: "service_unavailable" };

describe("Slack is down for an hour", () => {
  test.each<{ how: string; meet: (call: Call, count: number) => Fault | null }>([
    {
      how: "and answers 503 or breaks the connection",
      meet: (_, count) => (count % 2 === 0 ? unavailable : { kind: "lose-request" }),
    },
    { how: "and does what it is told without an answer", meet: () => ({ kind: "lose-answer" }) },
    {
      how: "and answers nobody who writes",
      meet: (call) => (call.writes ? { kind: "lose-answer" } : null),
    },
  ])("$how: each incident has its one message afterwards", async ({ meet }) => {
    await inCloud({ config: eachGpu, worlds: () => threeGpus }, async (cloud) => {
      const down = () => cloud.now() >= cloud.began + 2 * minute && cloud.now() < cloud.began + 62 * minute;
      let met = 0;
      cloud.meet = (call) => (call.service === "slack" && down() ? meet(call, met++) : null);
      await cloud.minutes(75);
      await calm(cloud);
      expect(met).toBeGreaterThan(20);
      expect(Object.keys(cloud.incidents("seoul").incidents)).toHaveLength(3);
      expectConverged(cloud, ["seoul"]);
      expect(cloud.failures).toEqual([]);
    });
  });
});

const writes = ({ what }: Call) => what.startsWith("PUT ");
const all = ({ service }: Call) => service === "s3";

describe("S3 is in trouble for a minute, and for another one soon after", () => {
  test.concurrent.each<{ how: string; fault: Fault; hits: (call: Call) => boolean }>([
    { how: "answers 503", fault: { kind: "answer", status: 503, code: "SlowDown" }, hits: all },
    {
      how: "answers 500 to writes",
      fault: { kind: "answer", status: 500, code: "InternalError" },
      hits: writes,
    },
    {
      how: "answers 412 to writes",
      fault: { kind: "answer", status: 412, code: "PreconditionFailed" },
      hits: writes,
    },
    {
      how: "answers 409 to writes",
      fault: { kind: "answer", status: 409, code: "ConditionalRequestConflict" },
      hits: writes,
    },
    { how: "takes writes and does not answer", fault: { kind: "lose-answer" }, hits: writes },
    { how: "breaks every connection", fault: { kind: "lose-request" }, hits: all },
    { how: "answers later than anybody waits", fault: { kind: "delay", ms: 250 }, hits: writes },
  ])("and $how: no message is lost or doubled, whether it began or ended then", async ({ fault, hits }) => {
    await Promise.all(
      [0, 1].map((from) =>
        inCloud({ requestTimeout: fault.kind === "delay" ? 200 : 3_000 }, async (cloud) => {
          let met = 0;
          cloud.meet = (call) => {
            const minutes = Math.floor((cloud.now() - cloud.began) / minute) - from;
            if (!hits(call) || (minutes !== 0 && minutes !== 2)) return null;
            met += 1;
            return fault;
          };
          await cloud.minutes(5);
          await calm(cloud);
          expect(met).toBeGreaterThan(0);
          expectConverged(cloud, ["seoul"]);
          expect(cloud.slack.messages().filter(({ threadTs }) => threadTs === null)).toHaveLength(1);
        }),
      ),
    );
  });
});
