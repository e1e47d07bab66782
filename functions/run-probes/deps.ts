import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as z from "zod/mini";

import { groupChangedEvent } from "../../events/group-changed.ts";
import { buildPublishEvents } from "../../shared/adapters/event-bus.ts";
import { buildHeartbeat } from "../../shared/adapters/heartbeat.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildIncidentDesk } from "../../shared/adapters/incident-desk.ts";
import { buildS3Store } from "../../shared/adapters/s3-store.ts";
import { buildReadSecret } from "../../shared/adapters/secrets.ts";
import { buildTargetClient } from "../../shared/adapters/target-client.ts";
import type { Target } from "../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import { readCompiledConfig } from "../../shared/lambda/config.ts";
import { parseEnv } from "../../shared/lambda/env.ts";
import { log } from "../../shared/lambda/logger.ts";
import { buildEmit } from "../../shared/lambda/metrics.ts";
import { patience } from "../../shared/lambda/patience.ts";
import type { DispatchDeps } from "./dispatch.ts";
import type { RunRoundsDeps } from "./run-rounds.ts";

export const envSchema = z.object({
  SONDE_BUCKET: z.string().check(z.minLength(3)),
  SONDE_BUS: z.string().check(z.minLength(1)),
});

export interface Deps extends RunRoundsDeps, DispatchDeps {
  /** Tells a watcher outside AWS that a round went well; does nothing where config names none. */
  readonly heartbeat: () => Promise<void>;
}

/** What is kept back of the remaining time, for state and events after the last answer. */
const reserveMs = 10_000;

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
  const readSecret = buildReadSecret(new SecretsManagerClient(patience), now);
  const pauseFor = async (ms: number) => {
    await sleep(ms);
  };
  let deadline = Number.POSITIVE_INFINITY;
  const clients = new Map<string, Promise<PrometheusClient>>();
  const clientFor = (target: Target) => {
    const client =
      clients.get(target.name) ??
      buildTargetClient(target, {
        readSecret,
        now,
        sleep: pauseFor,
        random: Math.random,
        deadline: () => deadline - reserveMs,
      });
    clients.set(target.name, client);
    return client;
  };
  const store = buildS3Store(new S3Client(patience), env.SONDE_BUCKET);
  const publish = buildPublishEvents(new EventBridgeClient(patience), env.SONDE_BUS);
  const desk = buildIncidentDesk({
    store,
    policy: config.incidents,
    publish,
    eventOf: groupChangedEvent,
    nonce: randomUUID,
    sleep: pauseFor,
    random: Math.random,
  });
  return {
    config,
    now,
    sleep: pauseFor,
    nonce: randomUUID,
    shown: new Map(),
    store,
    publish,
    ...desk,
    clientFor,
    emit: buildEmit("Sonde"),
    log,
    heartbeat: buildHeartbeat(config.heartbeat, buildSend({ auth: { kind: "none" }, now }), log),
    setDeadline: (at) => {
      deadline = at;
    },
  };
}
