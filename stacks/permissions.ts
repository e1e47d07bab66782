import { channelSecrets } from "../shared/domain/channel.ts";
import { isSecretName, targetSecret, workspaceOf } from "../shared/domain/deployable.ts";
import { ConfigError } from "../shared/domain/errors.ts";
import type { CompiledConfig, Target } from "../shared/domain/probe.ts";
import { allChannels } from "../shared/domain/routes.ts";
import { transactionSecrets } from "../shared/domain/transactions/compiled.ts";
import { buildNetworkPolicies } from "./network.ts";
import { policyDocument, type Resource, ref, type Stack, type Statement, sub } from "./template.ts";

/** The names of the secrets that Slack's functions read. */
export interface SlackSecrets {
  readonly token: string;
  readonly signing: string;
}

/** What the roles may do because of what sonde.yaml names: the rest stands in each function's own file. */
export function buildPermissions(
  config: Pick<
    CompiledConfig,
    "targets" | "transactions" | "writeResultsTo" | "incidents" | "slack" | "network"
  >,
  slack: SlackSecrets,
): Stack {
  return {
    Resources: {
      ...policy("RunProbesTargetsPolicy", "RunProbesRole", targetStatements(config.targets)),
      ...policy("RunTransactionsSecretsPolicy", "RunTransactionsRole", transactionStatements(config)),
      ...policy(
        "NotifySlackSecretsPolicy",
        "NotifySlackRole",
        secretStatements([slack.token, ...channelSecrets(allChannels(config.incidents.routes))]),
      ),
      ...policy(
        "AnswerSlackSecretPolicy",
        "AnswerSlackRole",
        secretStatements(config.slack ? [slack.signing] : []),
      ),
      ...buildNetworkPolicies(config),
    },
  };
}

function policy(logicalId: string, role: string, statements: readonly Statement[]): Record<string, Resource> {
  if (statements.length === 0) return {};
  return {
    [logicalId]: {
      Type: "AWS::IAM::RolePolicy",
      Properties: {
        RoleName: ref(role),
        PolicyName: "from-sonde-yaml",
        PolicyDocument: policyDocument(statements),
      },
    },
  };
}

function targetStatements(targets: readonly Target[]): Statement[] {
  return [
    ...onWorkspaces("QueryWorkspaces", "aps:QueryMetrics", targets),
    ...assumedRoles(targets),
    ...secretStatements(targets.flatMap((target) => targetSecret(target) ?? [])),
  ];
}

/** The workspaces of other accounts: what may be done there is up to the role. */
function assumedRoles(targets: readonly Target[]): Statement[] {
  const roles = distinct(
    targets.flatMap(({ auth }) =>
      auth.kind === "sigv4" && auth.assumeRole ? [auth.assumeRole.roleArn] : [],
    ),
  );
  return roles.length > 0 ? [allow("AssumeTargetRoles", "sts:AssumeRole", roles)] : [];
}

/** Which targets transactions ask, and which they write to as well. */
function transactionStatements({
  targets,
  transactions,
  writeResultsTo,
}: Pick<CompiledConfig, "targets" | "transactions" | "writeResultsTo">): Statement[] {
  if (transactions.length === 0) return [];
  const results = targets.filter(({ name }) => name === writeResultsTo);
  const asked = targets.filter(({ name }) =>
    transactions.some(({ kind, target }) => kind !== "trace" && target === name),
  );
  const written = asked.filter(({ name }) =>
    transactions.some(
      ({ kind, target }) => (kind === "write-path" || kind === "alert-path") && target === name,
    ),
  );
  const drilled = asked.filter(({ name }) =>
    transactions.some(({ kind, target }) => kind === "alert-path" && target === name),
  );
  const secrets = [
    ...transactions.flatMap(transactionSecrets),
    ...[...asked, ...results].flatMap((target) => targetSecret(target) ?? []),
  ];
  return [
    ...onWorkspaces("QueryWorkspaces", "aps:QueryMetrics", asked),
    ...assumedRoles([...asked, ...results]),
    ...onWorkspaces("WriteWorkspaces", "aps:RemoteWrite", [...written, ...results]),
    ...onWorkspaces("ListRules", "aps:ListRules", drilled),
    ...secretStatements(secrets),
  ];
}

function onWorkspaces(sid: string, action: string, targets: readonly Target[]): Statement[] {
  const workspaces = distinct(targets.flatMap((target) => workspaceArn(target) ?? []));
  return workspaces.length > 0 ? [allow(sid, action, workspaces.map(sub))] : [];
}

/** The workspace that this account's own role queries; none where another role is assumed for it. */
function workspaceArn({ auth, url }: Target): string | null {
  if (auth.kind !== "sigv4" || auth.service !== "aps" || auth.assumeRole) return null;
  const workspace = workspaceOf(url);
  return workspace && `arn:\${AWS::Partition}:aps:${auth.region}:\${AWS::AccountId}:workspace/${workspace}`;
}

function secretStatements(names: readonly string[]): Statement[] {
  const secrets = distinct(names);
  if (secrets.length === 0) return [];
  return [allow("ReadSecrets", "secretsmanager:GetSecretValue", secrets.map(secretArn))];
}

/** Secrets Manager adds six characters to a secret's name; a name that is an ARN has them already. */
function secretArn(name: string): unknown {
  if (!isSecretName(name)) throw new ConfigError(`"${name}" is no name that a secret can have`);
  if (name.startsWith("arn:")) return name;
  return sub(
    `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:${name}-??????`,
  );
}

function allow(sid: string, action: string, resources: readonly unknown[]): Statement {
  return { Sid: sid, Effect: "Allow", Action: [action], Resource: resources };
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
