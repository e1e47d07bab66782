import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";

import { runCli } from "../../../support/cli.ts";

const seoul = "ws-12345678-90ab-cdef-1234-567890abcdef";
const ohio = "ws-87654321-90ab-cdef-1234-567890abcdef";
const amp = `
  - { name: seoul, prometheus: "https://aps-workspaces.ap-northeast-2.amazonaws.com/workspaces/${seoul}" }
  - name: ohio
    prometheus: https://aps-workspaces.us-east-2.amazonaws.com/workspaces/${ohio}
    assumeRole: { roleArn: "arn:aws:iam::999988887777:role/sonde-query" }`;
const lab = `
  - { name: lab, prometheus: "https://prometheus.example.com" }`;
const topic = "arn:aws:sns:eu-west-1:111122223333:sonde-prod-alerts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-render-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function render(targets: string, ...args: string[]) {
  writeFileSync(join(folder, "sonde.yaml"), `targets: ${targets}\n`);
  return runCli(["render", "--only", "alertmanager", ...args], { cwd: folder });
}

const read = (name: string) => readFileSync(join(folder, "out", name), "utf8");

describe("sonde render --only alertmanager", () => {
  it("writes a definition for each AMP target, and the policy of a topic", async () => {
    const { code } = await render(amp + lab, "--topic-arn", topic, "--output", "out");
    expect(code).toBe(0);
    expect(readdirSync(join(folder, "out")).sort()).toEqual([
      "alertmanager-ohio.yaml",
      "alertmanager-seoul.yaml",
      "alertmanager-topic-policy.json",
    ]);
    const { alertmanager_config } = parse(read("alertmanager-seoul.yaml"));
    expect(parse(alertmanager_config).receivers[0].sns_configs).toEqual([
      {
        topic_arn: topic,
        sigv4: { region: "eu-west-1" },
        send_resolved: true,
        subject: "{{ .Alerts.Firing | len }} firing, {{ .Alerts.Resolved | len }} resolved on seoul",
        message: '{{ template "sonde.message" . }}',
        attributes: { sonde_target: "seoul" },
      },
    ]);
  });

  it("lets only workspaces of the topic's account send there, and says which one is of another", async () => {
    const { err } = await render(amp, "--topic-arn", topic, "--output", "out");
    expect(JSON.parse(read("alertmanager-topic-policy.json")).Statement[0].Condition).toEqual({
      ArnEquals: { "aws:SourceArn": [`arn:aws:aps:ap-northeast-2:111122223333:workspace/${seoul}`] },
      StringEquals: { "aws:SourceAccount": "111122223333" },
    });
    expect(err).toContainEqual(
      expect.stringMatching(/^ohio: its workspace is in account 999988887777, and AMP sends only/),
    );
  });

  it("without a topic, names the stack's in the target's region, and says what is missing", async () => {
    const { out, err } = await render(amp, "--target", "seoul");
    const { alertmanager_config } = parse(out.join("\n"));
    expect(parse(alertmanager_config).receivers[0].sns_configs[0]).toMatchObject({
      topic_arn: "arn:aws:sns:ap-northeast-2:ACCOUNT_ID:sonde-prod-alerts",
      sigv4: { region: "ap-northeast-2" },
    });
    expect(err).toEqual([
      expect.stringMatching(/give --topic-arn, which is the stack's output AlertsTopicArn/),
    ]);
  });

  it.each([
    ["a FIFO topic", [`${topic}.fifo`], /is not the ARN of a standard topic .*: AMP takes no FIFO topic/],
    ["no ARN", ["sonde-prod-alerts"], /--topic-arn sonde-prod-alerts is not the ARN of a standard topic/],
  ])("refuses %s", async (_, [arn = ""], message) => {
    const { code, err } = await render(amp, "--target", "seoul", "--topic-arn", arn);
    expect([code, err.join("\n")]).toEqual([2, expect.stringMatching(message)]);
  });

  it.each([
    ["no AMP target", lab, /the config has no Amazon Managed Prometheus target/],
    ["several and no folder", amp, /there are 2 targets: choose one by --target, or write files by --output/],
  ])("with %s, says so", async (_, targets, message) => {
    const { code, err } = await render(targets);
    expect([code, err.join("\n")]).toEqual([2, expect.stringMatching(message)]);
  });

  it("keeps SNS's hundred characters for the subject, however long the target's name", async () => {
    const long = "a".repeat(200);
    const targets = amp.replace("name: seoul", `name: ${long}`);
    const { out } = await render(targets, "--target", long, "--topic-arn", topic);
    const subject = parse(parse(out.join("\n")).alertmanager_config).receivers[0].sns_configs[0].subject;
    expect(subject.replaceAll(/\{\{[^}]*\}\}/g, "1000").length).toBeLessThanOrEqual(100);
  });
});
