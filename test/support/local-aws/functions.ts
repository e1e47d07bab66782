import { randomUUID } from "node:crypto";

import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";

import { groupChangedEvent } from "../../../events/group-changed.ts";
import { buildHandler as buildNotifySlack } from "../../../functions/notify-slack/handler.ts";
import { buildPace } from "../../../functions/notify-slack/pace.ts";
import { buildHandler as buildRunProbes } from "../../../functions/run-probes/handler.ts";
import { buildChangeIncidents } from "../../../shared/adapters/change-incidents.ts";
import { buildPublishEvents } from "../../../shared/adapters/event-bus.ts";
import { buildS3Store } from "../../../shared/adapters/s3-store.ts";
import { buildSlack } from "../../../shared/adapters/slack.ts";
import { buildTargetClient } from "../../../shared/adapters/target-client.ts";
import type { Announcement } from "../../../shared/domain/incidents.ts";
import type { CompiledConfig, Target } from "../../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../../shared/domain/prometheus.ts";
import type { LambdaContext } from "../../../shared/lambda/middleware.ts";
import { patience } from "../../../shared/lambda/patience.ts";
import { type Line, type Network, openLine } from "./line.ts";

export const bucket = "sonde-state";
export const busName = "sonde";
export const slackToken = "xoxb-stage";

/** What the functions' environments are made of. */
export interface Setting {
  readonly config: CompiledConfig;
  readonly network: Network;
  readonly now: () => number;
  /** Lets simulated time pass. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Targets whose server is a real one, by name; the others' is the stand-in. */
  readonly servers: Readonly<Record<string, string>>;
  /** How long AWS clients wait for an answer, in real milliseconds, in place of what they do when deployed. */
  readonly requestTimeout: number;
}

/** A Lambda execution environment: one process, wired once, that handles one event after another. */
export interface Environment {
  readonly alive: () => boolean;
  /** Rejects at once where the process crashes on the way. */
  readonly invoke: (event: unknown) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

type Handle = (event: unknown, context: LambdaContext) => Promise<unknown>;

/** The function's own timeout, seconds, in milliseconds. */
const timeoutMs = { runProbes: 55_000, notifySlack: 60_000 };

/** A cold run-probes. */
export async function openRunProbes(setting: Setting): Promise<Environment> {
  const line = await openLine(setting.network);
  const { config, now } = setting;
  const sleep = sleepWhileAlive(line, setting);
  let deadline = Number.POSITIVE_INFINITY;
  const clients = new Map<string, Promise<PrometheusClient>>();
  const clientFor = (target: Target) => {
    const url = setting.servers[target.name] ?? `${line.url}/prometheus/${target.name}`;
    const client =
      clients.get(target.name) ??
      buildTargetClient(
        { ...target, url },
        { readSecret: noSecret, now, sleep, random: Math.random, deadline: () => deadline - 10_000 },
      );
    clients.set(target.name, client);
    return client;
  };
  const s3 = openS3(line, setting);
  const events = new EventBridgeClient(awsAt(line, setting));
  const store = buildS3Store(s3, bucket);
  const publish = buildPublishEvents(events, busName);
  const deps = {
    config,
    now,
    nonce: randomUUID,
    shown: new Map(),
    store,
    publish,
    changeIncidents: buildChangeIncidents(store, config.incidents, { nonce: randomUUID, pause: sleep }),
    announce: async (target: string, announcements: readonly Announcement[]) =>
      publish(announcements.map((announcement) => groupChangedEvent(target, announcement))),
    clientFor,
    emit: () => undefined,
    log: () => undefined,
    heartbeat: async () => undefined,
    setDeadline: (at: number) => {
      deadline = at;
    },
    sleep,
  };
  const handle = buildRunProbes(async () => deps);
  return environment(line, timeoutMs.runProbes, handle, () => {
    s3.destroy();
    events.destroy();
  });
}

/** A cold notify-slack. */
export async function openNotifySlack(setting: Setting): Promise<Environment> {
  const line = await openLine(setting.network);
  const sleep = sleepWhileAlive(line, setting);
  const { now } = setting;
  const s3 = openS3(line, setting);
  const deps = {
    store: buildS3Store(s3, bucket),
    slack: buildSlack({ token: slackToken, baseUrl: `${line.url}/api/` }),
    postToWebhook: elsewhere,
    sendToPagerDuty: elsewhere,
    postSigned: elsewhere,
    access: null,
    now,
    nonce: randomUUID,
    sleep,
    pace: buildPace(now, sleep),
    log: () => undefined,
  };
  const handle = buildNotifySlack(async () => deps);
  return environment(line, timeoutMs.notifySlack, handle, () => s3.destroy());
}

const elsewhere = async () => {
  throw new Error("nothing but Slack's bot here");
};

function environment(line: Line, timeout: number, handle: Handle, destroy: () => void): Environment {
  const context = {
    awsRequestId: "request",
    functionName: "sonde",
    getRemainingTimeInMillis: () => timeout,
  };
  return {
    alive: line.alive,
    invoke: (event) => {
      const running = handle(event, context);
      // What a dead process would still say, nobody hears.
      running.catch(() => undefined);
      return Promise.race([running, line.crashed]);
    },
    stop: async () => {
      destroy();
      await line.stop();
    },
  };
}

function awsAt({ url }: Line, { requestTimeout }: Setting) {
  return {
    ...patience,
    requestHandler: { ...patience.requestHandler, requestTimeout },
    endpoint: url,
    region: "eu-central-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  };
}

function openS3(line: Line, setting: Setting): S3Client {
  return new S3Client({ ...awsAt(line, setting), forcePathStyle: true });
}

/** A dead process wakes no more. */
function sleepWhileAlive(line: Line, { sleep }: Setting): (ms: number) => Promise<void> {
  return async (ms) => {
    await sleep(ms);
    if (!line.alive()) await line.crashed;
  };
}

async function noSecret(): Promise<string> {
  throw new Error("no secrets here");
}
