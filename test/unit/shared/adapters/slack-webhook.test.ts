import { describe, expect, test } from "vitest";

import type { HttpAnswer, HttpRequest } from "../../../../shared/adapters/http.ts";
import { HttpFault } from "../../../../shared/adapters/http-fault.ts";
import { buildPostToWebhook } from "../../../../shared/adapters/slack-webhook.ts";
import { ConfigError, Retryable, Unacknowledged } from "../../../../shared/domain/errors.ts";
import type { SlackMessage } from "../../../../shared/domain/slack.ts";

const url = "https://hooks.slack.com/services/T0/B0/secret";
const message: SlackMessage = {
  text: "GPU 3 is hot",
  color: "#d72b3f",
  blocks: [{ type: "section", text: { type: "mrkdwn", text: "hot", verbatim: true } }],
};

function postWith(answers: readonly (Partial<HttpAnswer> | HttpFault)[]) {
  const sent: HttpRequest[] = [];
  const left = [...answers];
  const post = buildPostToWebhook({
    url,
    now: () => 0,
    send: async (request) => {
      sent.push(request);
      const answer = left.shift() ?? { status: 200, body: "ok" };
      if (answer instanceof HttpFault) throw answer;
      return { status: 200, headers: {}, body: "", ...answer };
    },
  });
  return { post, sent, bodies: () => sent.map(({ body }) => JSON.parse(String(body))) };
}

async function errorOf(answer: Partial<HttpAnswer> | HttpFault): Promise<unknown> {
  return postWith([answer])
    .post(message)
    .catch((error: unknown) => error);
}

function fault(kind: "unreachable" | "reset"): HttpFault {
  return new HttpFault("https://hooks.slack.com", { kind, what: "no connection", next: "check the network" });
}

describe("posting to an incoming webhook", () => {
  test("sends the text, and the blocks behind their coloured bar", async () => {
    const { post, bodies } = postWith([]);
    await post(message);
    expect(bodies()).toEqual([
      {
        text: "GPU 3 is hot",
        attachments: [{ color: "#d72b3f", fallback: "GPU 3 is hot", blocks: message.blocks }],
      },
    ]);
  });

  test("sends the bare text where Slack refuses the blocks", async () => {
    const { post, bodies } = postWith([{ status: 400, body: "invalid_blocks" }]);
    await post(message);
    expect(bodies()[1]).toEqual({ text: "GPU 3 is hot" });
  });

  test("waits as long as a 429 asks", async () => {
    expect(await errorOf({ status: 429, headers: { "retry-after": "3" } })).toMatchObject({ afterMs: 3_000 });
  });

  test.each(["no_service", "channel_is_archived", "action_prohibited"])(
    "needs a person after %s",
    async (body) => {
      const error = await errorOf({ status: 404, body });
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(error)).toContain(`${body}: create the webhook anew`);
    },
  );

  test("may have arrived after a server error or a broken connection", async () => {
    expect(await errorOf({ status: 500, body: "rollup_error" })).toBeInstanceOf(Unacknowledged);
    expect(await errorOf(fault("reset"))).toBeInstanceOf(Unacknowledged);
  });

  test("cannot have arrived without a connection", async () => {
    const error = await errorOf(fault("unreachable"));
    expect(error).toBeInstanceOf(Retryable);
    expect(error).not.toBeInstanceOf(Unacknowledged);
  });

  test("never shows the address, which is the secret", async () => {
    for (const answer of [{ status: 404, body: "no_service" }, { status: 500 }, fault("reset")]) {
      expect(String(await errorOf(answer))).not.toContain("services");
    }
  });
});
