import type { Network, NetworkFunction } from "../shared/domain/network.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";
import { arnOf, functionLogicalId, pascalCase, policyDocument, type Resource, ref, sub } from "./template.ts";

/** What a function's entry in serverless.yml gets that is attached to a VPC. */
export interface Attachment {
  readonly vpc: { readonly subnetIds: readonly string[]; readonly securityGroupIds: readonly string[] };
  readonly dependsOn: readonly string[];
}

type Attaching = Pick<CompiledConfig, "network" | "transactions">;

/** The attachment of each function that config attaches and that is deployed. Sonde makes no network of its own. */
export function buildAttachments(config: Attaching): ReadonlyMap<NetworkFunction, Attachment> {
  const { network } = config;
  if (!network) return new Map();
  const vpc = { subnetIds: network.subnets, securityGroupIds: network.securityGroups };
  return new Map(
    // Lambda refuses to attach a function whose role may not make network interfaces yet, and needs the role
    // until they are gone: the policy comes before the function, and outlives it.
    attached(network, config).map((name) => [name, { vpc, dependsOn: [policyId(name)] }]),
  );
}

/** Lets Lambda manage the network interfaces of attached functions, and keeps their code from it. */
export function buildNetworkPolicies(config: Attaching): Record<string, Resource> {
  const { network } = config;
  if (!network) return {};
  return Object.fromEntries(
    attached(network, config).flatMap((name) => [
      [policyId(name), policy(name, "network-interfaces", interfaceStatements)],
      [`${pascalCase(name)}NetworkDenial`, policy(name, "no-network-interfaces", [denial(name)])],
    ]),
  );
}

function attached({ functions }: Network, { transactions }: Attaching): readonly NetworkFunction[] {
  return functions.filter((name) => name !== "run-transactions" || transactions.length > 0);
}

function policyId(name: NetworkFunction): string {
  return `${pascalCase(name)}NetworkPolicy`;
}

function policy(name: NetworkFunction, title: string, statements: readonly unknown[]): Resource {
  return {
    Type: "AWS::IAM::RolePolicy",
    Properties: {
      RoleName: ref(`${pascalCase(name)}Role`),
      PolicyName: title,
      PolicyDocument: policyDocument(statements),
    },
  };
}

/**
 * As narrow as Lambda takes it: it looks up before it makes anything, and looking up has no resources; an interface
 * has no id before it is made (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html).
 */
const interfaceStatements = [
  {
    Sid: "ManageNetworkInterfaces",
    Effect: "Allow",
    Action: [
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:AssignPrivateIpAddresses",
      "ec2:UnassignPrivateIpAddresses",
    ],
    Resource: [sub(`arn:\${AWS::Partition}:ec2:\${AWS::Region}:\${AWS::AccountId}:*/*`)],
  },
  {
    Sid: "FindNetworkInterfaces",
    Effect: "Allow",
    Action: ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
    Resource: ["*"],
  },
];

/** Lambda uses these for the function; requests that the function's own code signs carry its ARN. */
function denial(name: NetworkFunction) {
  return {
    Sid: "NotByOwnCode",
    Effect: "Deny",
    Action: interfaceStatements.flatMap(({ Action }) => Action),
    Resource: ["*"],
    Condition: { ArnEquals: { "lambda:SourceFunctionArn": arnOf(functionLogicalId(name)) } },
  };
}
