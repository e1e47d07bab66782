import { describe, expect, it } from "vitest";
import { compileConfig } from "../../../shared/domain/compile.ts";
import { parseConfig } from "../../../shared/domain/config.ts";
import { checkDeployable } from "../../../shared/domain/deployable.ts";
import { isPrivateAddress, isPrivateName } from "../../../shared/domain/network.ts";
import { buildAttachments, buildNetworkPolicies } from "../../../stacks/network.ts";

const subnet = "subnet-0123456789abcdef0";
const group = "sg-0123456789abcdef0";
const langfuse = { url: "http://10.0.3.4:3000" };
const prometheus = { name: "lab", prometheus: "http://10.0.3.5:9090" };

/** What is right in the config, as far as it is, and what is said of the rest. */
function compile(data: object) {
  const parsed = parseConfig(data);
  if ("faults" in parsed) throw new Error(parsed.faults.map(({ message }) => message).join("; "));
  return compileConfig(parsed.config, { packs: [], ruleFiles: [], certificates: {} });
}

const attach = (data: object) => buildAttachments(compile(data).compiled);
const network = (more: object = {}) => ({ subnets: [subnet], securityGroups: [group], ...more });

describe("a network in config", () => {
  it.each([
    ["no subnet", { subnets: [] }],
    ["more subnets than Lambda takes", { subnets: Array(17).fill(subnet) }],
    ["more groups than Lambda takes", { securityGroups: Array(6).fill(group) }],
    ["a subnet by its name", { subnets: ["private-a"] }],
    ["a group where a subnet belongs", { subnets: [group] }],
    ["what would be a pattern", { subnets: ["subnet-*"] }],
    ["the function that talks to Slack", { functions: ["notify-slack"] }],
    ["the function that faces the internet", { functions: ["answer-slack"] }],
    ["no function", { functions: [] }],
    ["a NAT gateway", { nat: true }],
  ])("with %s is refused", (_, more) => {
    expect(parseConfig({ network: network(more) })).toHaveProperty("faults");
  });

  it("takes ids of either length, and each once", () => {
    const old = { subnets: ["subnet-0a1b2c3d", subnet, subnet], securityGroups: ["sg-0a1b2c3d"] };
    expect(compile({ network: old, langfuse }).compiled.network).toEqual({
      subnets: ["subnet-0a1b2c3d", subnet],
      securityGroups: ["sg-0a1b2c3d"],
      functions: ["run-transactions"],
    });
  });

  it("that attaches nothing is noted", () => {
    expect(compile({ network: network() }).notes).toEqual([
      { path: ["network"], message: expect.stringContaining("attaches nothing") },
    ]);
    expect(compile({ network: network(), langfuse }).notes).toEqual([]);
  });
});

describe("what is attached to the VPC", () => {
  it("is nothing where config has no network", () => {
    expect(attach({ langfuse }).size).toBe(0);
    expect(buildNetworkPolicies(compile({ langfuse }).compiled)).toEqual({});
  });

  it("is run-transactions, and not before its role may make network interfaces", () => {
    expect([...attach({ network: network(), langfuse })]).toEqual([
      [
        "run-transactions",
        {
          vpc: { subnetIds: [subnet], securityGroupIds: [group] },
          dependsOn: ["RunTransactionsNetworkPolicy"],
        },
      ],
    ]);
  });

  it("is run-probes where it is named, and no function that is not deployed", () => {
    const both = network({ functions: ["run-transactions", "run-probes"] });
    expect([...attach({ network: both, langfuse }).keys()]).toEqual(["run-transactions", "run-probes"]);
    expect([...attach({ network: both }).keys()]).toEqual(["run-probes"]);
    expect([...attach({ network: network({ functions: ["run-probes"] }), langfuse }).keys()]).toEqual([
      "run-probes",
    ]);
  });

  it("has its interfaces managed by Lambda, and its own code kept from that", () => {
    const policies = buildNetworkPolicies(compile({ network: network(), langfuse }).compiled);
    expect(Object.keys(policies)).toEqual(["RunTransactionsNetworkPolicy", "RunTransactionsNetworkDenial"]);
    for (const { Properties } of Object.values(policies))
      expect(Properties.RoleName).toEqual({ Ref: "RunTransactionsRole" });
    const made = `arn:\${AWS::Partition}:ec2:\${AWS::Region}:\${AWS::AccountId}:*/*`;
    expect(policies.RunTransactionsNetworkPolicy?.Properties.PolicyDocument).toMatchObject({
      Statement: [
        { Effect: "Allow", Resource: [{ "Fn::Sub": made }] },
        {
          Effect: "Allow",
          Action: ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
          Resource: ["*"],
        },
      ],
    });
    expect(policies.RunTransactionsNetworkDenial?.Properties.PolicyDocument).toMatchObject({
      Statement: [
        {
          Effect: "Deny",
          Action: expect.arrayContaining(["ec2:CreateNetworkInterface", "ec2:DescribeSubnets"]),
          Condition: {
            ArnEquals: {
              "lambda:SourceFunctionArn": { "Fn::GetAtt": ["RunDashtransactionsLambdaFunction", "Arn"] },
            },
          },
        },
      ],
    });
  });
});

describe("an address, by where the function stands that needs it", () => {
  const warnings = (data: object) => checkDeployable(compile(data).compiled).warnings;

  it("is warned about where it is private and the function stands outside any VPC", () => {
    expect(warnings({ langfuse })).toEqual([
      'transaction "langfuse-trace": 10.0.3.4 is a private address, and run-transactions stands outside any VPC: add network: { subnets: [subnet-…], securityGroups: [sg-…] } of a VPC that reaches it',
    ]);
    expect(warnings({ targets: [prometheus] })).toEqual([
      'target "lab": 10.0.3.5 is a private address, and run-probes stands outside any VPC: add network: { subnets: [subnet-…], securityGroups: [sg-…], functions: [run-probes] } of a VPC that reaches it',
    ]);
    expect(warnings({ langfuse, network: network() })).toEqual([]);
  });

  it("is warned about where another function stands in the VPC and this one does not", () => {
    const [probes, path, ...more] = warnings({
      targets: [prometheus],
      writePath: {},
      network: network({ functions: ["run-transactions"] }),
    });
    expect(probes).toMatch(/add it to network.functions: \[run-transactions, run-probes\]$/);
    expect([path, ...more]).toEqual([undefined]);
    expect(
      warnings({ targets: [prometheus], writePath: {}, network: network({ functions: ["run-probes"] }) }),
    ).toEqual([expect.stringMatching(/^transaction "write-path".*\[run-probes, run-transactions\]$/)]);
  });

  it.each([
    ["langfuse", { langfuse: { url: "http://langfuse-web.langfuse.svc:3000" } }],
    [
      "a completion",
      { completion: [{ name: "chat", url: "http://bifrost.ai.svc.cluster.local/v1", model: "m" }] },
    ],
    ["a target", { targets: [{ name: "a", prometheus: "http://prometheus.monitoring.svc" }] }],
  ])("in .svc of %s is refused, in a VPC as well", (_, data) => {
    const { faults } = checkDeployable(compile({ ...data, network: network() }).compiled);
    expect(faults).toEqual([
      expect.stringMatching(/exists inside its cluster only: .* internal load balancer/),
    ]);
  });

  it("of a target is refused once, though transactions go there too", () => {
    const data = { targets: [{ name: "a", prometheus: "http://prometheus.monitoring.svc" }], writePath: {} };
    expect(checkDeployable(compile(data).compiled).faults).toHaveLength(1);
  });

  it.each([
    "langfuse.prod.internal",
    "internal-langfuse-123.eu-west-1.elb.amazonaws.com",
    "vpce-0a1-b2.aps-workspaces.eu-west-1.vpce.amazonaws.com",
    "langfuse.local",
  ])("%s is a private name", (host) => {
    expect(isPrivateName(host)).toBe(true);
    expect(warnings({ langfuse: { url: `https://${host}` } })).toHaveLength(1);
  });

  it.each(["langfuse.example.com", "internal.example.com", "langfuse-123.eu-west-1.elb.amazonaws.com"])(
    "%s may be public",
    (host) => {
      expect(isPrivateName(host)).toBe(false);
      expect(warnings({ langfuse: { url: `https://${host}` } })).toEqual([]);
    },
  );

  it.each([
    ["10.1.2.3", true],
    ["172.31.0.1", true],
    ["172.32.0.1", false],
    ["192.168.0.1", true],
    ["100.64.0.1", true],
    ["100.127.9.9", true],
    ["100.128.0.1", false],
    ["fd12:3456::1", true],
    ["127.0.0.1", false],
    ["52.1.2.3", false],
  ])("%s is a private address: %s", (address, is) => {
    expect(isPrivateAddress(address)).toBe(is);
  });
});
