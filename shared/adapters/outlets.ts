import type { SendToPagerDuty } from "../domain/pagerduty.ts";
import type { ReadSecret } from "../domain/secret.ts";
import type { PostToWebhook } from "../domain/slack.ts";
import type { PostSigned } from "../domain/webhook.ts";
import type { SendHttp } from "./http.ts";
import { buildSendToPagerDuty, readPagerDutyService } from "./pagerduty.ts";
import { buildPostSigned, readSignedWebhook } from "./signed-webhook.ts";
import { buildPostToWebhook } from "./slack-webhook.ts";

/** Where messages go that need no bot, each by the name of the secret that holds an address or a key. */
export interface Outlets {
  readonly postToWebhook: (secret: string) => Promise<PostToWebhook>;
  readonly sendToPagerDuty: (secret: string) => Promise<SendToPagerDuty>;
  readonly postSigned: (secret: string) => Promise<PostSigned>;
}

/** Secrets are read each time, so that a changed one is taken up without a new deployment. */
export function buildOutlets(readSecret: ReadSecret, send: SendHttp, now: () => number): Outlets {
  return {
    postToWebhook: async (secret) =>
      buildPostToWebhook({ url: (await readSecret(secret)).trim(), send, now }),
    sendToPagerDuty: async (secret) =>
      buildSendToPagerDuty(readPagerDutyService(secret, await readSecret(secret)), send, now),
    postSigned: async (secret) =>
      buildPostSigned(readSignedWebhook(secret, await readSecret(secret)), send, now),
  };
}
