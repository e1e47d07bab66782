import type { Slack, SlackMessage } from "../../shared/domain/slack.ts";
import type { CliDeps } from "../deps.ts";
import { parseMrkdwn } from "../output/slack-mrkdwn.ts";
import { paint } from "../output/style.ts";

/** The Slack port without a Slack: the line of each message, printed where it would be posted or edited. */
export function buildTerminalSlack({ out, style }: Pick<CliDeps, "out" | "style">): Slack {
  let count = 0;
  const show = (what: string, { text }: SlackMessage) => {
    const plain = parseMrkdwn(text, undefined).map((span) => span.text);
    out(`${paint(style, "dim", what)} ${plain.join("")}`);
  };
  return {
    post: async (channel, message) => {
      show(`${channel}:`, message);
      return { channelId: channel, ts: String(++count) };
    },
    update: async ({ channelId }, message) => {
      show(`${channelId} (edited):`, message);
      return "updated";
    },
    reply: async ({ channelId }, message) => {
      show(`${channelId} (thread):`, message);
      return "replied";
    },
    findByNonce: async () => null,
  };
}
