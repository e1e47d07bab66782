import { describe, expect, it } from "vitest";
import { checkDeployable } from "../../../shared/domain/deployable.ts";
import type { CompiledConfig, Target, TargetAuth } from "../../../shared/domain/probe.ts";
import { aPolicy, aRoute } from "../../support/builders.ts";

function aConfig(change: Partial<CompiledConfig>): CompiledConfig {
  return {
    version: 1,
    targets: [],
    probes: [],
    incidents: aPolicy(),
    transactions: [],
    slack: null,
    heartbeat: "",
    network: null,
    writeResultsTo: "",
    ...change,
  };
}

function at(url: string, auth: TargetAuth = { kind: "none" }) {
  const target: Target = { name: "here", url, auth, amp: false, delay: 0 };
  return checkDeployable(aConfig({ targets: [target] }));
}

describe("a target's address, once deployed", () => {
  it.each([
    "http://localhost:9090",
    "http://prometheus.localhost",
    "http://127.0.0.1:9090",
    "http://127.1",
    "http://0.0.0.0:9090",
    "http://[::1]:9090",
    "http://LOCALHOST.:9090",
    "http://169.254.169.254",
    "http://prometheus.monitoring.svc:9090",
    "http://prometheus.monitoring.svc.cluster.local",
    "http://prometheus.monitoring.svc.cluster.local.:9090",
    "http://prometheus:9090",
  ])("%s is refused in one line that says what to write", (url) => {
    const { faults } = at(url);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^target "here": [^\n]+$/);
  });

  it.each([
    "https://prometheus.example.com",
    "https://svc.example.com",
    "https://1.1.1.1",
    "https://172.32.0.1",
  ])("%s is taken", (url) => {
    expect(at(url)).toEqual({ faults: [], warnings: [] });
  });

  it.each(["http://10.0.3.4:9090", "http://192.168.1.1", "http://172.16.0.1", "http://[fd00::1]:9090"])(
    "%s is taken with a warning: it needs a VPC",
    (url) => {
      expect(at(url)).toMatchObject({ faults: [], warnings: [expect.stringContaining("private address")] });
    },
  );
});

describe("a signed target, once deployed", () => {
  const sigv4 = { kind: "sigv4", region: "eu-west-1", service: "aps" } as const;
  const workspace = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1a";

  it("names a workspace, which is all that its role may query", () => {
    expect(at(workspace, sigv4).faults).toEqual([]);
    expect(at("https://aps-workspaces.eu-west-1.amazonaws.com", sigv4).faults).toHaveLength(1);
  });

  it("names one role by its ARN, and never a pattern", () => {
    const assume = (roleArn: string) => at(workspace, { ...sigv4, assumeRole: { roleArn } }).faults;
    expect(assume("arn:aws:iam::111122223333:role/path/sonde-query")).toEqual([]);
    expect(assume("*")).toHaveLength(1);
    expect(assume("arn:aws:iam::111122223333:role/*")).toHaveLength(1);
  });

  it("names a region", () => {
    expect(at(workspace, { ...sigv4, region: "*" }).faults).toHaveLength(1);
    expect(at(workspace, { ...sigv4, region: "us-gov-west-1" }).faults).toEqual([]);
  });

  it("of another service is taken with a warning, since Sonde does not know what it must allow", () => {
    expect(
      at("https://monitoring.eu-west-1.amazonaws.com", { ...sigv4, service: "monitoring" }),
    ).toMatchObject({
      faults: [],
      warnings: [expect.stringContaining("monitoring")],
    });
  });
});

it("refuses a secret's name that would be a pattern in a policy", () => {
  const secrets = (name: string) =>
    checkDeployable(aConfig({ incidents: aPolicy({ routes: [aRoute(`slack-webhook:${name}`)] }) })).faults;
  expect(secrets("sonde/hook_1+=.@-")).toEqual([]);
  expect(secrets("arn:aws:secretsmanager:eu-west-1:111122223333:secret:hook-AbCdEf")).toEqual([]);
  expect(secrets("*")).toHaveLength(1);
  expect(secrets(`sonde/\${AWS::AccountId}`)).toHaveLength(1);
});

it("asks for a channel's id where its name is not ASCII", () => {
  const { faults } = checkDeployable(aConfig({ incidents: aPolicy({ routes: [aRoute("#운영")] }) }));
  expect(faults).toEqual([expect.stringContaining("write the id of #운영")]);
});

it("looks at the heartbeat's address too", () => {
  expect(checkDeployable(aConfig({ heartbeat: "http://localhost/ping" })).faults).toHaveLength(1);
  expect(checkDeployable(aConfig({ heartbeat: "https://hc-ping.com/abc" })).faults).toEqual([]);
});
