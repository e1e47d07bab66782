import { setTimeout as realSleep } from "node:timers/promises";
import * as z from "zod/mini";

import { type SlackStage, startSlack } from "../../../cli/stage/slack.ts";
import { evaluationDue } from "../../../events/evaluation-due.ts";
import { isOpen } from "../../../shared/domain/incident.ts";
import { incidentsObject } from "../../../shared/domain/incident-state.ts";
import type { TargetIncidents } from "../../../shared/domain/incidents.ts";
import type { CompiledConfig } from "../../../shared/domain/probe.ts";
import { allChannels } from "../../../shared/domain/routes.ts";
import { storeKeys } from "../../../shared/domain/store.ts";
import { patience } from "../../../shared/lambda/patience.ts";
import { buildChannels } from "../../../stacks/channels.ts";
import { answerS3, type S3Objects } from "../s3-server.ts";
import { readRules, sendHints } from "./channel-rules.ts";
import { type Accepted, buildEventBus } from "./event-bus.ts";
import { buildFifoQueue, type FifoQueue } from "./fifo-queue.ts";
import { bucket, busName, openNotifySlack, openRunProbes, type Setting, slackToken } from "./functions.ts";
import { type Call, Crash, type Fault, forwardTo, type Network } from "./line.ts";
import { buildPool, type Pool } from "./pool.ts";
import { buildPrometheusStandIn, type Worlds } from "./prometheus.ts";

/** 2026-03-01 03:00 UTC */
export const start = Date.UTC(2026, 2, 1, 3);
const minute = 60_000;

export interface CloudOptions {
  readonly config: CompiledConfig;
  readonly worlds: Worlds;
  readonly servers?: Setting["servers"];
  readonly requestTimeout?: number;
}

/** The deployment on this machine, with its schedule in simulated time and whatever is to go wrong. */
export interface Cloud {
  readonly now: () => number;
  /** When its first round was due. */
  readonly began: number;
  /** Asked of each call of each function: what is to happen to it. */
  meet: (call: Call, index: number) => Fault | null;
  /** Asked of each event that the bus takes: after how many milliseconds it arrives, each time that it does. */
  deliver: (event: Accepted) => readonly number[];
  /** Asked of each entry: the code of a refusal inside a 200. */
  refuseEntry: (event: Accepted) => string | null;
  /** Asked after each message that notify-slack has dealt with: whether SQS hears that it may be deleted. */
  deletes: () => boolean;
  /** Every call so far. */
  readonly calls: readonly Call[];
  /** What invocations ended with that did not end well, crashes aside. */
  readonly failures: readonly Error[];
  readonly crashes: () => number;
  /** What was written down at some time and must never be. */
  readonly broken: readonly string[];
  readonly queue: FifoQueue;
  readonly slack: SlackStage;
  readonly objects: S3Objects;
  /** So many times: the schedule's minute, and what follows from it until the next one. */
  readonly minutes: (count: number) => Promise<void>;
  /** Lets time pass in which the schedule invokes nobody. */
  readonly pass: (ms: number) => Promise<void>;
  /** Invokes a function with each event at once, each in a process of its own. */
  readonly atOnce: (name: "run-probes" | "notify-slack", events: readonly unknown[]) => Promise<void>;
  /** Delivers what has arrived, until nothing is left that can be delivered now. */
  readonly settle: () => Promise<void>;
  readonly incidents: (target: string) => TargetIncidents;
  readonly stop: () => Promise<void>;
}

/** Starts S3, EventBridge, SQS, Slack and a Prometheus, with the rules of the deployment between them. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { config, worlds, servers = {}, requestTimeout = patience.requestHandler.requestTimeout } = options;
  let now = start;
  let round = start - minute;
  let crashes = 0;
  const calls: Call[] = [];
  const failures: Error[] = [];
  const broken: string[] = [];
  const onTheWay: { readonly at: number; readonly event: Accepted }[] = [];
  const rules = readRules(buildChannels(config.incidents.routes));
  const queue = buildFifoQueue(() => now);
  const objects: S3Objects = new Map();
  const bus = buildEventBus({
    name: busName,
    refuse: (event) => cloud.refuseEntry(event),
    accept: (event) => {
      for (const after of cloud.deliver(event)) onTheWay.push({ at: now + after, event });
    },
  });
  const slack = await startSlack({
    token: slackToken,
    channels: allChannels(config.incidents.routes),
    now: () => now,
    rateLimit: true,
    historyLagMs: 5_000,
  });
  const network: Network = {
    services: {
      s3: (request) => answerS3(request, objects),
      events: bus,
      slack: forwardTo(Number(new URL(slack.url).port)),
      prometheus: buildPrometheusStandIn(worlds),
    },
    inFlight: 0,
    meet: (call) => {
      calls.push(call);
      return cloud.meet(call, calls.length - 1);
    },
    done: (call) => {
      const key = /^PUT (incidents\/.+)$/.exec(call.what)?.[1];
      const twice = key === undefined ? [] : openTwice(objects.get(`/${bucket}/${key}`)?.body ?? "");
      broken.push(...twice.map((group) => `two open incidents of ${group}`));
    },
  };
  /** Time passes only while no call is on its way: nobody waits for an answer for longer than it takes. */
  const sleep = async (ms: number) => {
    const until = now + ms;
    for (let quiet = 0; quiet < 2; quiet = network.inFlight === 0 ? quiet + 1 : 0) await realSleep(1);
    now = Math.max(now, until);
  };
  const setting: Setting = { config, network, servers, requestTimeout, now: () => now, sleep };
  const runProbes = buildPool(() => openRunProbes(setting));
  const notifySlack = buildPool(() => openNotifySlack(setting));

  const invoke = async (pool: Pool, event: unknown): Promise<unknown> => {
    try {
      return await pool.invoke(event);
    } catch (error) {
      if (error instanceof Crash) crashes += 1;
      else failures.push(error instanceof Error ? error : new Error(String(error)));
      return null;
    }
  };
  const deliverEvents = async () => {
    const due = onTheWay.filter(({ at }) => at <= now);
    for (const one of due) onTheWay.splice(onTheWay.indexOf(one), 1);
    for (const { event } of due) sendHints(event, rules, queue);
    const evaluations = due.filter(({ event }) => event.detailType === evaluationDue.detailType);
    await Promise.all(evaluations.map(({ event }) => invoke(runProbes, event.detail)));
    return due.length > 0;
  };
  const deliverBatch = async () => {
    const records = queue.receive();
    if (records.length === 0) return false;
    const answer = await invoke(notifySlack, { Records: records });
    const failed = answer === null ? records.map(({ messageId }) => messageId) : failedIn(answer);
    for (const { messageId } of records)
      if (!failed.includes(messageId) && cloud.deletes()) queue.remove(messageId);
    return true;
  };
  const settle = async () => {
    for (;;) {
      const events = await deliverEvents();
      // As many at a time as the function's maximumConcurrency.
      const batches = await Promise.all([deliverBatch(), deliverBatch()]);
      if (!events && !batches.includes(true)) return;
    }
  };
  const cloud: Cloud = {
    now: () => now,
    began: start,
    meet: () => null,
    deliver: () => [0],
    refuseEntry: () => null,
    deletes: () => true,
    calls,
    failures,
    crashes: () => crashes,
    broken,
    queue,
    slack,
    objects,
    settle,
    minutes: async (count) => {
      for (let done = 0; done < count; done++) {
        round += minute;
        now = Math.max(now, round);
        await invoke(runProbes, { at: new Date(round).toISOString() });
        await settle();
        for (const seconds of [20, 40]) {
          now = Math.max(now, round + seconds * 1000);
          await settle();
        }
      }
    },
    pass: async (ms) => {
      round += ms;
      now = Math.max(now, round);
      await settle();
    },
    atOnce: async (name, events) => {
      const pool = name === "run-probes" ? runProbes : notifySlack;
      await Promise.all(events.map((event) => invoke(pool, event)));
    },
    incidents: (target) => {
      const key = storeKeys.incidents(target);
      const stored = objects.get(`/${bucket}/${key}`);
      return stored ? incidentsObject(target).parse(key, stored.body) : incidentsObject(target).empty();
    },
    stop: async () => {
      await Promise.all([runProbes.stop(), notifySlack.stop()]);
      await slack.stop();
    },
  };
  return cloud;
}

const answerSchema = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });

function failedIn(answer: unknown): string[] {
  return answerSchema.parse(answer).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

/** Groups that have more than one open incident. */
function openTwice(body: string): string[] {
  const { incidents } = incidentsObject("").parse("incidents", body);
  const open = Object.values(incidents).filter(isOpen);
  return open.map(({ group }) => group).filter((group, index, all) => all.indexOf(group) !== index);
}
