import { expect, test } from "vitest";

import { parseTargetState } from "../../../shared/domain/state.ts";
import { aPolicy, aRoute } from "../../support/builders.ts";
import type { World } from "../../support/fake-prometheus.ts";
import { aConfig, channel, heats, inCloud, minute } from "../../support/local-aws/story.ts";

const config = aConfig({ incidents: aPolicy({ groupBy: ["probe", "gpu"], routes: [aRoute(channel)] }) });

/** The first GPU is warm and then hot; the others follow, a few minutes apart. */
const worlds: World = (metric, t) =>
  [
    heats([60, 82, 82, 90], "1"),
    heats([60, 60, 60, 60, 60, 90], "2"),
    heats([...Array<number>(20).fill(60), 90], "3"),
  ].flatMap((world) => world(metric, t));

test("one message that cannot be shown holds up neither the rounds nor the others of its channel", async () => {
  await inCloud({ config, worlds: () => worlds }, async (cloud) => {
    await cloud.minutes(2);
    const [key = ""] = [...cloud.objects.keys()].filter((name) => name.includes("/messages/"));
    cloud.objects.set(key, { body: '{"version":99}', etag: '"newer"' });
    const shown = () => cloud.slack.messages().map(({ text }) => /GPU \d/.exec(text)?.[0]);
    await cloud.minutes(4);
    expect(shown()).toEqual(["GPU 1", "GPU 2"]);
    await cloud.minutes(15);
    expect(shown()).toEqual(["GPU 1", "GPU 2", "GPU 3"]);
    const state = cloud.objects.get("/sonde-state/targets/seoul.json")?.body ?? "";
    expect(parseTargetState("targets/seoul.json", state).roundAt).toBe(cloud.began + 20 * minute);
    expect(cloud.failures).toEqual([]);
  });
});
