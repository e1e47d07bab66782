import { createHash } from "node:crypto";

import { groupChanged } from "../events/group-changed.ts";
import type { Route } from "../shared/domain/probe.ts";
import { allChannels } from "../shared/domain/routes.ts";
import { arnOf, policyDocument, type Resource, ref, type Stack } from "./template.ts";

/**
 * One rule for each channel, so that each has its own FIFO message group: a rule's group is fixed, and one
 * group for all would let one channel's trouble hold up the others.
 */
export function buildChannels(routes: readonly Route[]): Stack {
  const channels = allChannels(routes).sort();
  if (channels.length === 0) return { Resources: {} };
  const rules = Object.fromEntries(channels.map((channel) => [ruleId(channel), buildRule(channel)]));
  return {
    Resources: {
      ...rules,
      NotifySlackHintsPolicy: allowRules("NotifySlackHints", Object.keys(rules)),
      UndeliveredEventsPolicy: allowRules("UndeliveredEvents", Object.keys(rules)),
    },
  };
}

/** Names of channels are longer and richer than message groups and logical ids may be. */
function digest(channel: string): string {
  return createHash("sha256").update(channel).digest("hex").slice(0, 12);
}

function ruleId(channel: string): string {
  return `Channel${digest(channel)}Rule`;
}

function buildRule(channel: string): Resource {
  return {
    Type: "AWS::Events::Rule",
    Properties: {
      Description: `Hints for ${channel}`,
      EventBusName: ref("SondeBus"),
      EventPattern: {
        source: [groupChanged.source],
        "detail-type": [groupChanged.detailType],
        detail: { channel: [channel] },
      },
      Targets: [
        {
          Id: "notify-slack",
          Arn: arnOf("NotifySlackHints"),
          // The detail alone, which is the same each time: the queue drops what it has heard within five minutes.
          InputPath: "$.detail",
          SqsParameters: { MessageGroupId: digest(channel) },
          // The next round announces again what was lost.
          RetryPolicy: { MaximumEventAgeInSeconds: 300, MaximumRetryAttempts: 20 },
          DeadLetterConfig: { Arn: arnOf("UndeliveredEvents") },
        },
      ],
    },
  };
}

function allowRules(queue: string, rules: readonly string[]): Resource {
  return {
    Type: "AWS::SQS::QueuePolicy",
    Properties: {
      Queues: [ref(queue)],
      PolicyDocument: policyDocument([
        {
          Sid: "FromRules",
          Effect: "Allow",
          Principal: { Service: "events.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: arnOf(queue),
          Condition: { ArnEquals: { "aws:SourceArn": rules.map(arnOf) } },
        },
      ]),
    },
  };
}
