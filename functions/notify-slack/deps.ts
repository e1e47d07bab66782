import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as z from "zod/mini";

import { buildSend } from "../../shared/adapters/http.ts";
import { buildOutlets } from "../../shared/adapters/outlets.ts";
import { buildS3Store } from "../../shared/adapters/s3-store.ts";
import { buildReadSecret } from "../../shared/adapters/secrets.ts";
import { buildSlack } from "../../shared/adapters/slack.ts";
import type { Slack } from "../../shared/domain/slack.ts";
import { readCompiledConfig } from "../../shared/lambda/config.ts";
import { parseEnv } from "../../shared/lambda/env.ts";
import { log } from "../../shared/lambda/logger.ts";
import { patience } from "../../shared/lambda/patience.ts";
import type { DeliverDeps } from "./deliver.ts";
import { buildPace } from "./pace.ts";
import { readToken } from "./token.ts";

export const envSchema = z.object({
  SONDE_BUCKET: z.string().check(z.minLength(3)),
  /** Name of the secret with the bot token; unused where every route is a webhook. */
  SLACK_SECRET: z.string().check(z.minLength(1)),
});

export type Deps = DeliverDeps;

let deps: Deps | undefined;

/** Wired once on cold start. */
export async function realDeps(): Promise<Deps> {
  deps ??= wire();
  return deps;
}

function wire(): Deps {
  const env = parseEnv(envSchema);
  const now = () => Date.now();
  const pause = async (ms: number) => {
    await sleep(ms);
  };
  const readSecret = buildReadSecret(new SecretsManagerClient(patience), now);
  const send = buildSend({ auth: { kind: "none" }, now });
  return {
    store: buildS3Store(new S3Client(patience), env.SONDE_BUCKET),
    access: readCompiledConfig().slack,
    slack: slackByToken(async () => readToken(env.SLACK_SECRET, await readSecret(env.SLACK_SECRET))),
    ...buildOutlets(readSecret, send, now),
    now,
    nonce: randomUUID,
    sleep: pause,
    pace: buildPace(now, pause),
    log,
  };
}

/** Slack with the token of the moment: a rotated one is taken up without a new deployment. */
function slackByToken(readTokenNow: () => Promise<string>): Slack {
  let current: { readonly token: string; readonly slack: Slack } | undefined;
  const slack = async () => {
    const token = await readTokenNow();
    if (current?.token !== token) current = { token, slack: buildSlack({ token, onContentRefused }) };
    return current.slack;
  };
  return {
    post: async (...args) => (await slack()).post(...args),
    update: async (...args) => (await slack()).update(...args),
    reply: async (...args) => (await slack()).reply(...args),
    findByNonce: async (...args) => (await slack()).findByNonce(...args),
  };
}

function onContentRefused(details: Readonly<Record<string, unknown>>): void {
  log("error", "Slack refused a message's blocks and was sent its text alone: please report this", details);
}
