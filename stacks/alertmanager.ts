import { targetWorkspace, topicStatement } from "../shared/domain/alertmanager-definition.ts";
import type { Target } from "../shared/domain/probe.ts";
import { arnOf, functionLogicalId, policyDocument, type Resource, ref, type Stack, sub } from "./template.ts";

const topic = "AlertsTopic";

/**
 * The topic to which the Alertmanagers of config's AMP workspaces send, and its way to the function. There is
 * none without an AMP target.
 */
export function buildAlertmanager(targets: readonly Target[], name: string): Stack {
  const workspaces = workspaceArns(targets);
  if (workspaces.length === 0) return { Resources: {} };
  const receiver = functionLogicalId("receive-alertmanager");
  return {
    Resources: {
      [topic]: {
        Type: "AWS::SNS::Topic",
        // AMP sends to standard topics only, and cannot use a key of AWS's own.
        Properties: {
          TopicName: `${name}-alerts`,
          DisplayName: name,
          KmsMasterKeyId: arnOf("SondeKey"),
        },
      },
      AlertsTopicPolicy: {
        Type: "AWS::SNS::TopicPolicy",
        Properties: {
          Topics: [ref(topic)],
          PolicyDocument: policyDocument([
            topicStatement({ topic: ref(topic), workspaces, account: ref("AWS::AccountId") }),
            {
              Sid: "TlsOnly",
              Effect: "Deny",
              Principal: "*",
              Action: "sns:Publish",
              Resource: ref(topic),
              Condition: { Bool: { "aws:SecureTransport": "false" } },
            },
          ]),
        },
      },
      AlertsSubscription: {
        Type: "AWS::SNS::Subscription",
        Properties: {
          TopicArn: ref(topic),
          Protocol: "lambda",
          Endpoint: arnOf(receiver),
          RedrivePolicy: { deadLetterTargetArn: arnOf("AlertDeadLetters") },
        },
      },
      AlertsPermission: {
        Type: "AWS::Lambda::Permission",
        Properties: {
          Action: "lambda:InvokeFunction",
          FunctionName: arnOf(receiver),
          Principal: "sns.amazonaws.com",
          SourceArn: ref(topic),
        },
      },
      AlertDeadLettersPolicy: allowTopic("AlertDeadLetters"),
    },
    Outputs: {
      AlertsTopicArn: {
        Description: "Where AMP's Alertmanagers send alerts: give it to `sonde render --only alertmanager`",
        Value: ref(topic),
      },
    },
  };
}

/** The topics that receive-alertmanager takes messages of, as its environment names them. */
export function alertTopics(targets: readonly Target[]): unknown {
  return workspaceArns(targets).length > 0 ? ref(topic) : "";
}

/** A workspace of another account stays as it is: AMP sends to topics of its own account only. */
function workspaceArns(targets: readonly Target[]): unknown[] {
  const arns = targets.flatMap((target) => {
    const workspace = targetWorkspace(target);
    if (!workspace) return [];
    const { region, id, account = `\${AWS::AccountId}` } = workspace;
    return [`arn:\${AWS::Partition}:aps:${region}:${account}:workspace/${id}`];
  });
  return [...new Set(arns)].sort().map(sub);
}

function allowTopic(queue: string): Resource {
  return {
    Type: "AWS::SQS::QueuePolicy",
    Properties: {
      Queues: [ref(queue)],
      PolicyDocument: policyDocument([
        {
          Sid: "FromTopic",
          Effect: "Allow",
          Principal: { Service: "sns.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: arnOf(queue),
          Condition: { ArnEquals: { "aws:SourceArn": ref(topic) } },
        },
      ]),
    },
  };
}
