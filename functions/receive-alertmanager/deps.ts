import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod/mini";

import { groupChangedEvent } from "../../events/group-changed.ts";
import { buildPublishEvents } from "../../shared/adapters/event-bus.ts";
import { buildIncidentDesk } from "../../shared/adapters/incident-desk.ts";
import { buildS3Create, buildS3Store } from "../../shared/adapters/s3-store.ts";
import { readCompiledConfig } from "../../shared/lambda/config.ts";
import { parseEnv } from "../../shared/lambda/env.ts";
import { log } from "../../shared/lambda/logger.ts";
import { patience } from "../../shared/lambda/patience.ts";
import { buildRecordAlerts } from "./record-alerts.ts";
import type { TakeInDeps } from "./take-in.ts";

export const envSchema = z.object({
  SONDE_BUCKET: z.string().check(z.minLength(3)),
  SONDE_BUS: z.string().check(z.minLength(1)),
  /** ARNs of topics, with spaces between; empty while config has no AMP target. */
  SONDE_ALERT_TOPICS: z.string(),
});

export type Deps = TakeInDeps;

let deps: Deps | undefined;

/** Wired once on cold start. */
export async function realDeps(): Promise<Deps> {
  deps ??= wire();
  return deps;
}

function wire(): Deps {
  const env = parseEnv(envSchema);
  const { targets, probes, incidents } = readCompiledConfig();
  const s3 = new S3Client(patience);
  const store = buildS3Store(s3, env.SONDE_BUCKET);
  const publish = buildPublishEvents(new EventBridgeClient(patience), env.SONDE_BUS);
  const desk = buildIncidentDesk({
    store,
    policy: incidents,
    publish,
    eventOf: groupChangedEvent,
    nonce: randomUUID,
    sleep: async (ms) => {
      await sleep(ms);
    },
    random: Math.random,
  });
  return {
    topics: env.SONDE_ALERT_TOPICS.split(" ").filter(Boolean),
    targets,
    record: buildRecordAlerts({
      probes,
      now: () => Date.now(),
      create: buildS3Create(s3, env.SONDE_BUCKET),
      ...desk,
    }),
    log,
  };
}
