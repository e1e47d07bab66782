import { describe, expect, it } from "vitest";

import { buildHandler } from "../../../../functions/receive-alertmanager/handler.ts";
import type { TakeInDeps } from "../../../../functions/receive-alertmanager/take-in.ts";
import type { KnownTarget } from "../../../../functions/receive-alertmanager/which-target.ts";
import type { AlertIntake } from "../../../../shared/domain/alertmanager.ts";
import { anAlert, linesMessage } from "../../../support/alerts.ts";
import { type SnsMessage, snsRecord, topicArn } from "../../../support/sns-event.ts";

const seoul: KnownTarget = { name: "seoul", cluster: "inference-prod", amp: true };
const ohio: KnownTarget = { name: "ohio", cluster: "inference-us", amp: true };
const lab: KnownTarget = { name: "lab", amp: false };

/** Runs the handler over records; what is recorded stays recorded, each message of each target once. */
async function receive(records: readonly unknown[], change: Partial<TakeInDeps> = {}, times = 1) {
  const recorded = new Map<string, AlertIntake>();
  const logged: { level: string; data: object }[] = [];
  const deps: TakeInDeps = {
    topics: [topicArn],
    targets: [seoul, ohio, lab],
    record: async (intake) => {
      recorded.set(`${intake.target} ${intake.id}`, intake);
    },
    log: (level, _, data) => logged.push({ level, data }),
    ...change,
  };
  const handler = buildHandler(async () => deps);
  let fault: unknown = null;
  for (let time = 0; time < times; time += 1)
    fault = await handler({ Records: records }).then(
      () => null,
      (error: unknown) => error,
    );
  return { recorded: [...recorded.values()], logged, fault };
}

/** The default text, which says nothing of a target. */
function textMessage(labels: Readonly<Record<string, string>>): string {
  const lines = Object.entries(labels).map(([name, value]) => ` - ${name} = ${value}\n`);
  return `\nAlerts Firing:\nLabels:\n${lines.join("")}Annotations:\nSource: \n`;
}

const message = (change: Partial<SnsMessage> = {}) =>
  snsRecord({ message: linesMessage("seoul", [anAlert()]), ...change });

describe("a message of Sonde's topic", () => {
  it("is recorded with its target, id and time", async () => {
    const { recorded, fault, logged } = await receive([
      message({ id: "m-1", at: "2026-11-25T01:02:03.456Z" }),
    ]);
    expect(fault).toBeNull();
    expect(recorded).toEqual([
      {
        target: "seoul",
        id: "m-1",
        at: Date.UTC(2026, 10, 25, 1, 2, 3, 456),
        alerts: [anAlert()],
        truncated: false,
      },
    ]);
    expect(logged).toEqual([
      { level: "info", data: { id: "m-1", targets: ["seoul"], alerts: 1, truncated: false } },
    ]);
  });

  it("that comes again is recorded under the same id", async () => {
    const once = await receive([message()]);
    expect((await receive([message(), message()], {}, 2)).recorded).toEqual(once.recorded);
  });

  it("that SNS says was cut is recorded as cut, though its body looks whole", async () => {
    const { recorded, logged } = await receive([message({ attributes: { truncated: "true" } })]);
    expect(recorded).toMatchObject([{ truncated: true }]);
    expect(logged).toMatchObject([{ level: "warn" }]);
  });

  it("whose alerts were all cut away is recorded, so that it is known that something was lost", async () => {
    const cut = linesMessage("seoul", [anAlert()]).split("\n")[0] ?? "";
    const { recorded, fault } = await receive([message({ message: cut })]);
    expect(recorded).toMatchObject([{ target: "seoul", truncated: true, alerts: [] }]);
    expect(fault).toBeNull();
  });
});

describe("what is refused", () => {
  it("is every other topic's message, by name", async () => {
    const other = "arn:aws:sns:eu-west-1:999988887777:sonde-prod-alerts";
    const { recorded, fault } = await receive([message({ id: "m-2", topic: other })]);
    expect(recorded).toEqual([]);
    expect(String(fault)).toContain(`message m-2 is of topic ${other}, which is not Sonde's`);
  });

  it("is every message while there is no topic", async () => {
    expect((await receive([message()], { topics: [] })).recorded).toEqual([]);
  });

  it.each([
    ["an event of another source", { eventSource: "aws:sqs", body: "{}" }, "EventSource"],
    ["a record without a message", { EventSource: "aws:sns", Sns: { MessageId: "a" } }, "Sns.TopicArn"],
    ["nothing at all", null, "(root)"],
  ])("is %s", async (_, record, where) => {
    const { recorded, fault } = await receive([record]);
    expect(recorded).toEqual([]);
    expect(String(fault)).toContain(`a record of the event is none of SNS's at ${where}`);
  });

  it("is a message that is no notification, by its id and with what to do", async () => {
    const { fault } = await receive([message({ id: "m-3", message: "hello" })]);
    expect(String(fault)).toMatch(
      /message m-3: the message is neither .* `sonde render --only alertmanager`/,
    );
  });

  it("keeps no other record back, and each is named in one line", async () => {
    const bad = message({ id: "m-4", message: "hello" });
    const foreign = message({ id: "m-5", topic: "arn:aws:sns:eu-west-1:1:x" });
    const { recorded, fault } = await receive([bad, message({ id: "m-6" }), foreign]);
    expect(recorded).toMatchObject([{ id: "m-6" }]);
    expect(String(fault)).toMatch(/^Error: 2 of 3 messages: message m-4: .*; message m-5 is of topic .*/);
    expect(String(fault)).not.toContain("\n");
  });

  it("fails the invocation too where it could not be recorded, and leaves the rest recorded", async () => {
    const recorded: string[] = [];
    const { fault } = await receive([message({ id: "m-7" }), message({ id: "m-8" })], {
      record: async ({ id }) => {
        if (id === "m-7") throw new Error("the bucket does not answer");
        recorded.push(id);
      },
    });
    expect(String(fault)).toBe("Error: the bucket does not answer");
    expect(recorded).toEqual(["m-8"]);
  });
});

describe("the target of a message", () => {
  const attributes = { sonde_target: "ohio" };
  it.each<[string, SnsMessage, string]>([
    ["the body's", { message: linesMessage("seoul", [anAlert()]), attributes }, "seoul"],
    ["else the attribute's", { message: textMessage({ cluster: "inference-prod" }), attributes }, "ohio"],
    ["else that of the label sonde_target", { message: textMessage({ sonde_target: "lab" }) }, "lab"],
    [
      "else that of the label target",
      { message: textMessage({ target: "lab", cluster: "inference-us" }) },
      "lab",
    ],
    ["else that of the cluster", { message: textMessage({ target: "x", cluster: "inference-us" }) }, "ohio"],
  ])("is %s", async (_, sent, target) => {
    const { recorded, fault } = await receive([snsRecord(sent)]);
    expect(fault).toBeNull();
    expect(recorded).toMatchObject([{ target, alerts: [{ status: "firing" }] }]);
  });

  it("is else the only AMP target", async () => {
    const sent = snsRecord({ message: textMessage({ alertname: "a" }) });
    const { recorded } = await receive([sent], { targets: [seoul, lab] });
    expect(recorded).toMatchObject([{ target: "seoul" }]);
  });

  it("is not guessed where two have one cluster", async () => {
    const twins = [seoul, { ...ohio, cluster: "inference-prod" }];
    const sent = snsRecord({ message: textMessage({ cluster: "inference-prod" }) });
    expect((await receive([sent], { targets: twins })).recorded).toEqual([]);
  });

  it("may differ from alert to alert, and the ones without are told while the others are recorded", async () => {
    const sent = snsRecord({
      id: "m-9",
      message: [
        textMessage({ cluster: "inference-prod" }),
        textMessage({ cluster: "inference-us" }),
        textMessage({ a: "b" }),
      ].join(""),
    });
    const { recorded, fault } = await receive([sent]);
    expect(recorded.map(({ target, id, alerts }) => [target, id, alerts.length])).toEqual([
      ["seoul", "m-9", 1],
      ["ohio", "m-9", 1],
    ]);
    expect(String(fault)).toMatch(
      /message m-9: nothing says of which target 1 of its 3 alerts are: add the attribute sonde_target to sns_configs/,
    );
  });

  it("must be one of config's", async () => {
    const { recorded, fault } = await receive([message({ message: linesMessage("gone", [anAlert()]) })]);
    expect(recorded).toEqual([]);
    expect(String(fault)).toContain('the message is of target "gone", which sonde.yaml does not have');
  });
});
