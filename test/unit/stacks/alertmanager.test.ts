import { describe, expect, it } from "vitest";

import type { Target, TargetAuth } from "../../../shared/domain/probe.ts";
import { alertTopics, buildAlertmanager } from "../../../stacks/alertmanager.ts";

const sigv4 = { kind: "sigv4", region: "ap-northeast-2", service: "aps" } as const;
const workspace = "ws-12345678-90ab-cdef-1234-567890abcdef";

function aTarget(auth: TargetAuth = sigv4, amp = true): Target {
  const url = `https://aps-workspaces.ap-northeast-2.amazonaws.com/workspaces/${workspace}`;
  return { name: "seoul", url, auth, amp, delay: 30_000 };
}

function policy(targets: readonly Target[]) {
  return buildAlertmanager(targets, "sonde-prod").Resources.AlertsTopicPolicy?.Properties.PolicyDocument;
}

describe("the topic of alerts", () => {
  it.each([
    ["no targets", []],
    ["a Prometheus that is not AMP's", [aTarget({ kind: "none" }, false)]],
  ])("is not there with %s, and then no message is taken", (_, targets) => {
    expect(buildAlertmanager(targets, "sonde-prod")).toEqual({ Resources: {} });
    expect(alertTopics(targets)).toBe("");
  });

  it("lets the Alertmanagers of config's workspaces send, each named once, and takes their messages", () => {
    expect(policy([aTarget(), aTarget()])).toMatchObject({
      Statement: [
        {
          Principal: { Service: "aps.amazonaws.com" },
          Action: ["sns:Publish", "sns:GetTopicAttributes"],
          Resource: { Ref: "AlertsTopic" },
          Condition: {
            ArnEquals: {
              "aws:SourceArn": [
                {
                  "Fn::Sub": `arn:\${AWS::Partition}:aps:ap-northeast-2:\${AWS::AccountId}:workspace/${workspace}`,
                },
              ],
            },
            StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } },
          },
        },
        { Sid: "TlsOnly", Effect: "Deny" },
      ],
    });
    expect(alertTopics([aTarget()])).toEqual({ Ref: "AlertsTopic" });
  });

  it("knows the account of a workspace that is queried by a role", () => {
    const roleArn = "arn:aws:iam::111122223333:role/sonde-query";
    expect(JSON.stringify(policy([aTarget({ ...sigv4, assumeRole: { roleArn } })]))).toContain(
      `:aps:ap-northeast-2:111122223333:workspace/${workspace}"`,
    );
  });

  it("is a standard one under a name that people can foresee, and its ARN is told", () => {
    const { Resources, Outputs } = buildAlertmanager([aTarget()], "sonde-prod");
    expect(Resources.AlertsTopic?.Properties).toMatchObject({ TopicName: "sonde-prod-alerts" });
    expect(Resources.AlertsTopic?.Properties).not.toHaveProperty("FifoTopic");
    expect(Outputs?.AlertsTopicArn?.Value).toEqual({ Ref: "AlertsTopic" });
  });
});
