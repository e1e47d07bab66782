import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { afterwards, longestTimeout } from "../../shared/domain/transactions/transaction-state.ts";
import {
  type Packaging,
  packageService,
  resourcesOf,
  statementsOf,
  type Template,
} from "../support/packaged-service.ts";

const config = `
langfuse: { url: "https://langfuse.prod.internal" }
slack: { appId: A012AB3CD, teamId: T012AB3CD }
network: { subnets: [subnet-0123456789abcdef0, subnet-0fedcba9876543210], securityGroups: [sg-0123456789abcdef0] }
`;

describe("packaged with a network", () => {
  let packaging: Packaging;
  let template: Template;
  beforeAll(async () => {
    packaging = await packageService(config);
    expect(packaging.stderr).toContain("Service packaged");
    template = packaging.template();
  });
  afterAll(() => packaging.remove());

  it("run-transactions alone stands in the VPC, and not those that talk to Slack", () => {
    const attached = Object.entries(resourcesOf(template, "AWS::Lambda::Function")).filter(
      ([, { VpcConfig }]) => VpcConfig !== undefined,
    );
    expect(attached.map(([id, { VpcConfig }]) => [id, VpcConfig])).toEqual([
      [
        "RunDashtransactionsLambdaFunction",
        {
          SubnetIds: ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
          SecurityGroupIds: ["sg-0123456789abcdef0"],
        },
      ],
    ]);
  });

  it("its role may manage network interfaces before it is made, and no other role may", () => {
    expect(template.Resources.RunDashtransactionsLambdaFunction?.DependsOn).toContain(
      "RunTransactionsNetworkPolicy",
    );
    const ec2 = statementsOf(template).filter(({ Action }) => Action.some((one) => one.startsWith("ec2:")));
    expect(ec2.map((found) => [found.in, found.Effect])).toEqual([
      ["RunTransactionsNetworkPolicy", "Allow"],
      ["RunTransactionsNetworkPolicy", "Allow"],
      ["RunTransactionsNetworkDenial", "Deny"],
    ]);
    for (const id of ["RunTransactionsNetworkPolicy", "RunTransactionsNetworkDenial"])
      expect(template.Resources[id]?.Properties?.RoleName).toEqual({ Ref: "RunTransactionsRole" });
  });

  it("it has time for the longest transaction that config may have, and for what comes after", () => {
    const { Timeout } =
      resourcesOf(template, "AWS::Lambda::Function").RunDashtransactionsLambdaFunction ?? {};
    expect(Number(Timeout) * 1_000).toBeGreaterThan(longestTimeout + afterwards);
  });

  it("nothing of a network is made, least of all a NAT gateway", () => {
    const made = Object.values(template.Resources).map(({ Type }) => Type);
    expect(made.filter((type) => type.startsWith("AWS::EC2::"))).toEqual([]);
  });

  it("warns of no private address that the network is for", () => {
    expect(packaging.stderr).not.toContain("is a private");
  });
});
