import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseNotification } from "../../../../shared/domain/alertmanager.ts";
import { parseGoTime, type ReceivedAlert } from "../../../../shared/domain/received-alert.ts";
import { anAlert, linesMessage } from "../../../support/alerts.ts";

/** What breaks formats that do not escape. */
const hostile = [
  'say "hi"',
  "two\nlines",
  "back\\slash \\n \\",
  "{{ .Labels }} {{ end }}",
  "온도 🌡 é",
  "tab\tnull\0bell\x07",
  " end\nend",
  '", "severity": "critical',
];

const text = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: "binary" }));
const labelName = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
const labels = fc.dictionary(labelName, text, { maxKeys: 4 });
const time = fc.integer({ min: 1, max: Date.UTC(2100, 0) });
const alert: fc.Arbitrary<ReceivedAlert> = fc.record({
  status: fc.constant("firing"),
  labels: labels.map((some) => ({ ...some, alertname: "A" })),
  annotations: labels,
  startsAt: time,
  endsAt: fc.constant(null),
  generatorUrl: text,
});
const resolved = fc
  .tuple(alert, time)
  .map(([one, endsAt]) => ({ ...one, status: "resolved" as const, endsAt }));
const alerts = fc.array(fc.oneof(alert, resolved), { maxLength: 5 });

describe("a message of our own definition", () => {
  it("gives back what was written, whatever the labels hold", () => {
    fc.assert(
      fc.property(alerts, (sent) => {
        const received = parseNotification(linesMessage("seoul", sent));
        expect(received).toEqual({ target: "seoul", truncated: false, alerts: sent });
      }),
    );
  });

  it("cut anywhere after its header, gives the alerts before the cut and says that it was cut", () => {
    fc.assert(
      fc.property(alerts, fc.double({ min: 0, max: 1, noNaN: true }), (sent, share) => {
        const message = linesMessage("seoul", sent);
        const header = message.indexOf("\n") + 1;
        // Without the line break after `end` it is still whole.
        const length = header + Math.floor(share * (message.length - 2 - header));
        const received = parseNotification(message.slice(0, length));
        expect(received.truncated).toBe(true);
        expect(received.target).toBe("seoul");
        const whole = message.slice(header, length).split("\n").length - 1;
        expect(received.alerts).toEqual(sent.slice(0, whole));
      }),
    );
  });

  it("leaves out a line that is damaged, and says so", () => {
    const message = linesMessage("seoul", [anAlert(), anAlert({ labels: { alertname: "B" } })]);
    const received = parseNotification(
      message.replace('labels "alertname" "GpuTemperature"', 'labels "alertname"'),
    );
    expect(received).toMatchObject({ truncated: true, alerts: [{ labels: { alertname: "B" } }] });
  });

  it.each([
    ["an escape that is none", 'firing "" "" "" labels "alertname" "\\q" annotations'],
    ["a character that is none", 'firing "" "" "" labels "alertname" "\\U00ffffff" annotations'],
    ["an open quote", 'firing "" "" "" labels "alertname" "a annotations'],
    ["no labels", 'firing "" "" "" labels annotations'],
    ["another status", 'pending "" "" "" labels "alertname" "a" annotations'],
  ])("leaves out a line with %s", (_, line) => {
    const message = `sonde-alerts 1 target "seoul" alerts 1\n${line}\nend\n`;
    expect(parseNotification(message)).toEqual({ target: "seoul", truncated: true, alerts: [] });
  });

  it("holds no half characters", () => {
    const message = linesMessage("seoul", [anAlert({ labels: { alertname: "\ud800" } })]);
    expect(parseNotification(message).alerts[0]?.labels).toEqual({ alertname: "\ufffd" });
  });

  it("is read at the size of SNS's limit in no time", () => {
    const large = anAlert({ annotations: { description: '\\"\n'.repeat(60_000) } });
    expect(parseNotification(linesMessage("seoul", [large])).alerts).toEqual([large]);
  });

  it("of a newer definition is refused with what to do", () => {
    expect(() => parseNotification('sonde-alerts 2 target "seoul" alerts 0\nend\n')).toThrow(
      /^the message's format is "2" and this code knows 1: deploy the Sonde that/,
    );
  });
});

/** Alertmanager's webhook: JSON by a JSON encoder. */
function webhook(sent: readonly ReceivedAlert[], change: object = {}): string {
  return JSON.stringify({
    version: "4",
    groupKey: '{}:{alertname="a"}',
    truncatedAlerts: 0,
    status: "firing",
    receiver: "sonde",
    groupLabels: { alertname: "a" },
    alerts: sent.map(({ startsAt, endsAt, generatorUrl, ...one }) => ({
      ...one,
      startsAt: new Date(startsAt ?? 0).toISOString(),
      endsAt: endsAt === null ? "0001-01-01T00:00:00Z" : new Date(endsAt).toISOString(),
      generatorURL: generatorUrl,
      fingerprint: "0123456789abcdef",
    })),
    ...change,
  });
}

/** What the template of AWS's documentation makes of alerts: nothing is escaped. */
function awsJson(sent: readonly ReceivedAlert[]): string {
  const pairs = (some: Readonly<Record<string, string>>) =>
    Object.entries(some)
      .map(([name, value]) => `"${name}": "${value}"`)
      .join(", ");
  const each = sent.map(
    ({ status, labels, annotations, startsAt, generatorUrl }) =>
      `{"status": "${status}","labels": {${pairs(labels)}}${
        Object.keys(annotations).length > 0 ? `,"annotations": {${pairs(annotations)}}` : ""
      },"startsAt": "${new Date(startsAt ?? 0).toISOString().replace("T", " ").replace("Z", "000001 +0000 UTC")}","endsAt": "0001-01-01 00:00:00 +0000 UTC","generatorURL": "${generatorUrl}","fingerprint": "01"}`,
  );
  return `{"receiver": "default","status": "firing","alerts": [${each.join(", ")}],"groupLabels": {"alertname": "a"},"commonLabels": {"alertname": "a"}}`;
}

describe("a JSON body", () => {
  it("in the webhook's shape gives back what was written, whatever the labels hold", () => {
    fc.assert(
      fc.property(alerts, (sent) => {
        expect(parseNotification(webhook(sent))).toEqual({ target: null, truncated: false, alerts: sent });
      }),
    );
  });

  it("cut anywhere gives the alerts before the cut, and says that it was cut", () => {
    fc.assert(
      fc.property(fc.array(alert, { minLength: 1, maxLength: 4 }), fc.nat(), (sent, cut) => {
        const message = webhook(sent);
        const list = message.indexOf('"alerts":[') + '"alerts":['.length;
        const end = message.length - 2;
        const received = parseNotification(message.slice(0, list + (cut % (end - list))));
        expect(received.truncated).toBe(true);
        expect(received.alerts).toEqual(sent.slice(0, received.alerts.length));
      }),
    );
  });

  it("says so where Alertmanager itself left alerts out", () => {
    expect(parseNotification(webhook([anAlert()], { truncatedAlerts: 3 })).truncated).toBe(true);
  });

  it("leaves out what is no alert, and says so", () => {
    const message = webhook([], { alerts: [{ status: "firing" }, 7, { status: "odd", labels: { a: "b" } }] });
    expect(parseNotification(message)).toEqual({ target: null, truncated: true, alerts: [] });
  });

  it.each([
    ["plain texts", "GPU 0 is hot"],
    ["quotes", 'job "vllm" of {job="vllm", pod="a"} is down'],
    ["line breaks", "two\nlines"],
    ["backslashes", "C:\\models \\d+"],
    ["PromQL", 'sum by (pod) (rate(x{code=~"5.."}[5m])) > 0.1'],
    ["templates", "{{ $labels.pod }}"],
    ["other scripts", "온도 🌡"],
  ])("by the template of AWS's documentation is read with %s in it", (_, value) => {
    const sent = [
      anAlert({ annotations: { description: value, summary: value } }),
      anAlert({ labels: { alertname: value, pod: value }, annotations: {} }),
    ];
    expect(parseNotification(awsJson(sent))).toEqual({ target: null, truncated: false, alerts: sent });
  });

  it("goes on after an alert that cannot be followed", () => {
    const message = awsJson([anAlert(), anAlert({ labels: { alertname: "B" } })]);
    const damaged = message.replace(
      '"labels": {"alertname": "GpuTemperature", ',
      '"labels": {"alertname" "x", ',
    );
    expect(parseNotification(damaged)).toMatchObject({
      truncated: true,
      alerts: [{ labels: { alertname: "B" } }],
    });
  });

  it("never takes long, and never throws, whatever is in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (tail) => {
        expect(parseNotification(`{"alerts": [${tail}`).truncated).toBe(true);
      }),
    );
    expect(
      parseNotification(`{"alerts": [${'{"status": "firing", "labels": {"a": "'.repeat(6_000)}`),
    ).toEqual({
      target: null,
      truncated: true,
      alerts: [],
    });
    expect(parseNotification(`{"alerts": [{"a":${'{"a":'.repeat(50_000)}`).alerts).toEqual([]);
  });
});

/** Alertmanager's default template. */
function defaultText(firing: readonly ReceivedAlert[], resolvedOnes: readonly ReceivedAlert[] = []): string {
  const pairs = (some: Readonly<Record<string, string>>) =>
    Object.entries(some)
      .map(([name, value]) => ` - ${name} = ${value}\n`)
      .join("");
  const list = (some: readonly ReceivedAlert[]) =>
    some
      .map(
        ({ labels, annotations, generatorUrl }) =>
          `Labels:\n${pairs(labels)}Annotations:\n${pairs(annotations)}Source: ${generatorUrl}\n`,
      )
      .join("");
  return [
    "GPU 0 is hot\n",
    ...(firing.length > 0 ? [`Alerts Firing:\n${list(firing)}`] : []),
    ...(resolvedOnes.length > 0 ? [`Alerts Resolved:\n${list(resolvedOnes)}`] : []),
  ].join("\n");
}

const timeless = { startsAt: null, endsAt: null };

describe("Alertmanager's default text", () => {
  it("gives back firing and resolved alerts, without times", () => {
    const firing = [anAlert(timeless), anAlert({ ...timeless, annotations: {} })];
    const over = [anAlert({ ...timeless, status: "resolved", labels: { alertname: "B" } })];
    expect(parseNotification(defaultText(firing, over))).toEqual({
      target: null,
      truncated: false,
      alerts: [...firing, ...over],
    });
  });

  it.each(["two\nlines", "a\n\nb", 'say "hi" = yes', "back\\slash", "온도 🌡", "{{ end }}", "a = b = c"])(
    "gives back a value such as %j",
    (value) => {
      const sent = [anAlert({ ...timeless, labels: { alertname: value }, annotations: { summary: value } })];
      expect(parseNotification(defaultText(sent))).toEqual({ target: null, truncated: false, alerts: sent });
    },
  );

  it("leaves out the alert that was cut before its source, and says so", () => {
    const message = defaultText([anAlert(timeless), anAlert(timeless)]);
    const cut = parseNotification(message.slice(0, message.lastIndexOf("Source:")));
    expect(cut).toEqual({ target: null, truncated: true, alerts: [anAlert(timeless)] });
  });
});

it.each([
  "",
  "hello",
  "Error - not a valid UTF-8 encoded string.",
  "[]",
  "{",
  '{"alarm": "x"}',
  "sonde-alert 1",
])("%j is no notification, and the error says in one line what to do", (message) => {
  expect(() => parseNotification(message)).toThrow(
    /^the message is neither .*`sonde render --only alertmanager` writes$/,
  );
});

it.each([
  ["2026-11-25T01:02:03.456Z", Date.UTC(2026, 10, 25, 1, 2, 3, 456)],
  ["2026-11-25T01:02:03.456789012+09:00", Date.UTC(2026, 10, 24, 16, 2, 3, 456)],
  ["2026-11-25 01:02:03.4 +0000 UTC", Date.UTC(2026, 10, 25, 1, 2, 3, 400)],
  ["2026-11-25 01:02:03 -0230 NST m=+0.1", Date.UTC(2026, 10, 25, 3, 32, 3)],
  ["0001-01-01T00:00:00Z", null],
  ["0001-01-01 00:00:00 +0000 UTC", null],
  ["2026-13-45T99:99:99Z", null],
  ["soon", null],
])("Go's time %s is %s", (text, at) => {
  expect(parseGoTime(text)).toBe(at);
});
