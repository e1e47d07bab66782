import { ConfigError, Retryable } from "../domain/errors.ts";
import { type PostToWebhook, type SlackMessage, Unacknowledged } from "../domain/slack.ts";
import type { HttpAnswer, SendHttp } from "./http.ts";
import { HttpFault } from "./http-fault.ts";
import { parseRetryAfter } from "./retry.ts";

export interface WebhookOptions {
  /** The webhook's secret address; no error shows it. */
  readonly url: string;
  readonly send: SendHttp;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const timeoutMs = 10_000;

/** Posts to a Slack incoming webhook. Content that Slack refuses is sent as plain text. */
export function buildPostToWebhook({ url, send, now }: WebhookOptions): PostToWebhook {
  const post = async (body: unknown): Promise<HttpAnswer> => {
    try {
      const headers = { "content-type": "application/json; charset=utf-8" };
      return await send({ method: "POST", url, headers, body: JSON.stringify(body), timeoutMs });
    } catch (cause) {
      throw transportFailure(cause);
    }
  };
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

function failure({ status, headers, body }: HttpAnswer, now: number): Error {
  const said = body.trim().slice(0, 100) || `HTTP ${status}`;
  if (status === 429) {
    const afterMs = parseRetryAfter(headers["retry-after"], now);
    return new Retryable("the Slack webhook asks for patience", afterMs === undefined ? {} : { afterMs });
  }
  if (status >= 500) return new Unacknowledged(`the Slack webhook answered ${said}`);
  if (/^(invalid_payload|no_text)\b/.test(body))
    return new Error(`the Slack webhook refused the message: ${said}`);
  return new ConfigError(
    `the Slack webhook answered ${said}: create the webhook anew in Slack, and store its address in the secret`,
  );
}

function transportFailure(cause: unknown): Error {
  if (!(cause instanceof HttpFault))
    return new Unacknowledged("the Slack webhook gave no whole answer", { cause });
  const text = `the Slack webhook: ${cause.what}; ${cause.next}`;
  return cause.kind === "unreachable" || cause.kind === "tls"
    ? new Retryable(text, { cause })
    : new Unacknowledged(text, { cause });
}
