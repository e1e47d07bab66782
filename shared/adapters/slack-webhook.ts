import { ConfigError } from "../domain/errors.ts";
import type { PostToWebhook, SlackMessage } from "../domain/slack.ts";
import type { HttpAnswer, SendHttp } from "./http.ts";
import { answerOf, passingFailure, saidIn } from "./outlet-failure.ts";

export interface WebhookOptions {
  /** The webhook's secret address; no error shows it. */
  readonly url: string;
  readonly send: SendHttp;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const who = "the Slack webhook";
const timeoutMs = 10_000;

/** Posts to a Slack incoming webhook. Content that Slack refuses is sent as plain text. */
export function buildPostToWebhook({ url, send, now }: WebhookOptions): PostToWebhook {
  const headers = { "content-type": "application/json; charset=utf-8" };
  const post = (body: unknown) =>
    answerOf(who, send({ method: "POST", url, headers, body: JSON.stringify(body), timeoutMs }));
  return async (message) => {
    let answer = await post(payload(message));
    if (contentRefused.test(answer.body)) answer = await post({ text: message.text });
    if (answer.status === 200) return;
    throw failure(answer, now());
  };
}

/** Webhooks say what is wrong in plain text (api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks). */
const contentRefused = /^(invalid_blocks|invalid_blocks_format|invalid_attachments|msg_blocks_too_long)\b/;

function payload({ text, blocks, color }: SlackMessage) {
  if (blocks.length === 0) return { text };
  return { text, attachments: [{ ...(color === undefined ? {} : { color }), fallback: text, blocks }] };
}

function failure(answer: HttpAnswer, now: number): Error {
  const passing = passingFailure(who, answer, now);
  if (passing) return passing;
  const said = saidIn(answer);
  if (/^(invalid_payload|no_text)\b/.test(answer.body))
    return new Error(`${who} refused the message: ${said}`);
  return new ConfigError(
    `${who} answered ${said}: create the webhook anew in Slack, and store its address in the secret`,
  );
}
