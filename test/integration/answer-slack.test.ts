import { setTimeout as sleep } from "node:timers/promises";

import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { type SlackStage, stageInstallation, startSlack } from "../../cli/stage/slack.ts";
import { buildHandler as buildAnswer } from "../../functions/answer-slack/handler.ts";
import type { ReceiveDeps } from "../../functions/answer-slack/receive.ts";
import { buildHandler as buildApply } from "../../functions/apply-answer/handler.ts";
import type { SweepDeps } from "../../functions/apply-answer/sweep.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildStartFunction } from "../../shared/adapters/lambda.ts";
import { buildS3Create, buildS3Store } from "../../shared/adapters/s3-store.ts";
import { buildTellPerson } from "../../shared/adapters/slack-response.ts";
import { silencedLabels, silencesObject } from "../../shared/domain/silence.ts";
import type { SlackAccess } from "../../shared/domain/slack-access.ts";
import { actionButton, linkButton, type SlackAction } from "../../shared/domain/slack-actions.ts";
import { formatMessageState } from "../../shared/domain/state.ts";
import { storeKeys } from "../../shared/domain/store.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";
import { type S3Server, startS3 } from "../support/s3-server.ts";

const now = () => Date.now();
const everybody = { users: null, channels: ["#ops"] };
const access: SlackAccess = {
  appId: stageInstallation.appId,
  teamId: stageInstallation.teamId,
  enterpriseId: null,
  timezone: "UTC",
  actions: { acknowledge: everybody, silence: { users: ["U0ADA0001"], channels: ["#ops"] } },
};
const place = { target: "seoul", incident: "hot-1", channel: "#ops" };
const silence: SlackAction = { kind: "silence", for: "1h", ...place };
const ada = { id: "U0ADA0001", name: "ada", teamId: stageInstallation.teamId };

const context = { awsRequestId: "1", functionName: "f", getRemainingTimeInMillis: () => 30_000 };
let slack: SlackStage;
let s3: S3Server;
let functionUrl: Loopback;
let lambda: Loopback;
let ts: string;
/** What Lambda was asked to start; it answers with this status. */
let started: { path: string; type: unknown; input: unknown }[];
let lambdaStatus: number;
let running: Promise<unknown>[];
const acknowledged: string[] = [];
let apply: ReturnType<typeof buildApply>;

const settings = { region: "us-east-1", credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "s" } };

beforeEach(async () => {
  [started, running, lambdaStatus] = [[], [], 202];
  acknowledged.length = 0;
  slack = await startSlack({ token: "xoxb-stage", channels: ["#ops"], now });
  s3 = await startS3();
  const client = new S3Client({ ...settings, endpoint: s3.url, forcePathStyle: true });
  const store = buildS3Store(client, "state");

  const applyDeps: SweepDeps = {
    access,
    store,
    incidents: {
      labelsOf: async (target) => silencedLabels(target, { probe: "hot", gpu: "3" }),
      acknowledge: async (_, __, by) => {
        acknowledged.push(by.name);
        return "done";
      },
      refresh: async () => undefined,
    },
    tell: buildTellPerson({
      send: buildSend({ auth: { kind: "none" }, now }),
      origin: new URL(slack.url).origin,
    }),
    settled: new Set(),
    now,
    nonce: () => crypto.randomUUID(),
    pause: () => sleep(5),
    log: () => undefined,
  };
  apply = buildApply(async () => applyDeps);

  lambda = await serveHttp(async (request, response) => {
    const input: unknown = JSON.parse(await textOf(request));
    started.push({ path: request.url ?? "", type: request.headers["x-amz-invocation-type"], input });
    if (lambdaStatus === 202) running.push(apply(input, context));
    response.writeHead(lambdaStatus).end();
  });
  const lambdaClient = new LambdaClient({
    ...settings,
    endpoint: `http://127.0.0.1:${lambda.port}`,
    maxAttempts: 1,
  });

  const answerDeps: ReceiveDeps = {
    access,
    readSigningSecret: async () => stageInstallation.signingSecret,
    create: buildS3Create(client, "state"),
    startApplying: (key) => buildStartFunction(lambdaClient, "sonde-prod-apply-answer")({ key }),
    now,
    nonce: () => crypto.randomUUID(),
    log: () => undefined,
  };
  const answer = buildAnswer(async () => answerDeps);
  functionUrl = await serveHttp(async (request, response) => {
    const body = Buffer.from(await textOf(request)).toString("base64");
    const { method = "" } = request;
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const event = {
      version: "2.0",
      requestContext: { http: { method } },
      headers,
      body,
      isBase64Encoded: true,
    };
    // What a function URL answers for a function that failed.
    const { statusCode } = await answer(event).catch(() => ({ statusCode: 502 }));
    response.writeHead(statusCode).end();
  });

  ts = await postMessage();
  await store.write(
    storeKeys.message("hot-1", "#ops"),
    formatMessageState({
      version: 1,
      incident: "hot-1",
      channel: "#ops",
      writer: "w",
      nonce: "n",
      triedAt: now(),
      attempt: null,
      ts,
      channelId: "C0STAGE001",
      editable: true,
      firstSeq: 1,
      messageSeq: 1,
      postedSeq: 1,
    }),
    { ifNoneMatch: "*" },
  );
});

afterEach(() => Promise.all([slack.stop(), s3.stop(), functionUrl.stop(), lambda.stop()]));

/** A message with Sonde's buttons behind a coloured bar, which Slack takes. */
async function postMessage(): Promise<string> {
  const elements = [
    actionButton({ kind: "acknowledge", ...place }, "Acknowledge"),
    actionButton(silence, "Silence 1h"),
    linkButton("dashboard", "Open in Grafana", "https://grafana.example.com"),
  ];
  const attachments = [{ color: "#d72b3f", blocks: [{ type: "actions", elements }] }];
  const answer = await fetch(`${slack.url}chat.postMessage`, {
    method: "POST",
    headers: { authorization: "Bearer xoxb-stage", "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify({ channel: "#ops", text: "hot", attachments }),
  });
  const { ok, ts: posted } = Object(await answer.json());
  expect(ok).toBe(true);
  return String(posted);
}

async function textOf(request: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

const click = (actionId: string, person = ada) =>
  slack.click({ ts, actionId, person, url: `http://127.0.0.1:${functionUrl.port}/` });

const keys = (prefix: string) => [...s3.objects.keys()].filter((key) => key.startsWith(`/state/${prefix}`));

describe("a click in Slack", () => {
  it("goes by answer-slack, the bucket and apply-answer to a silence and its record", async () => {
    expect(await click("sonde-silence-1h")).toBe(200);
    await Promise.all(running);
    expect(started).toEqual([
      {
        path: "/2015-03-31/functions/sonde-prod-apply-answer/invocations",
        type: "Event",
        input: { key: keys("answers/")[0]?.replace("/state/", "") },
      },
    ]);
    const stored = s3.objects.get("/state/silences.json");
    expect(silencesObject.parse("silences.json", stored?.body ?? "")).toMatchObject([
      { by: { id: ada.id, name: "ada" }, origin: "slack" },
    ]);
    expect(keys("applied/")).toHaveLength(1);
    expect(slack.told()).toEqual([]);
  });

  it("is found by the sweep where Lambda did not take it", async () => {
    lambdaStatus = 429;
    expect(await click("sonde-acknowledge")).toBe(200);
    expect(acknowledged).toEqual([]);
    await apply({ sweep: true }, context);
    expect(acknowledged).toEqual(["ada"]);
  });

  it("by somebody who may not is told to that person alone", async () => {
    const eve = { ...ada, id: "U0EVE0001", name: "eve" };
    expect(await click("sonde-silence-1h", eve)).toBe(200);
    await Promise.all(running);
    expect(slack.told()).toEqual([
      { person: eve, ephemeral: true, text: expect.stringContaining("not among those who may silence") },
    ]);
    expect(keys("silences.json")).toEqual([]);
  });

  it("by somebody from outside, in a shared channel, goes no further", async () => {
    expect(await click("sonde-acknowledge", { ...ada, teamId: "T0OTHER00" })).toBe(403);
    expect(keys("answers/")).toEqual([]);
  });

  it("on a link is taken, and asks for nothing", async () => {
    expect(await click("sonde-open-dashboard")).toBe(200);
    expect(keys("answers/")).toEqual([]);
  });

  it("is an error where it cannot be kept, so that Slack says so", async () => {
    s3.faults.push({ status: 403, code: "AccessDenied" });
    expect(await click("sonde-acknowledge")).toBe(502);
    expect(started).toEqual([]);
  });
});

describe("starting a function", () => {
  it("is an error where Lambda answers anything but 202", async () => {
    lambdaStatus = 200;
    const client = new LambdaClient({ ...settings, endpoint: `http://127.0.0.1:${lambda.port}` });
    await expect(buildStartFunction(client, "f")({ key: "answers/x" })).rejects.toThrow(
      "Lambda answered 200 instead of 202 when asked to start f",
    );
  });
});

describe("creating an object in S3", () => {
  const client = () => new S3Client({ ...settings, endpoint: s3.url, forcePathStyle: true });

  it("happens once, and reads nothing", async () => {
    const create = buildS3Create(client(), "state");
    expect(await create("answers/a", "1")).toBe("created");
    expect(await create("answers/a", "2")).toBe("exists");
    expect(s3.objects.get("/state/answers/a")?.body).toBe("1");
  });

  it("is tried again while S3 says that it raced, and is no success where that does not end", async () => {
    const raced = { status: 409, code: "ConditionalRequestConflict" };
    s3.faults.push(raced, raced);
    expect(await buildS3Create(client(), "state")("answers/b", "1")).toBe("created");
    s3.faults.push(raced, raced, raced);
    await expect(buildS3Create(client(), "state")("answers/c", "1")).rejects.toThrow(
      "is being written by another",
    );
  });
});
