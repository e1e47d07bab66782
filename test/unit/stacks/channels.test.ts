import { describe, expect, it } from "vitest";

import type { Route } from "../../../shared/domain/probe.ts";
import { buildChannels } from "../../../stacks/channels.ts";
import { aRoute } from "../../support/builders.ts";

const ops = aRoute("#ops");
const oncall = aRoute("#oncall", { match: { severity: "critical" } });
const hook = aRoute("slack-webhook:sonde/hook", { match: { team: "x" } });
const nowhere: Route = { match: { severity: "none" }, channels: [], continue: true };

function rulesOf(routes: readonly Route[]) {
  return Object.values(buildChannels(routes).Resources).filter(({ Type }) => Type === "AWS::Events::Rule");
}

describe("the rules of channels", () => {
  it("are one a channel, however many routes lead there", () => {
    expect(rulesOf([ops, oncall, { ...ops, match: { a: "b" } }, hook, nowhere])).toHaveLength(3);
  });

  it("are there for the channels that an incident escalates to, too", () => {
    const escalation = { after: 600_000, channels: ["#managers", "#ops"], mention: "" };
    expect(rulesOf([{ ...ops, escalation }])).toHaveLength(2);
  });

  it("are none without routes, and then nobody may write to the queues", () => {
    expect(buildChannels([nowhere]).Resources).toEqual({});
  });

  it("keep each channel's messages in order by a message group of its own", () => {
    const groups = rulesOf([ops, oncall, hook]).map(({ Properties }) => JSON.stringify(Properties.Targets));
    expect(new Set(groups).size).toBe(3);
    expect(groups.join()).toMatch(/"MessageGroupId":"[0-9a-f]{12}"/);
  });

  it("match the events of their channel as incidents announce them", () => {
    const [rule] = rulesOf([ops]);
    expect(rule?.Properties.EventPattern).toEqual({
      source: ["sonde.incidents"],
      "detail-type": ["group-changed"],
      detail: { channel: ["#ops"] },
    });
  });

  it("do not change their names when other channels come and go", () => {
    const alone = Object.keys(buildChannels([ops]).Resources);
    expect(Object.keys(buildChannels([oncall, ops]).Resources)).toEqual(expect.arrayContaining(alone));
  });
});
