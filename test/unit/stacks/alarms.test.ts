import { describe, expect, it } from "vitest";

import type { Target } from "../../../shared/domain/probe.ts";
import { type AlarmSettings, buildAlarms } from "../../../stacks/alarms.ts";
import { aProbe } from "../../support/builders.ts";

const target: Target = {
  name: "seoul",
  url: "https://prometheus.example.com",
  auth: { kind: "none" },
  amp: false,
  delay: 0,
};
const settings: AlarmSettings = {
  name: "sonde-prod",
  functions: ["run-probes", "notify-slack"],
  config: { targets: [target], probes: [aProbe()] },
  service: "run-probes",
  email: "",
};

function alarms(change: Partial<AlarmSettings> = {}) {
  return buildAlarms({ ...settings, ...change }).Resources;
}

describe("the dead-man alarm", () => {
  it("divides the probes that were answered by those that are configured", () => {
    const properties = alarms().DeadManAlarm?.Properties;
    expect(properties?.Metrics).toMatchObject([
      { Expression: "evaluated / configured" },
      { Id: "evaluated", MetricStat: { Metric: { Namespace: "Sonde", MetricName: "ProbesEvaluated" } } },
      { Id: "configured", MetricStat: { Metric: { MetricName: "ProbesConfigured" } } },
    ]);
  });

  it("rings when nothing is heard at all", () => {
    expect(alarms().DeadManAlarm?.Properties.TreatMissingData).toBe("breaching");
  });

  it.each([
    ["targets", { targets: [], probes: [aProbe()] }],
    ["probes", { targets: [target], probes: [] }],
  ])("is not there while there are no %s", (_, config) => {
    expect(alarms({ config })).not.toHaveProperty("DeadManAlarm");
  });

  it("watches its own stage's rounds", () => {
    const metrics = JSON.stringify(alarms({ service: "run-probes-dev" }).DeadManAlarm);
    expect(metrics).toContain('"Value":"run-probes-dev"');
  });
});

it("watches errors and throttles of every function", () => {
  const names = Object.values(alarms()).map(({ Properties }) => Properties.AlarmName);
  for (const name of settings.functions)
    expect(names).toEqual(
      expect.arrayContaining([`sonde-prod-${name}-errors`, `sonde-prod-${name}-throttles`]),
    );
});

it("mails only whom it was told to", () => {
  expect(alarms()).not.toHaveProperty("OpsEmail");
  expect(alarms({ email: "sre@example.com" }).OpsEmail?.Properties).toMatchObject({
    Protocol: "email",
    Endpoint: "sre@example.com",
  });
});

it("rings where a message stays behind its incident, whichever target it is of", () => {
  expect(alarms({ service: "run-probes-dev" }).MessagesBehindAlarm?.Properties).toMatchObject({
    Namespace: "Sonde",
    MetricName: "MessagesBehind",
    Dimensions: [{ Name: "service", Value: "run-probes-dev" }],
    TreatMissingData: "notBreaching",
  });
});
