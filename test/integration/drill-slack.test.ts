import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { drillSlack } from "../../cli/drill/to-slack.ts";
import { type SlackStage, startSlack } from "../../cli/stage/slack.ts";
import { buildSlack } from "../../shared/adapters/slack.ts";
import { runCli } from "../support/cli.ts";

let slack: SlackStage;
beforeEach(async () => {
  slack = await startSlack({
    token: "xoxb-test",
    channels: ["#drills", "#gone"],
    archived: ["#gone"],
    now: Date.now,
  });
});
afterEach(() => slack.stop());

/** The drill alone, with what it printed and its exit code. */
async function drill(channel: string, json = false) {
  const out: string[] = [];
  const codes: number[] = [];
  await drillSlack(
    channel,
    buildSlack({ token: "xoxb-test", baseUrl: slack.url }),
    { json },
    {
      now: Date.now,
      sleep: async () => undefined,
      env: {},
      cwd: "/",
      cacheDir: "/nonexistent",
      out: (line) => out.push(line),
      err: () => undefined,
      style: { color: false, width: 100 },
      nonce: () => "one",
      clientFor: async () => {
        throw new Error("no target is asked");
      },
      exit: (code) => codes.push(code),
      interrupted: new AbortController().signal,
    },
  );
  return { out, codes };
}

describe("a drill that goes to Slack", () => {
  it("is posted to the test channel and found there", async () => {
    const { out, codes } = await drill("#drills", true);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({ drill: "slack", channel: "#drills", status: "ok" });
    expect(codes).toEqual([]);
    expect(slack.messages()).toMatchObject([
      { channel: "#drills", text: expect.stringContaining("Nothing is wrong") },
    ]);
  });

  it("says why it did not arrive", async () => {
    const { out, codes } = await drill("#gone");
    expect(out[0]).toMatch(/fail +slack .*archived/);
    expect(codes).toEqual([1]);
  });

  it("needs the bot's token before anything is sent", async () => {
    const { code, err } = await runCli(["drill", "--state", "/nonexistent", "--slack", "#drills"]);
    expect(code).toBe(2);
    expect(err).toEqual(["--slack needs the bot token: set the environment variable SONDE_SLACK"]);
  });
});
