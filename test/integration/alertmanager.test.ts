import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import * as z from "zod/mini";
import { type SnsServer, startSns } from "../../cli/stage/sns.ts";
import type { SnsMessage } from "../../cli/stage/sns-record.ts";
import { buildHandler } from "../../functions/receive-alertmanager/handler.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildRemoteWrite } from "../../shared/adapters/remote-write.ts";
import { type AlertIntake, parseNotification, type ReceivedAlert } from "../../shared/domain/alertmanager.ts";
import { generateRuleFile } from "../../shared/domain/generate-rules.ts";
import { parseGoTime, watchdogAlert } from "../../shared/domain/received-alert.ts";
import { renderRuleFile } from "../../shared/domain/rule-file.ts";
import { runCli } from "../support/cli.ts";
import { type RealAlertmanager, startAlertmanager } from "../support/real-alertmanager.ts";
import { type RealPrometheus, startPrometheus } from "../support/real-prometheus.ts";
import { snsRecord, topicArn } from "../support/sns-event.ts";

const region = "eu-west-1";
const credentials = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };
const now = () => Date.now();

/** Labels as a workload may name its pods and models. */
const hostile: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  quotes: { pod: 'say "hi"', model: "it's" },
  lines: { pod: "two\nlines\nend", model: "\nSource: x\nLabels:\n - alertname = fake\n" },
  slashes: { pod: "C:\\models \\n", model: "\\" },
  templates: { pod: "{{ .Labels }}", model: '{{ template "sonde.message" . }}' },
  unicode: { pod: "온도 🌡 é", model: "\u200b\u0000\u{10ffff}" },
  json: { pod: '", "severity": "critical', model: '"}}]' },
};

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-alertmanager-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const definition = z.object({
  template_files: z.record(z.string(), z.string()),
  alertmanager_config: z.string(),
});
const snsConfig = z.looseObject({ topic_arn: z.string() });
const config = z.looseObject({
  route: z.looseObject({ routes: z.array(z.looseObject({})) }),
  receivers: z.tuple([z.looseObject({ sns_configs: z.tuple([snsConfig]) })]),
});

/** What `sonde render` writes for an AMP target. */
async function renderDefinition(): Promise<z.infer<typeof definition>> {
  writeFileSync(
    join(folder, "sonde.yaml"),
    `targets: [{ name: dublin, prometheus: "https://aps-workspaces.${region}.amazonaws.com/workspaces/ws-12345678-90ab-cdef-1234-567890abcdef" }]\n`,
  );
  const run = await runCli(
    ["render", "--only", "alertmanager", "--topic-arn", topicArn, "--output", "out", "-c", "sonde.yaml"],
    { cwd: folder },
  );
  expect(run.code).toBe(0);
  return definition.parse(parse(readFileSync(join(folder, "out/alertmanager-dublin.yaml"), "utf8")));
}

/** Starts an Alertmanager by the definition; only SNS's address and the pace are the test's own. */
async function startByDefinition(sns: SnsServer): Promise<RealAlertmanager> {
  const { template_files, alertmanager_config } = await renderDefinition();
  const { route, receivers, ...rest } = config.parse(parse(alertmanager_config));
  const [receiver] = receivers;
  const paced = (one: object) => ({ ...one, group_interval: "1s" });
  const changed = {
    ...rest,
    route: { ...paced(route), routes: route.routes.map(paced) },
    receivers: [{ ...receiver, sns_configs: [{ ...receiver.sns_configs[0], api_url: sns.url }] }],
  };
  return startAlertmanager(stringify(changed), { files: template_files, env: credentials });
}

async function startRuler(alertmanager: RealAlertmanager): Promise<RealPrometheus> {
  const watchdog = renderRuleFile(generateRuleFile([], [], { amp: true, delay: 0 })).groups.map(
    // This Prometheus does not know it.
    ({ query_offset: _, ...group }) => ({ ...group, interval: "1s" }),
  );
  const alert = {
    alert: "Hostile",
    expr: "hostile > 0",
    labels: { severity: "critical" },
    annotations: { summary: '{{ $labels.pod }} is "{{ $value }}"', description: "{{ $labels.model }}" },
  };
  const rules = join(folder, "rules.yml");
  writeFileSync(
    rules,
    stringify({ groups: [...watchdog, { name: "hostile", interval: "1s", rules: [alert] }] }),
  );
  return startPrometheus({
    // An Alertmanager is found after five seconds, and what fired before is sent again after a minute.
    args: ["--rules.alert.resend-delay=1s"],
    config: stringify({
      global: { scrape_interval: "1d", evaluation_interval: "1s", external_labels: { cluster: "prod" } },
      rule_files: [rules],
      alerting: {
        alertmanagers: [{ static_configs: [{ targets: [new URL(alertmanager.url).host] }] }],
      },
    }),
  });
}

async function write(prometheus: RealPrometheus, value: number): Promise<void> {
  const url = `${prometheus.url}/api/v1/write`;
  const send = buildSend({ auth: { kind: "none" }, now });
  await buildRemoteWrite({ url, send, now })(
    Object.entries(hostile).map(([kind, labels]) => ({
      labels: { __name__: "hostile", kind, ...labels },
      samples: [{ t: now(), v: value }],
    })),
  );
}

const alertmanagerAlerts = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    startsAt: z.string(),
    generatorURL: z.string(),
  }),
);

/** The alerts that fire, as Alertmanager's own API has them. */
async function firingIn(alertmanager: RealAlertmanager): Promise<ReceivedAlert[]> {
  const answer = await fetch(`${alertmanager.url}/api/v2/alerts`);
  return alertmanagerAlerts.parse(await answer.json()).map(({ startsAt, generatorURL, ...alert }) => ({
    ...alert,
    status: "firing",
    startsAt: parseGoTime(startsAt),
    endsAt: null,
    generatorUrl: generatorURL,
  }));
}

/** Hands what SNS took to the function, as Lambda would. */
async function handOver(published: readonly SnsMessage[]): Promise<AlertIntake[]> {
  const intakes: AlertIntake[] = [];
  const handler = buildHandler(async () => ({
    topics: [topicArn],
    targets: [{ name: "dublin", amp: true }],
    record: async (intake) => {
      intakes.push(intake);
    },
    log: () => undefined,
  }));
  for (const message of published) await handler({ Records: [snsRecord(message)] });
  return intakes;
}

async function until<T>(look: () => Promise<T | null>, patience: number): Promise<T> {
  const end = now() + patience;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (now() > end) throw new Error("it did not come to pass in time");
    await pause(100);
  }
}

const byKind = (alerts: readonly ReceivedAlert[]) =>
  alerts.toSorted((a, b) =>
    `${a.labels.alertname}${a.labels.kind}`.localeCompare(`${b.labels.alertname}${b.labels.kind}`),
  );

describe("a rule that fires in a real Prometheus, by a real Alertmanager with the rendered definition", () => {
  let sns: SnsServer;
  let alertmanager: RealAlertmanager;
  let prometheus: RealPrometheus;
  beforeAll(async () => {
    sns = await startSns(region, now);
    alertmanager = await startByDefinition(sns);
    prometheus = await startRuler(alertmanager);
    await write(prometheus, 1);
  });
  afterAll(async () => {
    await prometheus.stop();
    await Promise.all([alertmanager.stop(), sns.stop()]);
  });

  /** The newest message with as many hostile alerts of a status as there are. */
  const all = (status: "firing" | "resolved") => async () => {
    const intakes = await handOver(sns.published);
    const whole = intakes.findLast(
      ({ alerts }) =>
        alerts.filter((alert) => alert.status === status && alert.labels.alertname === "Hostile").length ===
        Object.keys(hostile).length,
    );
    return whole ?? null;
  };

  it("reaches the function as it fired, hostile labels and all", async () => {
    const intake = await until(all("firing"), 30_000);
    expect(intake).toMatchObject({ target: "dublin", truncated: false });
    const fired = (await firingIn(alertmanager)).filter(({ labels }) => labels.alertname === "Hostile");
    expect(byKind(intake.alerts)).toEqual(byKind(fired));
    for (const [kind, labels] of Object.entries(hostile)) {
      const alert = intake.alerts.find((one) => one.labels.kind === kind);
      expect(alert?.labels).toEqual({
        alertname: "Hostile",
        severity: "critical",
        cluster: "prod",
        kind,
        ...labels,
      });
      expect(alert?.annotations).toEqual({ summary: `${labels.pod} is "1"`, description: labels.model });
    }
  });

  it("comes with the dead man's switch, in a message of its own", async () => {
    const watchdog = await until(async () => {
      const intakes = await handOver(sns.published);
      return intakes.find(({ alerts }) => alerts[0]?.labels.alertname === watchdogAlert) ?? null;
    }, 30_000);
    expect(watchdog).toMatchObject({ alerts: [{ status: "firing", labels: { severity: "none" } }] });
  });

  it("comes as what SNS takes: signed, with a short subject and the target's name", () => {
    expect(sns.refused).toEqual([]);
    expect(sns.published).not.toHaveLength(0);
    for (const { subject, attributes, topic } of sns.published) {
      expect(subject).toMatch(/^\d+ firing, \d+ resolved on dublin$/);
      expect(attributes).toEqual({ sonde_target: "dublin" });
      expect(topic).toBe(topicArn);
    }
  });

  it("is told as resolved, with the time, when it is over", async () => {
    await write(prometheus, 0);
    const intake = await until(all("resolved"), 30_000);
    for (const { startsAt, endsAt } of intake.alerts) {
      expect(startsAt).toBeLessThan(now());
      expect(endsAt).toBeGreaterThan(startsAt ?? Number.NaN);
    }
  });
});

/** Gives Alertmanager alerts, as Prometheus does. */
async function post(alertmanager: RealAlertmanager, alerts: readonly object[]): Promise<void> {
  const answer = await fetch(`${alertmanager.url}/api/v2/alerts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(alerts),
  });
  expect(answer.status).toBe(200);
}

describe("a real Alertmanager", () => {
  let sns: SnsServer;
  let alertmanager: RealAlertmanager | undefined;
  beforeAll(async () => {
    sns = await startSns(region, now);
  });
  afterAll(async () => {
    await alertmanager?.stop();
    await sns.stop();
  });

  /** One that sends a message of this kind, and the first message that it sent. */
  /**
   * The message that tells of all the alerts. Old ones are told at once, so that the first message may come before
   * all of them have arrived; the next has them.
   */
  async function sendWith(
    message: object,
    alerts: readonly { readonly labels: Readonly<Record<string, string>> }[],
    files = {},
  ): Promise<SnsMessage> {
    await alertmanager?.stop();
    const sent = sns.published.length;
    alertmanager = await startAlertmanager(
      stringify({
        templates: ["*.tmpl"],
        route: { receiver: "sns", group_wait: "500ms", group_interval: "1s" },
        receivers: [
          {
            name: "sns",
            sns_configs: [
              { topic_arn: topicArn, sigv4: { region }, api_url: sns.url, subject: "alerts", ...message },
            ],
          },
        ],
      }),
      { files, env: credentials },
    );
    await post(alertmanager, alerts);
    const names = new Set(alerts.map(({ labels }) => labels.alertname ?? ""));
    // Of very many, a message of full size has not all.
    const least = Math.min(alerts.length / names.size, 151);
    const isWhole = ({ message: text }: SnsMessage) =>
      [...names].every((name) => text.split(name).length - 1 >= least);
    return until(async () => sns.published.slice(sent).find(isWhole) ?? null, 20_000);
  }

  const startsAt = new Date(Math.floor(now() / 1000) * 1000 - 60_000).toISOString();
  const fired = Object.entries(hostile)
    // What these hold cannot be told from the text's own lines.
    .filter(([kind]) => kind !== "lines")
    .map(([kind, labels]) => ({
      labels: { alertname: kind, ...labels },
      annotations: { summary: labels.pod ?? "" },
      generatorURL: "http://prometheus/graph",
      startsAt,
    }));

  it("by its default text is understood, with lines in its values too", async () => {
    const lines = { labels: { alertname: "lines", pod: "two\nlines" }, generatorURL: "http://a", startsAt };
    const { message } = await sendWith({}, [...fired, lines]);
    const { alerts, truncated } = parseNotification(message);
    expect(truncated).toBe(false);
    expect(byName(alerts)).toEqual(
      byName(
        [...fired, { annotations: {}, ...lines }].map(({ labels, annotations, generatorURL }) => ({
          status: "firing",
          labels,
          annotations,
          startsAt: null,
          endsAt: null,
          generatorUrl: generatorURL,
        })),
      ),
    );
  });

  it("by a template of the documentation's shape, which escapes nothing, is understood with its times", async () => {
    const pairs = (field: string) =>
      `{{ range $i, $one := .${field}.SortedPairs }}{{ if $i }}, {{ end }}"{{ $one.Name }}": "{{ $one.Value }}"{{ end }}`;
    const template = `{{ define "json" }}{"status": "{{ .Status }}","alerts": [{{ range $i, $alert := .Alerts }}{{ if $i }}, {{ end }}{"status": "{{ .Status }}","labels": { ${pairs("Labels")} },"annotations": { ${pairs("Annotations")} },"startsAt": "{{ .StartsAt }}","endsAt": "{{ .EndsAt }}","generatorURL": "{{ .GeneratorURL }}"}{{ end }}],"receiver": "sns"}{{ end }}`;
    // What ends in a backslash, or looks like JSON itself, cannot be told from the template's own.
    const plain = fired.filter(({ labels }) => !["json", "slashes"].includes(labels.alertname));
    const { message } = await sendWith({ message: '{{ template "json" . }}' }, plain, {
      "json.tmpl": template,
    });
    const { alerts, truncated } = parseNotification(message);
    expect(truncated).toBe(false);
    expect(byName(alerts).map(({ labels }) => labels)).toEqual(byName(plain).map(({ labels }) => labels));
    for (const alert of alerts) expect(alert).toMatchObject({ startsAt: Date.parse(startsAt), endsAt: null });
  });

  it("cuts a message to SNS's size, and the alerts that are whole are used", async () => {
    const { template_files } = await renderDefinition();
    const many = Array.from({ length: 400 }, (_, index) => ({
      labels: { alertname: "Many", pod: `pod-${index}` },
      annotations: { description: `${"é".repeat(500)}\n` },
      generatorURL: "http://prometheus/graph",
    }));
    const files = { "sonde.tmpl": template_files.sonde_template };
    const published = await sendWith({ message: '{{ template "sonde.message" . }}' }, many, files);
    expect(Buffer.byteLength(published.message)).toBeGreaterThan(200_000);
    const [intake] = await handOver([{ ...published, attributes: {} }]);
    expect(intake).toMatchObject({ target: "dublin", truncated: true });
    expect(intake?.alerts.length).toBeGreaterThan(150);
    for (const { labels, annotations } of intake?.alerts ?? [])
      expect([labels.alertname, annotations]).toEqual(["Many", many[0]?.annotations]);
    expect(published.attributes).toMatchObject({ truncated: "true" });
  });
});

describe("SNS's stand-in", () => {
  const signature = `Credential=AKIDEXAMPLE/20261125/${region}/sns/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`;
  const sound = { Action: "Publish", Version: "2010-03-31", TopicArn: topicArn, Message: "a", Subject: "b" };
  let sns: SnsServer;
  beforeAll(async () => {
    sns = await startSns(region, now);
  });
  afterAll(() => sns.stop());

  async function publish(change: object, authorization = `AWS4-HMAC-SHA256 ${signature}`): Promise<string> {
    const body = new URLSearchParams({ ...sound, ...change });
    const headers = { authorization, "x-amz-date": "20261125T010203Z" };
    return (await fetch(sns.url, { method: "POST", headers, body })).text();
  }

  it("takes what is sound", async () => {
    expect(await publish({})).toMatch(/<PublishResult><MessageId>[0-9a-f-]{36}<\/MessageId>/);
  });

  it.each([
    ["a subject of two lines", { Subject: "a\nb" }, "Subject"],
    ["a subject that is too long", { Subject: "a".repeat(101) }, "Subject"],
    ["no message", { Message: "" }, "Empty message"],
    ["too long a message", { Message: "é".repeat(131_073) }, "Message too long"],
    ["another region's topic", { TopicArn: topicArn.replace(region, "us-east-1") }, "TopicArn"],
    ["a FIFO topic", { TopicArn: `${topicArn}.fifo` }, "TopicArn"],
    ["another action", { Action: "Subscribe" }, "InvalidAction"],
  ])("refuses %s", async (_, change, why) => {
    expect(await publish(change)).toMatch(new RegExp(`<Error>.*${why}`));
  });

  it.each([
    ["unsigned", "", "MissingAuthenticationToken"],
    [
      "signed for another region",
      `AWS4-HMAC-SHA256 ${signature.replace(region, "us-east-1")}`,
      "SignatureDoesNotMatch",
    ],
  ])("refuses what is %s", async (_, authorization, code) => {
    expect(await publish({}, authorization)).toContain(`<Code>${code}</Code>`);
  });
});

function byName<T extends { readonly labels: Readonly<Record<string, string>> }>(alerts: readonly T[]): T[] {
  return alerts.toSorted((a, b) => (a.labels.alertname ?? "").localeCompare(b.labels.alertname ?? ""));
}
