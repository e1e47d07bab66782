import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkBlocks } from "../../../../cli/stage/slack-blocks.ts";
import {
  actionButton,
  endOfSilence,
  linkButton,
  parseAction,
  type SlackAction,
  silenceDurations,
} from "../../../../shared/domain/slack-actions.ts";

const place = { target: "seoul", incident: "gpu-temperature-1x2y3z-lq3k9f40", channel: "#llm-oncall" };
const actions: readonly SlackAction[] = [
  { kind: "acknowledge", ...place },
  ...silenceDurations.map((duration) => ({ kind: "silence" as const, for: duration, ...place })),
];
const value = JSON.stringify(place);

describe("a button", () => {
  it.each(actions)("for $kind $for reads back as what it asks for", (action) => {
    const { action_id, value: own } = actionButton(action, "Do it");
    expect(parseAction(action_id, own)).toEqual(action);
  });

  it("reads back whatever the incident and its channel are called", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (target, incident, channel) => {
        const action: SlackAction = { kind: "acknowledge", target, incident, channel };
        const { action_id, value: own } = actionButton(action, "Acknowledge");
        expect(parseAction(action_id, own)).toEqual(action);
      }),
    );
  });

  it("stands beside all others in one block of Slack's", () => {
    const elements = [
      ...actions.map((action) => actionButton(action, "Do it")),
      linkButton("dashboard", "Open in Grafana", "https://grafana.example.com/d/gpu"),
      linkButton("runbook", "Runbook", "https://runbooks.example.com/gpu"),
    ];
    expect(checkBlocks([{ type: "actions", elements }])).toEqual([]);
  });

  it("that opens a page asks for nothing, though Slack tells of it", () => {
    expect(parseAction(linkButton("runbook", "Runbook", "https://x.y").action_id, undefined)).toBe("link");
  });

  it.each([
    ["of another app", "approve", value],
    ["with a name that every object answers to", "toString", value],
    ["for a time that is not offered", "sonde-silence-1y", value],
    ["without a value", "sonde-acknowledge", undefined],
    ["whose value is no JSON", "sonde-acknowledge", "seoul"],
    ["whose value lacks the incident", "sonde-acknowledge", '{"target":"seoul","channel":"#ops"}'],
    ["whose value says more", "sonde-acknowledge", value.replace("}", ',"for":"1y"}')],
    ["whose value is longer than Slack's are", "sonde-acknowledge", `${value}${" ".repeat(2000)}`],
  ])("%s is none of Sonde's", (_, id, given) => {
    expect(parseAction(id, given)).toBeNull();
  });
});

it.each([
  ["1h", "2026-03-04T13:00:00.000Z"],
  ["4h", "2026-03-04T16:00:00.000Z"],
  ["monday", "2026-03-09T08:00:00.000Z"],
] as const)("a silence of %s from Wednesday noon ends at %s", (duration, end) => {
  const noon = Date.parse("2026-03-04T12:00:00Z");
  expect(new Date(endOfSilence(duration, noon, "Europe/Berlin")).toISOString()).toBe(end);
});
