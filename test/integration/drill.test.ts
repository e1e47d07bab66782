import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { type SnsServer, startSns } from "../../cli/stage/sns.ts";
import { buildHandler } from "../../functions/receive-alertmanager/handler.ts";
import { buildRecordAlerts } from "../../functions/receive-alertmanager/record-alerts.ts";
import { runAlertPath } from "../../functions/run-transactions/alert-path.ts";
import { buildChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildPrometheusClient } from "../../shared/adapters/prometheus.ts";
import { buildRemoteWrite } from "../../shared/adapters/remote-write.ts";
import { alertmanagerDefinition } from "../../shared/domain/alertmanager-definition.ts";
import { drillAlert, parseDrillArrival } from "../../shared/domain/drill.ts";
import { generateRuleFile } from "../../shared/domain/generate-rules.ts";
import { incidentsObject } from "../../shared/domain/incident-state.ts";
import type { Announcement } from "../../shared/domain/incidents.ts";
import { renderRuleFile } from "../../shared/domain/rule-file.ts";
import { storeKeys } from "../../shared/domain/store.ts";
import {
  type AlertPathDiagnosis,
  alertPathDiagnoses,
} from "../../shared/domain/transactions/alert-path-diagnoses.ts";
import type { AlertPathSettings } from "../../shared/domain/transactions/compiled.ts";
import { diagnoseLost } from "../../shared/domain/transactions/diagnose-drill.ts";
import { aPolicy, aRoute } from "../support/builders.ts";
import { buildMemoryStore } from "../support/memory-store.ts";
import { type RealAlertmanager, startAlertmanager } from "../support/real-alertmanager.ts";
import { type RealPrometheus, startPrometheus } from "../support/real-prometheus.ts";
import { snsRecord, topicArn } from "../support/sns-event.ts";

const region = "eu-west-1";
const now = () => Date.now();
const sleep = async (ms: number) => {
  await pause(ms);
};
const send = buildSend({ auth: { kind: "none" }, now });

let folder = "";
let sns: SnsServer;
let alertmanager: RealAlertmanager;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sonde-drill-"));
  sns = await startSns(region, now);
  // What `sonde render` writes; only SNS's address is the test's own.
  const { config, templates } = alertmanagerDefinition("dublin", { arn: topicArn, region });
  alertmanager = await startAlertmanager(
    stringify(config).replace(
      `topic_arn: ${topicArn}`,
      `topic_arn: ${topicArn}\n        api_url: ${sns.url}`,
    ),
    { files: templates, env: { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" } },
  );
});
afterAll(async () => {
  await Promise.all([alertmanager.stop(), sns.stop()]);
  rmSync(folder, { recursive: true });
});

/** A Prometheus with the rules that are rendered for AMP, at the test's pace. */
function startRuler(rules: "rendered" | "none", to: readonly RealAlertmanager[]): Promise<RealPrometheus> {
  const { groups } = renderRuleFile(generateRuleFile([], [], { amp: true, delay: 0 }));
  const file = join(folder, `${randomUUID()}.yml`);
  writeFileSync(
    file,
    // This Prometheus does not know query_offset.
    stringify({
      groups:
        rules === "none" ? [] : groups.map(({ query_offset: _, ...group }) => ({ ...group, interval: "1s" })),
    }),
  );
  return startPrometheus({
    args: ["--rules.alert.resend-delay=1s"],
    config: stringify({
      global: { scrape_interval: "1d", evaluation_interval: "1s" },
      rule_files: [file],
      alerting: {
        alertmanagers: to.map(({ url }) => ({ static_configs: [{ targets: [new URL(url).host] }] })),
      },
    }),
  });
}

/** receive-alertmanager over state in memory, to which what SNS takes is handed over as Lambda would. */
function startReceiver() {
  const store = buildMemoryStore();
  const announced: Announcement[] = [];
  const record = buildRecordAlerts({
    probes: [],
    now,
    create: async (key, body) =>
      (await store.write(key, body, { ifNoneMatch: "*" })) === "conflict" ? "exists" : "created",
    changeIncidents: buildChangeIncidents(store, aPolicy({ routes: [aRoute("#ops")] }), {
      nonce: randomUUID,
      pause: async () => undefined,
    }),
    announce: async (_, more) => {
      announced.push(...more);
    },
  });
  const handler = buildHandler(async () => ({
    topics: [topicArn],
    targets: [{ name: "dublin", amp: true }],
    record,
    log: () => undefined,
  }));
  let taken = sns.published.length;
  const readArrival = async (drill: string) => {
    for (const message of sns.published.slice(taken)) await handler({ Records: [snsRecord(message)] });
    taken = sns.published.length;
    const stored = await store.read(storeKeys.drill(drill));
    return stored && parseDrillArrival(storeKeys.drill(drill), stored.body);
  };
  return { store, announced, readArrival };
}

async function drillOnce(prometheus: RealPrometheus, change: Partial<AlertPathSettings> = {}) {
  const { store, announced, readArrival } = startReceiver();
  const client = buildPrometheusClient({
    url: prometheus.url,
    send,
    amp: false,
    stats: false,
    now,
    sleep,
    random: Math.random,
  });
  const url = `${prometheus.url}/api/v1/write`;
  const result = await runAlertPath(
    { target: "dublin", url, latency: { warn: null, fail: null }, patience: 30_000, ...change },
    {
      write: buildRemoteWrite({ url, send, now }),
      listRules: client.listRules,
      readArrival,
      now,
      sleep,
      nonce: randomUUID,
    },
  );
  return { result, store, announced, client };
}

describe("a drill through a real Prometheus, Alertmanager and SNS's stand-in", () => {
  it("comes back, says where the time went, and is no incident", async () => {
    const prometheus = await startRuler("rendered", [alertmanager]);
    const { result, store, announced, client } = await drillOnce(prometheus);
    expect(result.findings).toEqual([]);
    expect(result.says).toMatch(/^back after [\d.]+s: rule [\d.]+s, Alertmanager [\d.]+s, delivery [\d.]+s$/);
    expect(result.value).toBeGreaterThan(1);
    const [latency] = result.measures;
    expect(latency).toEqual({ name: "latency_seconds", value: result.value });
    expect(announced).toEqual([]);
    expect(await store.list("drills/")).toEqual([expect.stringMatching(/^drills\/[0-9a-f-]{36}\.json$/)]);
    const key = storeKeys.incidents("dublin");
    const stored = await store.read(key);
    expect(stored ? incidentsObject("dublin").parse(key, stored.body).incidents : {}).toEqual({});
    // The drill's series has ended.
    const { data } = await client.queryInstant({ query: "sonde_drill_active", at: now() + 1 });
    expect(data).toEqual([]);

    const late = await drillOnce(prometheus, { latency: { warn: 100, fail: null } });
    expect(late.result.findings).toMatchObject([
      { ...pick("late"), verdict: "warn", seen: expect.stringMatching(/^[\d.]+s, warn over 100ms: rule/) },
    ]);
    await prometheus.stop();
  }, 60_000);

  it.each([
    ["no-rule", "none"],
    ["not-delivered", "rendered"],
  ] as const)(
    "is diagnosed as %s where the rules are %s and no Alertmanager is told",
    async (id, rules) => {
      const prometheus = await startRuler(rules, []);
      const { result } = await drillOnce(prometheus, { patience: 4_000 });
      await prometheus.stop();
      expect(result.findings).toMatchObject([{ ...pick(id), seen: "not back in 4s" }]);
    },
    30_000,
  );

  it("cannot begin where the sample is refused", async () => {
    const prometheus = await startPrometheus({ receiver: false });
    const { result } = await drillOnce(prometheus);
    await prometheus.stop();
    expect(result.findings).toMatchObject([
      { ...pick("not-written"), seen: expect.stringMatching(/does not take remote writes: 404/) },
    ]);
  });

  it("is not known to have got anywhere where the rules cannot be listed", async () => {
    const prometheus = await startPrometheus();
    const url = `${prometheus.url}/api/v1/write`;
    const client = buildPrometheusClient({
      url: "http://127.0.0.1:9",
      send,
      amp: false,
      stats: false,
      now,
      sleep,
      random: () => 0,
    });
    const result = await runAlertPath(
      { target: "dublin", url, latency: { warn: null, fail: null }, patience: 100 },
      {
        write: buildRemoteWrite({ url, send, now }),
        listRules: client.listRules,
        readArrival: async () => null,
        now,
        sleep,
        nonce: randomUUID,
      },
    );
    await prometheus.stop();
    expect(result.findings).toMatchObject([
      { ...pick("rules-unreadable"), seen: expect.stringMatching(/^unreachable/) },
    ]);
  });
});

describe("a drill that is lost", () => {
  const rule = { type: "alerting" as const, name: drillAlert, query: "", health: "ok", alerts: [] };
  const group = (change: object) => ({ name: "g", file: "f", interval: 30, rules: [{ ...rule, ...change }] });
  const alert = { labels: { sonde_drill: "d1" }, annotations: {}, state: "firing", activeAt: 0, value: "1" };

  it.each([
    ["no-rule", []],
    ["no-rule", [group({ name: "Other" })]],
    ["not-evaluated", [group({})]],
    ["not-evaluated", [group({ alerts: [{ ...alert, labels: { sonde_drill: "d2" } }] })]],
    ["rule-broken", [group({ health: "err", lastError: "many-to-many\nmatching" })]],
    ["not-delivered", [group({ alerts: [alert] })]],
  ] as const)("is %s by what the ruler has of it", (id, groups) => {
    expect(diagnoseLost("d1", groups, "5m")).toMatchObject(pick(id));
  });
});

function pick(id: AlertPathDiagnosis) {
  const { verdict, cause, fix } = alertPathDiagnoses[id];
  return { id, verdict, cause, fix };
}
