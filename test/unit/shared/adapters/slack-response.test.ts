import { describe, expect, test } from "vitest";

import type { HttpRequest } from "../../../../shared/adapters/http.ts";
import { buildTellPerson } from "../../../../shared/adapters/slack-response.ts";

function setUp(status = 200) {
  const sent: HttpRequest[] = [];
  const tell = buildTellPerson({
    send: async (request) => {
      sent.push(request);
      return { status, headers: {}, body: "" };
    },
  });
  return { sent, tell };
}

describe("telling who clicked", () => {
  test("is seen by nobody else, and leaves the message as it is", async () => {
    const { sent, tell } = setUp();
    await tell("https://hooks.slack.com/actions/T0/1/abc", "No.");
    expect(sent[0]?.url).toBe("https://hooks.slack.com/actions/T0/1/abc");
    expect(JSON.parse(String(sent[0]?.body))).toEqual({
      response_type: "ephemeral",
      replace_original: false,
      text: "No.",
    });
  });

  test.each([
    "http://hooks.slack.com/actions/T0/1/abc",
    "https://hooks.slack.com.example.com/actions",
    "https://hooks.slack.com@example.com/actions",
    "https://hooks.slack.com:8443/actions",
    "https://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "not a url",
  ])("never goes to %s, which the error does not repeat", async (url) => {
    const { sent, tell } = setUp();
    const error = await tell(url, "No.").catch((thrown: unknown) => thrown);
    expect(String(error)).toBe(
      "Error: the response_url of a click is not on https://hooks.slack.com: nothing was sent there",
    );
    expect(sent).toEqual([]);
  });

  test("says so where Slack does not take it any more", async () => {
    await expect(setUp(404).tell("https://hooks.slack.com/actions/T0/1/abc", "No.")).rejects.toThrow(
      "Slack answered 404",
    );
  });
});
