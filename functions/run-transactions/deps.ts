import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as z from "zod/mini";

import { groupChangedEvent } from "../../events/group-changed.ts";
import { buildPublishEvents } from "../../shared/adapters/event-bus.ts";
import { buildIncidentDesk } from "../../shared/adapters/incident-desk.ts";
import type { WriteSamples } from "../../shared/adapters/remote-write.ts";
import { buildS3Store } from "../../shared/adapters/s3-store.ts";
import { buildReadSecret } from "../../shared/adapters/secrets.ts";
import type { buildTargetWrite } from "../../shared/adapters/target-write.ts";
import { isAttached } from "../../shared/domain/network.ts";
import { readCompiledConfig } from "../../shared/lambda/config.ts";
import { parseEnv } from "../../shared/lambda/env.ts";
import { log } from "../../shared/lambda/logger.ts";
import { buildEmit } from "../../shared/lambda/metrics.ts";
import { patience } from "../../shared/lambda/patience.ts";
import { buildTransaction } from "./build.ts";
import type { RunDueDeps } from "./run-due.ts";
import { afterTime } from "./run-one.ts";

export const envSchema = z.object({
  SONDE_BUCKET: z.string().check(z.minLength(3)),
  SONDE_BUS: z.string().check(z.minLength(1)),
});

export type Deps = RunDueDeps;

/** Results are not waited for: the run is over, and only a graph lacks them. */
const writeTimeoutMs = 10_000;

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
  const wait = async (ms: number) => {
    await sleep(ms);
  };
  const readSecret = buildReadSecret(new SecretsManagerClient(patience), now);
  const store = buildS3Store(new S3Client(patience), env.SONDE_BUCKET);
  const publish = buildPublishEvents(new EventBridgeClient(patience), env.SONDE_BUS);
  const desk = buildIncidentDesk({
    store,
    policy: config.incidents,
    publish,
    eventOf: groupChangedEvent,
    nonce: randomUUID,
    sleep: wait,
    random: Math.random,
  });
  const resultsTo = config.targets.find(({ name }) => name === config.writeResultsTo);
  return {
    config,
    store,
    ...desk,
    shown: new Map(),
    build: (compiled) =>
      buildTransaction(compiled, {
        config,
        standing: isAttached(config.network, "run-transactions") ? "vpc" : "no-vpc",
        read: store.read,
        readSecret,
        now,
        sleep: wait,
        nonce: randomUUID,
        writeLine: (line) => process.stdout.write(`${line}\n`),
      }),
    writeResults: resultsTo ? writeLazily(resultsTo, { readSecret, now, timeoutMs: writeTimeoutMs }) : null,
    now,
    nonce: randomUUID,
    after: afterTime,
    emit: buildEmit("Sonde"),
    log,
  };
}

/** Protobuf and snappy are loaded with the first results. */
function writeLazily(...args: Parameters<typeof buildTargetWrite>): WriteSamples {
  let built: Promise<WriteSamples> | undefined;
  return async (series) => {
    built ??= import("../../shared/adapters/target-write.ts").then(({ buildTargetWrite: build }) =>
      build(...args),
    );
    await (await built)(series);
  };
}
