import { randomUUID } from "node:crypto";

import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as z from "zod/mini";

import { buildStartFunction } from "../../shared/adapters/lambda.ts";
import { buildS3Create } from "../../shared/adapters/s3-store.ts";
import { buildReadSecret } from "../../shared/adapters/secrets.ts";
import { readCompiledConfig } from "../../shared/lambda/config.ts";
import { parseEnv } from "../../shared/lambda/env.ts";
import { log } from "../../shared/lambda/logger.ts";
import type { ReceiveDeps } from "./receive.ts";
import { checkSigningSecret } from "./signature.ts";

export const envSchema = z.object({
  SONDE_BUCKET: z.string().check(z.minLength(3)),
  /** Name of the secret with the Slack app's signing secret. */
  SLACK_SIGNING_SECRET: z.string().check(z.minLength(1)),
  /** The name of apply-answer. */
  APPLY_ANSWER: z.string().check(z.minLength(1)),
});

export type Deps = ReceiveDeps;

/** Slack waits three seconds for its answer. */
const haste = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 800, throwOnRequestTimeout: true },
} as const;

let deps: Deps | undefined;

/** Wired once on cold start. */
export async function realDeps(): Promise<Deps> {
  deps ??= wire();
  return deps;
}

function wire(): Deps {
  const env = parseEnv(envSchema);
  const now = () => Date.now();
  const readSecret = buildReadSecret(new SecretsManagerClient(haste), now);
  // The answer is safe by then: what takes too long is left to the sweep.
  const start = buildStartFunction(new LambdaClient({ ...haste, maxAttempts: 1 }), env.APPLY_ANSWER);
  return {
    access: readCompiledConfig().slack,
    readSigningSecret: async () =>
      checkSigningSecret(env.SLACK_SIGNING_SECRET, await readSecret(env.SLACK_SIGNING_SECRET)),
    create: buildS3Create(new S3Client(haste), env.SONDE_BUCKET),
    startApplying: (key) => start({ key }),
    now,
    nonce: randomUUID,
    log,
  };
}
