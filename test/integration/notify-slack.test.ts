import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { type SlackFault, type SlackStage, startSlack } from "../../cli/stage/slack.ts";
import { type BatchAnswer, buildHandler, handler } from "../../functions/notify-slack/handler.ts";
import { buildPace } from "../../functions/notify-slack/pace.ts";
import { buildDirectoryStore } from "../../shared/adapters/directory-store.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildOutlets } from "../../shared/adapters/outlets.ts";
import { buildSlack } from "../../shared/adapters/slack.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import type { Store } from "../../shared/domain/store.ts";
import { compiledConfigFile } from "../../shared/lambda/config.ts";
import { type LambdaContext, wrapHandler } from "../../shared/lambda/middleware.ts";
import { afterChange, anIncident, formatIncidents, storeIncidents, t0 } from "../support/incident.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";
import { type PagerDutyStage, startPagerDuty } from "../support/pagerduty.ts";
import { type S3Server, startS3 } from "../support/s3-server.ts";
import { access } from "../support/slack-click.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";

const token = "xoxb-stage";
const channel = "#llm-oncall";
const minute = 60_000;

let now: number;
let directory: string;
let store: Store;
let slack: SlackStage;
let slept: number[];
let logged: { level: string; message: string }[];

const context: LambdaContext = {
  awsRequestId: "request-1",
  functionName: "sonde-notify-slack",
  getRemainingTimeInMillis: () => 120_000,
};

/** Time that passes only when somebody waits: a second per message costs the test nothing. */
const sleep = async (ms: number) => {
  slept.push(ms);
  now += ms;
};

const notifySlack = wrapHandler(
  "notify-slack",
  buildHandler(async () => ({
    store,
    slack: buildSlack({ token, baseUrl: slack.url, timeoutMs: 1_000 }),
    access,
    ...buildOutlets(
      async () => slack.webhookUrl,
      buildSend({ auth: { kind: "none" }, now: () => now }),
      () => now,
    ),
    now: () => now,
    nonce: randomUUID,
    sleep,
    pace,
    log: (level, message) => logged.push({ level, message }),
  })),
);
let pace: (channel: string) => Promise<void>;

function records(incidents: readonly Pick<Incident, "id" | "seq">[], to = channel) {
  return {
    Records: incidents.map(({ id, seq }, index) => ({
      messageId: `record-${index}`,
      body: JSON.stringify({ type: "group-changed", target: "seoul", group: id, seq, channel: to }),
    })),
  };
}

async function announce(...incidents: readonly Pick<Incident, "id" | "seq">[]): Promise<BatchAnswer> {
  return notifySlack(records(incidents), context);
}

const none: BatchAnswer = { batchItemFailures: [] };
const firing = anIncident({ level: "warn" }, { level: "warn", own: {} });
const escalated = afterChange(firing, "escalated", t0 + 10 * minute, 95);
const recovered = afterChange(escalated, "recovered", t0 + 30 * minute, 70);

function shown() {
  const [root, ...more] = slack.messages().filter(({ threadTs }) => threadTs === null);
  return {
    text: root?.text,
    others: more.length,
    thread: slack
      .messages()
      .flatMap(({ threadTs, text }) => (threadTs === null ? [] : [text.split(" · ")[0]])),
  };
}

beforeEach(async () => {
  now = t0 + 6 * minute;
  slept = [];
  logged = [];
  pace = buildPace(() => now, sleep);
  directory = await mkdtemp(join(tmpdir(), "sonde-notify-"));
  store = buildDirectoryStore(directory, () => now);
  slack = await startSlack({
    token,
    channels: [channel],
    now: () => now,
    rateLimit: true,
    historyLagMs: 5_000,
  });
});
afterEach(async () => {
  await slack.stop();
  await rm(directory, { recursive: true, force: true });
});

describe("notify-slack, from a batch of the queue to Slack over HTTP", () => {
  test("posts what fires, edits it as it changes, and turns it green", async () => {
    await storeIncidents(store, [firing]);
    expect(await announce(firing)).toEqual(none);
    expect(shown()).toEqual({
      text: "🟠 *Warning* · seoul · GPU 3 on gpu-node-7 is at 91.2 °C",
      others: 0,
      thread: [],
    });
    await storeIncidents(store, [escalated]);
    expect(await announce(escalated)).toEqual(none);
    expect(shown().text).toContain("🔴 *Critical*");
    await storeIncidents(store, [recovered]);
    expect(await announce(recovered)).toEqual(none);
    expect(shown()).toEqual({
      text: expect.stringContaining("✅ *Resolved after 30m*"),
      others: 0,
      thread: ["🔴 *Escalated*: 95 °C", "✅ *Recovered* after 30m: 70 °C"],
    });
    expect(logged.filter(({ level }) => level !== "info")).toEqual([]);
  });

  test("shows the last state at once when events come doubled, late and in the wrong order", async () => {
    await storeIncidents(store, [escalated]);
    expect(await announce(escalated, firing, escalated)).toEqual(none);
    expect(await announce(firing)).toEqual(none);
    expect(shown()).toMatchObject({ text: expect.stringContaining("🔴 *Critical*"), others: 0 });
  });

  test("says in the end what happened when every event but the last was lost", async () => {
    await storeIncidents(store, [firing]);
    await announce(firing);
    await storeIncidents(store, [recovered]);
    await announce(recovered);
    expect(shown()).toMatchObject({
      others: 0,
      thread: ["🔴 *Escalated*: 95 °C", "✅ *Recovered* after 30m: 70 °C"],
    });
  });

  test("makes one message when two invocations overlap", async () => {
    await storeIncidents(store, [firing]);
    const answers = await Promise.all([announce(firing), announce(firing)]);
    await announce(firing);
    expect(answers.map(({ batchItemFailures }) => batchItemFailures.length).toSorted()).toEqual([0, 0]);
    expect(shown()).toMatchObject({ others: 0 });
  });

  test("keeps to a message a second and channel", async () => {
    const many = Array.from({ length: 5 }, (_, index) => anIncident({ id: `incident-${index}` }));
    await storeIncidents(store, many);
    expect(await announce(...many)).toEqual(none);
    expect(slack.messages()).toHaveLength(5);
    expect(slack.calls().every(({ answered }) => answered === "ok")).toBe(true);
    expect(slept).toHaveLength(4);
  });

  test.each<{ what: string; fault: SlackFault["with"]; waited: number }>([
    { what: "a 429 is waited for as long as it asks", fault: { status: 429, retryAfter: 3 }, waited: 3_000 },
    { what: "after a 500 the message is looked for, then sent", fault: { status: 500 }, waited: 30_000 },
    {
      what: "an answer that is lost leads to the message that arrived",
      fault: { drop: "after" },
      waited: 30_000,
    },
    { what: "a request that is lost leads to a new one", fault: { drop: "before" }, waited: 30_000 },
    { what: "Slack's own doubt is settled by looking", fault: { error: "internal_error" }, waited: 30_000 },
  ])("$what: exactly one message", async ({ fault, waited }) => {
    await storeIncidents(store, [firing]);
    slack.failNext({ method: "chat.postMessage", with: fault });
    expect(await announce(firing)).toEqual(none);
    expect(slack.messages()).toHaveLength(1);
    const total = slept.reduce((sum, ms) => sum + ms, 0);
    expect(total).toBeGreaterThanOrEqual(waited);
    expect(total).toBeLessThan(waited + 2_000);
  });

  test.each<{ what: string; method: string; fault: SlackFault["with"] }>([
    { what: "an edit", method: "chat.update", fault: { drop: "after" } },
    { what: "an answer in the thread", method: "chat.postMessage", fault: { drop: "after" } },
  ])("a lost answer to $what doubles nothing", async ({ method, fault }) => {
    await storeIncidents(store, [firing]);
    await announce(firing);
    await storeIncidents(store, [recovered]);
    slack.failNext({ method, with: fault });
    expect(await announce(recovered)).toEqual(none);
    expect(shown()).toMatchObject({
      text: expect.stringContaining("Resolved"),
      others: 0,
      thread: ["🔴 *Escalated*: 95 °C", "✅ *Recovered* after 30m: 70 °C"],
    });
  });

  test("gives back to the queue what nobody but a person can mend, and says what to do", async () => {
    await slack.stop();
    slack = await startSlack({ token, channels: [], foreign: [channel], now: () => now });
    await storeIncidents(store, [firing]);
    expect(await announce(firing)).toEqual({ batchItemFailures: [{ itemIdentifier: "record-0" }] });
    expect(logged).toEqual([
      {
        level: "error",
        message: "chat.postMessage in #llm-oncall: not_in_channel: invite the app there: /invite @Sonde",
      },
    ]);
    await slack.stop();
    slack = await startSlack({ token, channels: [channel], now: () => now });
    expect(await announce(firing)).toEqual(none);
    expect(slack.messages()).toHaveLength(1);
  });

  test("through a webhook says what is news, and cannot edit", async () => {
    const to = "slack-webhook:sonde/ops";
    await storeIncidents(store, [firing]);
    await notifySlack(records([firing, firing], to), context);
    await storeIncidents(store, [recovered]);
    await notifySlack(records([recovered], to), context);
    expect(slack.messages().map(({ via, text }) => [via, text.split(" · ")[0]])).toEqual([
      ["webhook", "🟠 *Warning*"],
      ["webhook", "✅ *Resolved after 30m*"],
    ]);
  });

  test("offers buttons as long as there is something to do, and through a webhook none", async () => {
    const offered = () =>
      JSON.stringify(slack.messages().map(({ attachments }) => attachments)).match(/"sonde-[a-z0-9-]+"/g);
    await storeIncidents(store, [firing]);
    await announce(firing);
    expect(offered()).toEqual([
      '"sonde-acknowledge"',
      '"sonde-silence-1h"',
      '"sonde-silence-4h"',
      '"sonde-silence-monday"',
      '"sonde-open-grafana"',
    ]);
    const taken = afterChange(firing, "acknowledged", t0 + 8 * minute, 92, "Ada");
    await storeIncidents(store, [taken]);
    await announce(taken);
    expect(offered()).toHaveLength(4);
    await storeIncidents(store, [afterChange(taken, "recovered", t0 + 30 * minute, 70)]);
    await announce({ ...taken, seq: 3 });
    expect(offered()).toBeNull();
    const other = { ...firing, id: "another" };
    await storeIncidents(store, [other]);
    await notifySlack(records([other], "slack-webhook:sonde/ops"), context);
    expect(slack.messages().at(-1)?.via).toBe("webhook");
    expect(offered()).toBeNull();
  });

  test("pings nobody, whatever a pod is called", async () => {
    const hostile = anIncident(
      {},
      {
        labels: { pod: "<!channel>", node: "<@U012AB3CD>" },
        summary: "<!here> *<!everyone|x>*",
        runbook: "https://x.example.com/<!channel>|",
      },
    );
    await storeIncidents(store, [hostile]);
    await announce(hostile);
    const sent = JSON.stringify(slack.messages());
    expect(sent).toContain("&lt;!channel&gt;");
    expect(sent).not.toMatch(/<[!@](?!date)/);
  });
});

describe("the exported handler, wired for Lambda", () => {
  let s3: S3Server;
  let secrets: Loopback;
  let pagerDuty: PagerDutyStage;
  let receiver: WebhookReceiver;
  let root: string;
  const routingKey = "R0123456789abcdefghijklmnopqrstu";
  const webhookKey = "a key that nobody guesses";
  const saved = { ...process.env };

  beforeAll(async () => {
    s3 = await startS3();
    secrets = await serveHttp(async (request, response) => {
      const { SecretId } = Object(await json(request));
      const stored: Record<string, string> = {
        "sonde/ops": slack.webhookUrl,
        "sonde/pager": JSON.stringify({ routingKey, url: pagerDuty.url }),
        "sonde/hook": JSON.stringify({ url: receiver.url, key: webhookKey }),
      };
      response.setHeader("content-type", "application/x-amz-json-1.1");
      response.end(JSON.stringify({ Name: SecretId, SecretString: stored[SecretId] }));
    });
    pagerDuty = await startPagerDuty(routingKey);
    receiver = await startWebhookReceiver(webhookKey, Date.now);
    root = await mkdtemp(join(tmpdir(), "sonde-task-"));
    await writeFile(join(root, compiledConfigFile), JSON.stringify({ version: 1, slack: null }));
  });
  afterAll(async () => {
    process.env = saved;
    await s3.stop();
    await Promise.all([secrets.stop(), pagerDuty.stop(), receiver.stop()]);
    await rm(root, { recursive: true, force: true });
  });

  test("fails in words where its environment is incomplete", async () => {
    delete process.env.SONDE_BUCKET;
    await expect(handler(records([]), context)).rejects.toThrow(ConfigError);
  });

  test("reads state from S3 and from Secrets Manager where to send, and sends", async () => {
    Object.assign(process.env, {
      SONDE_BUCKET: "sonde-state",
      SLACK_SECRET: "sonde/slack",
      LAMBDA_TASK_ROOT: root,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${secrets.port}`,
    });
    s3.objects.set("/sonde-state/incidents/seoul.json", {
      body: formatIncidents("seoul", [firing]),
      etag: '"1"',
    });
    expect(await handler(records([firing], "slack-webhook:sonde/ops"), context)).toEqual(none);
    expect(slack.messages()).toMatchObject([
      { via: "webhook", text: expect.stringContaining("🟠 *Warning*") },
    ]);
    expect(await handler(records([firing], "pagerduty:sonde/pager"), context)).toEqual(none);
    expect(pagerDuty.alerts).toMatchObject([{ dedupKey: firing.id, status: "triggered" }]);
    expect(await handler(records([firing], "webhook:sonde/hook"), context)).toEqual(none);
    expect(receiver.taken).toMatchObject([{ incident: { id: firing.id } }]);
    expect([...s3.objects.keys()].filter((key) => key.includes("/messages/"))).toHaveLength(3);
  });
});
