import { randomUUID } from "node:crypto";

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { buildHandler } from "../../functions/notify-slack/handler.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildOutlets } from "../../shared/adapters/outlets.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import type { Store } from "../../shared/domain/store.ts";
import type { LambdaContext } from "../../shared/lambda/middleware.ts";
import { buildFakeSlack } from "../support/fake-slack.ts";
import type { ServerFault } from "../support/faulty-server.ts";
import { anyIncident } from "../support/hostile.ts";
import { afterChange, anIncident, manyMembers, storeIncidents, t0 } from "../support/incident.ts";
import { buildMemoryStore } from "../support/memory-store.ts";
import { type PagerDutyStage, startPagerDuty } from "../support/pagerduty.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";

const minute = 60_000;
const routingKey = "R0123456789abcdefghijklmnopqrstu";
const webhookKey = "a key that nobody guesses";

let now: number;
let store: Store;
let pagerDuty: PagerDutyStage;
let receiver: WebhookReceiver;
let secrets: Record<string, string>;
let slept: number;
let logged: string[];

const context: LambdaContext = {
  awsRequestId: "request-1",
  functionName: "sonde-notify-slack",
  getRemainingTimeInMillis: () => 120_000,
};

const notify = buildHandler(async () => ({
  store,
  slack: buildFakeSlack(() => now),
  access: null,
  ...buildOutlets(
    async (name) => secrets[name] ?? "",
    buildSend({ auth: { kind: "none" }, now: () => now }),
    () => now,
  ),
  now: () => now,
  nonce: randomUUID,
  sleep: async (ms) => {
    slept += ms;
    now += ms;
  },
  pace: async () => undefined,
  log: (_, message) => logged.push(message),
}));

beforeEach(async () => {
  now = t0 + 6 * minute;
  slept = 0;
  logged = [];
  store = buildMemoryStore();
  pagerDuty = await startPagerDuty(routingKey);
  receiver = await startWebhookReceiver(webhookKey, () => now);
  secrets = {
    "sonde/pagerduty": JSON.stringify({ routingKey, url: pagerDuty.url }),
    "sonde/hook": JSON.stringify({ url: receiver.url, key: webhookKey }),
  };
});
afterEach(async () => {
  await Promise.all([pagerDuty.stop(), receiver.stop()]);
});

/** Stores the incident as it is now and follows a hint about it; how many hints were given back. */
async function tell(incident: Incident, channel: string): Promise<number> {
  await storeIncidents(store, [incident]);
  const { id, target, seq } = incident;
  const body = JSON.stringify({ type: "group-changed", target, group: id, seq, channel });
  const { batchItemFailures } = await notify({ Records: [{ messageId: "1", body }] }, context);
  return batchItemFailures.length;
}

const firing = anIncident();
const escalated = afterChange(firing, "escalated", t0 + 8 * minute, 95);
const recovered = (incident = firing) => afterChange(incident, "recovered", t0 + 30 * minute, 70);
const muted = (incident = firing) => afterChange(incident, "muted", t0 + 9 * minute, 92, "silenced by Ada");

describe("whatever labels, annotations and numbers hold", () => {
  const hostile = anyIncident.map((incident) => ({
    ...incident,
    id: incident.id || "-",
    acknowledged: null,
    mute: null,
    status: "firing" as const,
  }));

  test.each(["pagerduty:sonde/pagerduty", "webhook:sonde/hook"])(
    "%s is told of it, in the form that it asks for, and of its end",
    async (channel) => {
      await fc.assert(
        fc.asyncProperty(hostile, async (incident) => {
          store = buildMemoryStore();
          logged = [];
          expect(await tell(incident, channel), logged.join()).toBe(0);
          const over = { ...incident, status: "resolved" as const, seq: incident.seq + 1 };
          const end = { seq: over.seq, at: t0, what: "recovered" as const, value: null, note: "" };
          expect(await tell({ ...over, history: [end] }, channel), logged.join()).toBe(0);
          expect(logged).toEqual(["message converged", "message converged"]);
        }),
        { numRuns: 50 },
      );
      expect(pagerDuty.alerts.every(({ status }) => status === "resolved")).toBe(true);
    },
  );
});

describe("PagerDuty", () => {
  const channel = "pagerduty:sonde/pagerduty";
  const page = (incident: Incident) => tell(incident, channel);
  const states = () => pagerDuty.alerts.map(({ status }) => status);

  test("opens an alert that says what a person needs who is called at night", async () => {
    expect(await page(firing)).toBe(0);
    expect(pagerDuty.events).toEqual([
      {
        routing_key: routingKey,
        event_action: "trigger",
        dedup_key: firing.id,
        client: "Sonde",
        payload: {
          summary: "seoul: GPU 3 on gpu-node-7 is at 91.2 °C",
          source: "gpu-node-7",
          severity: "critical",
          timestamp: "2026-03-01T03:05:00.000Z",
          component: "gpu-node-7",
          group: "seoul",
          class: "gpu-temperature",
          custom_details: {
            incident: firing.id,
            status: "firing",
            failing: 1,
            value: "91.2 °C",
            threshold: "> 85 °C",
            since: "2026-03-01T03:00:00.000Z",
            labels: firing.labels,
            description: "Above the point at which the driver throttles clocks.",
          },
        },
        links: [
          { href: "https://runbooks.example.com/gpu", text: "Runbook" },
          { href: "https://grafana.example.com/d/gpu?viewPanel=4", text: "Grafana panel" },
        ],
      },
    ]);
  });

  test("follows the incident: acknowledged, and resolved by the key that it was opened with", async () => {
    await page(firing);
    await page(firing);
    const taken = afterChange(firing, "acknowledged", t0 + 8 * minute, 92, "Ada");
    await page(taken);
    expect(states()).toEqual(["acknowledged"]);
    await page(recovered(taken));
    expect(states()).toEqual(["resolved"]);
    expect(pagerDuty.events).toHaveLength(3);
  });

  test("begins another alert when the incident fires again", async () => {
    await page(firing);
    await page(recovered());
    await page(afterChange(recovered(), "fired-again", t0 + 32 * minute, 93));
    expect(states()).toEqual(["resolved", "triggered"]);
  });

  test("is told again what is graver or goes on, and not what only grew", async () => {
    await page(firing);
    await page(escalated);
    const grown = afterChange(escalated, "grew", t0 + 20 * minute, 95, "1 joined");
    await page(grown);
    expect(pagerDuty.events).toHaveLength(2);
    await page(afterChange(grown, "repeated", t0 + 250 * minute, 95));
    expect(pagerDuty.alerts).toMatchObject([{ status: "triggered", summaries: { length: 3 } }]);
  });

  test("calls nobody for what is muted, over or taken on before it heard of it", async () => {
    await page(muted());
    await page(recovered(muted()));
    await page(recovered({ ...firing, id: "another" }));
    await page(afterChange({ ...firing, id: "third" }, "acknowledged", t0 + 8 * minute, 92, "Ada"));
    expect(pagerDuty.events).toEqual([]);
  });

  test("leaves open what is muted later, and resolves it when it is over", async () => {
    await page(firing);
    await page(muted());
    expect(states()).toEqual(["triggered"]);
    await page(recovered(muted()));
    expect(states()).toEqual(["resolved"]);
  });

  test("calls again when what still fires is no longer muted", async () => {
    await page(muted());
    await page(afterChange(muted(), "unmuted", t0 + 129 * minute, 93));
    expect(states()).toEqual(["triggered"]);
  });

  test.each<{ what: string; fault: ServerFault; waited: number }>([
    { what: "a 429 is waited for", fault: { status: 429, headers: { "retry-after": "7" } }, waited: 7_000 },
    { what: "a 429 that names no time is given a minute", fault: { status: 429 }, waited: 60_000 },
    { what: "a 503 is tried again", fault: { status: 503 }, waited: 30_000 },
    { what: "a lost answer is tried again", fault: { drop: "after" }, waited: 30_000 },
    { what: "a lost request is tried again", fault: { drop: "before" }, waited: 30_000 },
    { what: "an answer of somebody else is none", fault: { status: 202, body: "<html>" }, waited: 30_000 },
  ])("$what: one alert", async ({ fault, waited }) => {
    pagerDuty.failNext(fault);
    expect(await page(firing)).toBe(0);
    expect(slept).toBeGreaterThanOrEqual(waited);
    expect(slept).toBeLessThan(waited + 2_000);
    expect(states()).toEqual(["triggered"]);
    await page(recovered());
    expect(states()).toEqual(["resolved"]);
  });

  test("resolves what may have been opened when the answer was lost", async () => {
    pagerDuty.failNext({ drop: "after" }, { status: 503 }, { status: 503 }, { status: 503 }, { status: 503 });
    expect(await page(firing)).toBe(1);
    now += 31_000;
    await page(recovered());
    expect(states()).toEqual(["resolved"]);
  });

  test.each([
    { secret: "short", says: "holds no PagerDuty key" },
    { secret: "x".repeat(32), says: "Invalid routing key", plain: false },
  ])("gives back to the queue what a person must mend: $says", async ({ secret, says, plain = true }) => {
    secrets["sonde/pagerduty"] = plain ? secret : JSON.stringify({ routingKey: secret, url: pagerDuty.url });
    expect(await page(firing)).toBe(1);
    expect(logged.join()).toContain(says);
    expect(logged.join()).not.toContain(secret);
  });

  test("takes a thousand members whose every text is long", async () => {
    const text = "x".repeat(600);
    const labels = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`label${index}`, text]));
    const many = manyMembers(1_000, () => ({ labels, summary: text, description: text, unit: text }), {
      id: `${text}-1`,
      target: text,
      labels,
      groupedBy: labels,
    });
    expect(await page(many)).toBe(0);
    expect(Buffer.byteLength(JSON.stringify(pagerDuty.events[0]))).toBeLessThan(40_000);
    await page(recovered(many));
    expect(states()).toEqual(["resolved"]);
  });
});

describe("a webhook of one's own", () => {
  const channel = "webhook:sonde/hook";
  const post = (incident: Incident) => tell(incident, channel);

  test("is told the incident as it is, and what happened, signed", async () => {
    expect(await post(escalated)).toBe(0);
    expect(receiver.taken).toEqual([
      {
        version: 1,
        id: `${firing.id}/2`,
        incident: {
          id: firing.id,
          target: "seoul",
          probe: "gpu-temperature",
          status: "firing",
          level: "fail",
          severity: "critical",
          blind: false,
          summary: "GPU 3 on gpu-node-7 is at 91.2 °C",
          labels: firing.labels,
          groupedBy: firing.groupedBy,
          since: "2026-03-01T03:00:00.000Z",
          sinceAtLeast: false,
          firedAt: "2026-03-01T03:05:00.000Z",
          resolvedAt: null,
          resolution: null,
          acknowledged: null,
          memberCount: 1,
          members: [
            {
              probe: "gpu-temperature",
              level: "fail",
              failing: true,
              blind: false,
              value: 95,
              unit: "celsius",
              threshold: "> 85",
              summary: "GPU 3 on gpu-node-7 is at 91.2 °C",
              description: "Above the point at which the driver throttles clocks.",
              runbook: "https://runbooks.example.com/gpu",
              dashboard: "https://grafana.example.com/d/gpu?viewPanel=4",
              labels: { Hostname: "gpu-node-7", gpu: "3" },
              since: "2026-03-01T03:00:00.000Z",
            },
          ],
        },
        changes: [
          { seq: 1, at: "2026-03-01T03:05:00.000Z", what: "firing", value: 91.2, note: "" },
          { seq: 2, at: "2026-03-01T03:08:00.000Z", what: "escalated", value: 95, note: "" },
        ],
      },
    ]);
  });

  test("is told each change once, and only what is new", async () => {
    await post(firing);
    await post(firing);
    const taken = afterChange(firing, "acknowledged", t0 + 8 * minute, 92, "Ada");
    await post(taken);
    await post(recovered(taken));
    expect(receiver.count()).toBe(3);
    expect(receiver.taken.map(({ changes }) => changes.map(({ what }) => what))).toEqual([
      ["firing"],
      ["acknowledged"],
      ["recovered"],
    ]);
    expect(receiver.taken.at(-1)?.incident).toMatchObject({ status: "resolved", resolution: "recovered" });
  });

  test("hears nothing while it is muted, and of the end where it heard of the beginning", async () => {
    await post(firing);
    await post(muted());
    expect(receiver.count()).toBe(1);
    await post(recovered(muted()));
    expect(receiver.taken.at(-1)?.changes.map(({ what }) => what)).toEqual(["recovered"]);
    await post({ ...recovered(muted()), id: "never-told" });
    expect(receiver.count()).toBe(2);
  });

  test.each<{ what: string; fault: ServerFault; sent: number }>([
    { what: "a lost answer is sent again under the same id", fault: { drop: "after" }, sent: 2 },
    { what: "a lost request is sent again", fault: { drop: "before" }, sent: 1 },
    { what: "a 500 is sent again", fault: { status: 500 }, sent: 1 },
    { what: "a 429 is waited for", fault: { status: 429, headers: { "retry-after": "3" } }, sent: 1 },
  ])("$what", async ({ fault, sent }) => {
    receiver.failNext(fault);
    expect(await post(firing)).toBe(0);
    expect(receiver.count()).toBe(sent);
    expect(receiver.taken).toHaveLength(1);
  });

  test.each<{ answer: ServerFault; says: string }>([
    { answer: { status: 401, body: "who are you" }, says: "HTTP 401: who are you: check the address" },
    { answer: { status: 302, headers: { location: "/" } }, says: "follows no redirects" },
  ])("is given up until a person has looked after an answer that $says", async ({ answer, says }) => {
    receiver.failNext(answer);
    expect(await post(firing)).toBe(1);
    expect(logged.join()).toContain(says);
    expect(await post(firing)).toBe(0);
  });

  test("holds nothing up where one post is refused for what it says, and is told again with the next round", async () => {
    receiver.failNext({ status: 422, body: "no\nsuch field" });
    expect(await post(firing)).toBe(0);
    expect(logged.join()).toContain("HTTP 422: no such field");
    expect(receiver.taken).toHaveLength(0);
    expect(await post(firing)).toBe(0);
    expect(receiver.taken).toHaveLength(1);
  });

  test("is not written to where its key is wrong, its address is not safe, or it is no webhook", async () => {
    secrets["sonde/hook"] = JSON.stringify({ url: receiver.url, key: "another key of some length" });
    expect(await post(firing)).toBe(1);
    expect(logged.at(-1)).toContain("HTTP 401");
    for (const secret of [
      JSON.stringify({ url: "http://hooks.example.com/", key: webhookKey }),
      JSON.stringify({ url: "https://user:password@hooks.example.com/", key: webhookKey }),
      JSON.stringify({ url: receiver.url, key: "short" }),
      JSON.stringify({ url: receiver.url }),
      "https://hooks.example.com/",
      "null",
    ]) {
      secrets["sonde/hook"] = secret;
      expect(await post(firing)).toBe(1);
      expect(logged.at(-1)).toContain('the secret "sonde/hook" holds no webhook');
    }
    expect(logged.join()).not.toMatch(/password|short|another key/);
    expect(receiver.taken).toEqual([]);
  });

  test("carries an id that fits into a header, whatever an alert is called", async () => {
    expect(await post({ ...firing, id: "Zu heiß\n🔥-1" })).toBe(0);
    expect(receiver.taken[0]?.id).toBe("Zu%20hei%C3%9F%0A%F0%9F%94%A5-1/1");
  });

  test("is told of twenty members of a thousand, and how many there are", async () => {
    await post(manyMembers(1_000));
    const [first] = receiver.taken;
    expect([first?.incident.memberCount, first?.incident.members.length]).toEqual([1_000, 20]);
  });
});
