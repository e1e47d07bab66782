import { describe, expect, test } from "vitest";

import { checkBlocks } from "../../../../cli/stage/slack-blocks.ts";
import { renderIncident } from "../../../../functions/notify-slack/blocks.ts";
import { buttonsOf } from "../../../../functions/notify-slack/buttons.ts";
import type { Incident } from "../../../../shared/domain/incident.ts";
import { parseAction } from "../../../../shared/domain/slack-actions.ts";
import { afterChange, anIncident, t0 } from "../../../support/incident.ts";
import { access } from "../../../support/slack-click.ts";

const minute = 60_000;
const channel = "#llm-oncall";
const labels = (incident: Incident, to = channel, as: typeof access | null = access) =>
  buttonsOf(incident, to, as).map(({ text }) => text.text);

const acknowledge = "Acknowledge";
const silences = ["Silence 1 h", "Silence 4 h", "Silence until Monday"];
const grafana = "Open in Grafana";

describe("the buttons of a message", () => {
  test("ask for what people can do about an open incident, and open its panel", () => {
    expect(labels(anIncident())).toEqual([acknowledge, ...silences, grafana]);
  });

  test("are understood by those who listen for clicks", () => {
    const place = { target: "seoul", incident: anIncident().id, channel };
    expect(
      buttonsOf(anIncident(), channel, access).map(({ action_id, value }) => parseAction(action_id, value)),
    ).toEqual([
      { kind: "acknowledge", ...place },
      { kind: "silence", for: "1h", ...place },
      { kind: "silence", for: "4h", ...place },
      { kind: "silence", for: "monday", ...place },
      "link",
    ]);
  });

  test("are none where nobody listens, and none on what is over", () => {
    expect(labels(anIncident(), channel, null)).toEqual([]);
    expect(labels(afterChange(anIncident(), "recovered", t0 + 20 * minute))).toEqual([]);
  });

  test("are only those that config allows in the channel", () => {
    expect(labels(anIncident(), "#llm-ops")).toEqual([acknowledge, grafana]);
    expect(labels(anIncident(), "#elsewhere")).toEqual([grafana]);
  });

  test("do not ask for what is done already", () => {
    const taken = afterChange(anIncident(), "acknowledged", t0 + 8 * minute, 92, "Ada");
    expect(labels(taken)).toEqual([...silences, grafana]);
    expect(labels(afterChange(taken, "muted", t0 + 9 * minute, 92, "silenced by Ada"))).toEqual([grafana]);
    expect(labels(afterChange(taken, "escalated", t0 + 9 * minute))).toContain(acknowledge);
  });

  test("stay on what flaps and on what is muted by nobody's own doing", () => {
    const all = [acknowledge, ...silences, grafana];
    expect(labels(afterChange(anIncident(), "flapping", t0 + 9 * minute))).toEqual(all);
    const mute = { by: "maintenance", id: "0 2 * * *", until: t0 + 60 * minute, note: "" } as const;
    expect(labels(anIncident({ mute }))).toEqual(all);
  });

  test("open nothing but a web page", () => {
    for (const dashboard of ["", "javascript:alert(1)", `https://x.example.com/${"x".repeat(1_600)}`])
      expect(labels(anIncident({}, { dashboard }))).toEqual([acknowledge, ...silences]);
  });

  test("are left out where the incident's name is too long for Slack to give back", () => {
    expect(labels(anIncident({ id: "x".repeat(2_000) }))).toEqual([grafana]);
  });

  test("are blocks that Slack takes", () => {
    const incident = anIncident({}, { dashboard: `https://x.example.com/${"&".repeat(1_400)}` });
    const { blocks } = renderIncident(incident, t0, buttonsOf(incident, channel, access));
    expect(checkBlocks(blocks)).toEqual([]);
    expect(blocks.at(-1)).toMatchObject({ type: "actions", elements: { length: 5 } });
  });
});
