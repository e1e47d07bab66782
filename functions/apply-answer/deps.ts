import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod/mini";

import { groupChangedEvent } from "../../events/group-changed.ts";
import { buildPublishEvents } from "../../shared/adapters/event-bus.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildIncidentDesk } from "../../shared/adapters/incident-desk.ts";
import { buildS3Store } from "../../shared/adapters/s3-store.ts";
import { buildTellPerson } from "../../shared/adapters/slack-response.ts";
import { readCompiledConfig } from "../../shared/lambda/config.ts";
import { parseEnv } from "../../shared/lambda/env.ts";
import { log } from "../../shared/lambda/logger.ts";
import { patience } from "../../shared/lambda/patience.ts";
import { buildIncidents } from "./incidents.ts";
import type { SweepDeps } from "./sweep.ts";

export const envSchema = z.object({
  SONDE_BUCKET: z.string().check(z.minLength(3)),
  SONDE_BUS: z.string().check(z.minLength(1)),
});

export type Deps = SweepDeps;

let deps: Deps | undefined;

/** Wired once on cold start. */
export async function realDeps(): Promise<Deps> {
  deps ??= wire();
  return deps;
}

function wire(): Deps {
  const env = parseEnv(envSchema);
  const config = readCompiledConfig();
  const now = () => Date.now();
  const store = buildS3Store(new S3Client(patience), env.SONDE_BUCKET);
  const publish = buildPublishEvents(new EventBridgeClient(patience), env.SONDE_BUS);
  const desk = buildIncidentDesk({
    store,
    policy: config.incidents,
    publish,
    eventOf: groupChangedEvent,
    nonce: randomUUID,
    sleep: async (ms) => {
      await sleep(ms);
    },
    random: Math.random,
  });
  return {
    access: config.slack,
    store,
    incidents: buildIncidents({ store, change: desk.changeIncidents, announce: desk.announce, now }),
    tell: buildTellPerson({ send: buildSend({ auth: { kind: "none" }, now }) }),
    settled: new Set(),
    now,
    nonce: randomUUID,
    pause: desk.pause,
    log,
  };
}
