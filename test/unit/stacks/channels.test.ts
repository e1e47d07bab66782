import { describe, expect, it } from "vitest";

import type { Route } from "../../../shared/domain/probe.ts";
import { buildChannels } from "../../../stacks/channels.ts";

const ops: Route = { match: {}, slack: "#ops" };
const oncall: Route = { match: { severity: "critical" }, slack: "#oncall" };
const hook: Route = { match: { team: "x" }, webhookSecret: "sonde/hook" };
const nowhere: Route = { match: { severity: "none" } };

function rulesOf(routes: readonly Route[]) {
  return Object.values(buildChannels(routes).Resources).filter(({ Type }) => Type === "AWS::Events::Rule");
}

describe("the rules of channels", () => {
  it("are one a channel, however many routes lead there", () => {
    expect(rulesOf([ops, oncall, { ...ops, match: { a: "b" } }, hook, nowhere])).toHaveLength(3);
  });

  it("are none without routes, and then nobody may write to the queues", () => {
    expect(buildChannels([nowhere]).Resources).toEqual({});
  });

  it("keep each channel's messages in order by a message group of its own", () => {
    const groups = rulesOf([ops, oncall, hook]).map(({ Properties }) => JSON.stringify(Properties.Targets));
    expect(new Set(groups).size).toBe(3);
    expect(groups.join()).toMatch(/"MessageGroupId":"[0-9a-f]{12}"/);
  });

  it("match the events of their channel as run-probes sends them", () => {
    const [rule] = rulesOf([ops]);
    expect(rule?.Properties.EventPattern).toEqual({
      source: ["sonde.run-probes"],
      "detail-type": ["group-changed"],
      detail: { channel: ["#ops"] },
    });
  });

  it("do not change their names when other channels come and go", () => {
    const alone = Object.keys(buildChannels([ops]).Resources);
    expect(Object.keys(buildChannels([oncall, ops]).Resources)).toEqual(expect.arrayContaining(alone));
  });
});
