import { describe, expect, it } from "vitest";

import { compileConfig } from "../../../../shared/domain/compile.ts";
import { parseConfig } from "../../../../shared/domain/config.ts";
import { refusalOf } from "../../../../shared/domain/slack-access.ts";

const none = { packs: [], ruleFiles: [], certificates: {} };
const ids = { appId: "A012AB3CD", teamId: "T012AB3CD" };
const notify = [{ match: { severity: "critical" }, slack: "#llm-oncall" }, { slack: "C0123ABCD" }];

describe("a config's slack", () => {
  it("is null where there is none", () => {
    expect(compileConfig({ notify }, none).compiled.slack).toBeNull();
  });

  it("lets everybody of the team use the buttons in the channels of notify, unless it says otherwise", () => {
    const all = { users: null, channels: ["#llm-oncall", "C0123ABCD"] };
    expect(compileConfig({ notify, slack: ids }, none)).toMatchObject({
      faults: [],
      compiled: {
        slack: { ...ids, enterpriseId: null, timezone: "UTC", actions: { acknowledge: all, silence: all } },
      },
    });
  });

  it("names who may do what, and where", () => {
    const silence = { users: ["U012AB3CD"], channels: ["#llm-oncall"] };
    const { compiled, faults } = compileConfig({ notify, slack: { ...ids, actions: { silence } } }, none);
    expect(faults).toEqual([]);
    expect(compiled.slack?.actions.silence).toEqual(silence);
    expect(compiled.slack?.actions.acknowledge.users).toBeNull();
  });

  it("is at fault where it allows a channel that nothing is shown in", () => {
    const silence = { channels: ["#lm-oncall"] };
    const { faults } = compileConfig({ notify, slack: { ...ids, actions: { silence } } }, none);
    expect(faults).toEqual([
      {
        path: ["slack", "actions", "silence", "channels", 0],
        message: '#lm-oncall is no channel of notify, written as there: did you mean "#llm-oncall"?',
      },
    ]);
  });

  it("says so where no channel would show a button", () => {
    expect(compileConfig({ slack: ids }, none).notes).toEqual([
      { path: ["slack"], message: "no line of notify names a Slack channel: nobody sees a button" },
    ]);
  });

  it.each([
    ["an app's id in place of the team's", { ...ids, teamId: "A012AB3CD" }, "write an id such as T012AB3CD"],
    [
      "a name in place of an id",
      { ...ids, actions: { silence: { users: ["@ada"] } } },
      "write an id such as U012AB3CD",
    ],
    [
      "a list that allows nobody",
      { ...ids, actions: { silence: { users: [] } } },
      "slack.actions.silence.users",
    ],
    [
      "a place that is no time zone",
      { ...ids, timezone: "Berlin" },
      "write a time zone such as Europe/Berlin",
    ],
    ["an action that there is none of", { ...ids, actions: { reboot: {} } }, "acknowledge, silence"],
  ])("refuses %s", (_, slack, says) => {
    const parsed = parseConfig({ slack });
    const faults = "faults" in parsed ? parsed.faults : [];
    expect(faults.map(({ path, message }) => `${path.join(".")}: ${message}`).join()).toContain(says);
  });
});

describe("an allow-list", () => {
  const list = { users: ["U1"], channels: ["#a", "C2"] };

  it.each([
    ["a person and a channel that are on it", { user: "U1", channel: "C2" }, null],
    ["another person", { user: "U2", channel: "#a" }, "user"],
    ["another channel", { user: "U1", channel: "#b" }, "channel"],
  ])("given %s answers %j with %s", (_, click, refusal) => {
    expect(refusalOf(list, click)).toBe(refusal);
  });

  it("without people lets everybody pass", () => {
    expect(refusalOf({ ...list, users: null }, { user: "U9", channel: "#a" })).toBeNull();
  });
});
