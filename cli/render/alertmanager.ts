import { resolve } from "node:path";
import { stringify } from "yaml";

import {
  type AlertsTopic,
  alertmanagerDefinition,
  targetWorkspace,
  topicStatement,
  type Workspace,
} from "../../shared/domain/alertmanager-definition.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { Target } from "../../shared/domain/probe.ts";
import { loadConfigFile } from "../config-file.ts";
import type { CliDeps } from "../deps.ts";
import { chooseTargets, type RenderRun, writeRendered } from "./targets.ts";

export interface RenderAlertmanager extends RenderRun {
  readonly topicArn?: string;
}

/** `sonde render --only alertmanager`: the definition of each AMP target's Alertmanager, and the topic's policy. */
export function renderAlertmanager(options: RenderAlertmanager, deps: CliDeps): void {
  const { compiled } = loadConfigFile(resolve(deps.cwd, options.config));
  const known = compiled.targets.flatMap((target) => {
    const workspace = targetWorkspace(target);
    return workspace ? [{ target, workspace }] : [];
  });
  const chosen = chooseTargets(
    known.map(({ target }) => target),
    options,
    "the config has no Amazon Managed Prometheus target, whose Alertmanager this would define",
  );
  const targets = known.filter(({ target }) => chosen.includes(target));
  const topic = topicFor(options.topicArn, targets[0]?.workspace.region ?? "");
  if (topic.account === placeholder)
    deps.err(
      `the topic's account is not known: give --topic-arn, which is the stack's output AlertsTopicArn, or write it for ${placeholder}`,
    );
  for (const { target, workspace } of targets) {
    if (workspace.account && topic.account !== placeholder && workspace.account !== topic.account)
      deps.err(
        `${target.name}: its workspace is in account ${workspace.account}, and AMP sends only to topics of its own account: make one there`,
      );
    writeRendered(`alertmanager-${target.name}.yaml`, definitionText(target, topic), options.output, deps);
  }
  if (options.output === undefined) return;
  const workspaces = targets.map(({ workspace }) => workspace);
  writeRendered("alertmanager-topic-policy.json", policyText(topic, workspaces), options.output, deps);
}

/** Stands where an account's number must be written. */
const placeholder = "ACCOUNT_ID";

interface Topic extends AlertsTopic {
  readonly partition: string;
  readonly account: string;
}

function topicFor(arn: string | undefined, region: string): Topic {
  if (arn === undefined) {
    const partition = region.startsWith("cn-") ? "aws-cn" : "aws";
    return {
      arn: `arn:${partition}:sns:${region}:${placeholder}:sonde-prod-alerts`,
      partition,
      region,
      account: placeholder,
    };
  }
  const [, partition, of, account] =
    /^arn:(aws[a-z-]*):sns:([a-z0-9-]+):(\d{12}):[\w-]{1,256}$/.exec(arn) ?? [];
  if (!partition || !of || !account)
    throw new ConfigError(
      `--topic-arn ${arn} is not the ARN of a standard topic such as arn:aws:sns:eu-west-1:111122223333:sonde-prod-alerts: AMP takes no FIFO topic`,
    );
  return { arn, partition, region: of, account };
}

/** Upload it as it is: the config is text inside the definition. */
function definitionText({ name }: Target, topic: Topic): string {
  const { config, templates } = alertmanagerDefinition(name, topic);
  const header = `# Written by \`sonde render\` for target ${name}: the alert manager definition of its workspace.\n`;
  return (
    header +
    stringify(
      { template_files: templates, alertmanager_config: stringify(config, { lineWidth: 0 }) },
      { lineWidth: 0, blockQuote: "literal" },
    )
  );
}

function policyText(topic: Topic, workspaces: readonly Workspace[]): string {
  const own = workspaces.filter(({ account }) => !account || account === topic.account);
  const statement = topicStatement({
    topic: topic.arn,
    workspaces: own.map(
      ({ region, id }) => `arn:${topic.partition}:aps:${region}:${topic.account}:workspace/${id}`,
    ),
    account: topic.account,
  });
  return `${JSON.stringify({ Version: "2012-10-17", Statement: [statement] }, null, 2)}\n`;
}
