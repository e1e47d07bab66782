import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";

import { loadConfigFile } from "../../cli/config-file.ts";
import { evaluationDue } from "../../events/evaluation-due.ts";
import { groupChanged } from "../../events/group-changed.ts";
import { envSchema as answerSlackEnv } from "../../functions/answer-slack/deps.ts";
import { envSchema as applyAnswerEnv } from "../../functions/apply-answer/deps.ts";
import { envSchema as notifySlackEnv } from "../../functions/notify-slack/deps.ts";
import { envSchema as receiveAlertmanagerEnv } from "../../functions/receive-alertmanager/deps.ts";
import { envSchema as runProbesEnv } from "../../functions/run-probes/deps.ts";
import { envSchema as runTransactionsEnv } from "../../functions/run-transactions/deps.ts";
import { workspaceOf } from "../../shared/domain/deployable.ts";
import { allChannels } from "../../shared/domain/routes.ts";
import { compiledConfigFile } from "../../shared/lambda/config.ts";
import {
  functionNames,
  objectsIn,
  type Packaging,
  type Properties,
  packageService,
  referencesIn,
  resourcesOf,
  statementsOf,
  type Template,
} from "../support/packaged-service.ts";

const full = `
targets:
  - name: seoul
    prometheus: https://aps-workspaces.ap-northeast-2.amazonaws.com/workspaces/ws-12345678-90ab-cdef-1234-567890abcdef
    cluster: inference-prod
  - name: ohio
    prometheus: https://aps-workspaces.us-east-2.amazonaws.com/workspaces/ws-87654321-90ab-cdef-1234-567890abcdef
    assumeRole: { roleArn: "arn:aws:iam::111122223333:role/sonde-query" }
  - name: lab
    prometheus: https://prometheus.example.com
    auth: { bearer: { tokenSecret: lab/token } }
probes:
  - { id: gpu-temperature, query: DCGM_FI_DEV_GPU_TEMP, fail: "> 85" }
notify:
  - { match: { severity: critical }, slack: "#llm-oncall" }
  - { match: { team: tools }, slackWebhook: tools/webhook }
  - { slack: "#llm-ops" }
slack: { appId: A012AB3CD, teamId: T012AB3CD }
heartbeat: https://hc-ping.com/0
langfuse: { url: https://langfuse.example.com, keys: tools/langfuse }
`;

/** Functions that stand only where config has a slack section. */
const answering = ["answer-slack", "apply-answer"];

const configs = [
  ["no config at all", ""],
  ["three targets and three channels", full],
  ["the repository's config", readFileSync("sonde.yaml", "utf8")],
];

const envSchemas: Readonly<Record<string, z.ZodMiniType>> = {
  "answer-slack": answerSlackEnv,
  "apply-answer": applyAnswerEnv,
  "notify-slack": notifySlackEnv,
  "receive-alertmanager": receiveAlertmanagerEnv,
  "run-probes": runProbesEnv,
  "run-transactions": runTransactionsEnv,
};

/** Where a policy must say "*", and why nothing narrower can be said. */
const wildcards: Readonly<Record<string, string>> = {
  "xray:PutTraceSegments": "X-Ray has no resources",
  "xray:PutTelemetryRecords": "X-Ray has no resources",
  "SondeKey AdministerByIam": "in a key's policy, * is that key",
  "SondeKey UseByIam": "in a key's policy, * is that key",
  "SondeKey PublishAlarms": "in a key's policy, * is that key",
  "SondeKey PublishAlerts": "in a key's policy, * is that key",
};

/** Each takes seconds: what has been packaged stands for all tests. */
const packaged = new Map<string, Promise<Packaging>>();
function packageOnce(config: string): Promise<Packaging> {
  const packaging = packaged.get(config) ?? packageService(config);
  packaged.set(config, packaging);
  return packaging;
}
afterAll(async () => {
  for (const packaging of packaged.values()) (await packaging).remove();
});

describe.each(configs)("packaged with %s", (_, config = "") => {
  let packaging: Packaging;
  let template: Template;
  beforeAll(async () => {
    packaging = await packageOnce(config);
    expect(packaging.stderr).toContain("Service packaged");
    template = packaging.template();
  });

  const all = (type: string) => Object.entries(resourcesOf(template, type));
  const each = (type: string) => Object.values(resourcesOf(template, type));
  const get = (id: string): Properties => template.Resources[id]?.Properties ?? {};
  /** The logical id that a Ref or GetAtt names. */
  const target = (value: unknown): string => referencesIn(value)[0] ?? "";

  it("has every function that the config asks for, and nothing refers to what is not there", () => {
    const { slack, transactions } = loadConfigFile(join(packaging.folder, "sonde.yaml")).compiled;
    const wanted = functionNames().filter(
      (name) =>
        (slack !== null || !answering.includes(name)) &&
        (transactions.length > 0 || name !== "run-transactions"),
    );
    expect(
      each("AWS::Lambda::Function")
        .map(({ FunctionName }) => String(FunctionName))
        .sort(),
    ).toEqual(wanted.map((name) => `sonde-prod-${name}`));
    const missing = referencesIn([template.Resources, template.Outputs]).filter(
      (id) => !(id in template.Resources),
    );
    expect(missing).toEqual([]);
  });

  it("runs functions on arm64 and Node 24, traced, with 30 days of logs, and reserves no concurrency", () => {
    for (const properties of each("AWS::Lambda::Function")) {
      expect(properties).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        TracingConfig: { Mode: "Active" },
      });
      expect(properties).not.toHaveProperty("ReservedConcurrentExecutions");
      const group = each("AWS::Logs::LogGroup").find(
        ({ LogGroupName }) => LogGroupName === `/aws/lambda/${properties.FunctionName}`,
      );
      expect(group).toMatchObject({ RetentionInDays: 30 });
    }
  });

  it("gives every function an environment that its own schema takes, and nothing that it does not know", () => {
    const known = /^(NODE_OPTIONS|POWERTOOLS_.*)$/;
    for (const { FunctionName, Environment } of each("AWS::Lambda::Function")) {
      const name = String(FunctionName).replace("sonde-prod-", "");
      const variables = z
        .object({ Variables: z.record(z.string(), z.unknown()) })
        .parse(Environment).Variables;
      const resolved = Object.fromEntries(
        Object.entries(variables).map(([key, value]) => [
          key,
          typeof value === "string" ? value : `value-of-${target(value)}`.toLowerCase(),
        ]),
      );
      const parsed = envSchemas[name]?.safeParse(resolved);
      expect(parsed?.error, name).toBeUndefined();
      const used = Object.keys(Object(parsed?.data));
      expect(
        Object.keys(resolved)
          .filter((key) => !known.test(key))
          .sort(),
      ).toEqual(used.sort());
    }
  });

  it("allows no action by a pattern", () => {
    const allowed = statementsOf(template).filter(({ Effect }) => Effect === "Allow");
    expect(allowed.length).toBeGreaterThan(10);
    expect(allowed.flatMap(({ Action }) => Action).filter((action) => action.includes("*"))).toEqual([]);
    expect(JSON.stringify(template.Resources)).not.toMatch(/"Not(Action|Resource|Principal)"/);
  });

  it("allows all resources only where AWS has nothing narrower", () => {
    const unlisted = statementsOf(template)
      .filter(({ Effect, Resource = [] }) => Effect === "Allow" && Resource.includes("*"))
      .filter((found) => !(`${found.in} ${found.Sid}` in wildcards))
      .flatMap(({ Action }) => Action)
      .filter((action) => !(action in wildcards));
    expect(unlisted).toEqual([]);
  });

  it("ends a resource in a star only behind the bucket's prefixes", () => {
    const patterns = statementsOf(template)
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Resource = [] }) => Resource)
      .map((value) => JSON.stringify(value))
      .filter((text) => text.includes("*") && text !== '"*"');
    for (const text of patterns)
      expect(text).toMatch(
        /\$\{StateBucket\.Arn\}\/(targets|transactions|incidents|messages|answers|applied|drills)\/\*"/,
      );
  });

  it("has roles that only their own service may take, and each is used", () => {
    const roles = all("AWS::IAM::Role");
    const used = [
      ...each("AWS::Lambda::Function").map(({ Role }) => target(Role)),
      ...each("AWS::Scheduler::Schedule").map(({ Target }) => target(objectsIn(Target)[0]?.RoleArn)),
    ];
    expect(roles.map(([id]) => id).sort()).toEqual([...new Set(used)].sort());
    for (const [id, { AssumeRolePolicyDocument, ManagedPolicyArns }] of roles) {
      expect(ManagedPolicyArns).toBeUndefined();
      const trusts = objectsIn(AssumeRolePolicyDocument).filter(({ Principal }) => Principal);
      expect(trusts).toHaveLength(1);
      if (id.endsWith("ScheduleRole"))
        expect(trusts[0]).toMatchObject({
          Principal: { Service: "scheduler.amazonaws.com" },
          Condition: { StringEquals: { "aws:SourceArn": { "Fn::GetAtt": ["SondeSchedules", "Arn"] } } },
        });
      else expect(trusts[0]).toMatchObject({ Principal: { Service: "lambda.amazonaws.com" } });
    }
  });

  it("lets nobody but named services, for this account's own resources, use queues, topic and key", () => {
    const open = statementsOf(template)
      .filter((found) => found.Effect === "Allow" && "Principal" in found)
      .filter((found) => "Service" in Object(found.Principal) && !found.in.endsWith("Role"));
    expect(open.length).toBeGreaterThan(0);
    for (const found of open) expect(JSON.stringify(found.Condition)).toContain("aws:SourceArn");
  });

  it("keeps state in a bucket that is encrypted, versioned, private and reached by TLS only", () => {
    expect(get("StateBucket")).toMatchObject({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } },
        ],
      },
      VersioningConfiguration: { Status: "Enabled" },
      LifecycleConfiguration: {
        Rules: expect.arrayContaining([
          expect.objectContaining({ NoncurrentVersionExpiration: { NoncurrentDays: 1 } }),
          expect.objectContaining({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
        ]),
      },
    });
    expect(template.Resources.StateBucket).toMatchObject({ DeletionPolicy: "RetainExceptOnCreate" });
    for (const [id, bucket] of all("AWS::S3::Bucket")) {
      expect(bucket).toMatchObject({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      });
      const denied = statementsOf(template).filter(
        (found) => get(found.in).Bucket && found.Effect === "Deny",
      );
      expect(
        denied.some(
          (found) =>
            target(get(found.in).Bucket) === id &&
            /"aws:SecureTransport":"?false/.test(JSON.stringify(found.Condition)),
        ),
      ).toBe(true);
    }
  });

  it("starts a round every minute, repeats none, and keeps what could not be started", () => {
    expect(get("RunProbesSchedule")).toMatchObject({
      ScheduleExpression: "rate(1 minute)",
      Target: {
        Arn: { "Fn::GetAtt": ["RunDashprobesLambdaFunction", "Arn"] },
        Input: '{"at":"<aws.scheduler.scheduled-time>"}',
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: { "Fn::GetAtt": ["RunProbesMissedRounds", "Arn"] } },
      },
    });
    const asynchronous = each("AWS::Lambda::EventInvokeConfig").find(
      ({ FunctionName }) => target(FunctionName) === "RunDashprobesLambdaFunction",
    );
    expect(asynchronous).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
    // The last of a minute's rounds may run into the next minute, and not through it.
    expect(Number(get("RunDashprobesLambdaFunction").Timeout)).toBeLessThan(120);
  });

  it("has each evaluation that is due run by itself, once, and keeps what could not be started", () => {
    const [[id, rule] = ["", {}], ...others] = all("AWS::Events::Rule").filter(([, { EventPattern }]) =>
      objectsIn(EventPattern).some((pattern) =>
        [pattern["detail-type"]].flat().includes(evaluationDue.detailType),
      ),
    );
    expect(others).toEqual([]);
    const own = { "Fn::GetAtt": ["RunDashprobesLambdaFunction", "Arn"] };
    const missed = { "Fn::GetAtt": ["RunProbesMissedRounds", "Arn"] };
    expect(rule).toMatchObject({
      EventBusName: { Ref: "SondeBus" },
      EventPattern: { source: [evaluationDue.source], "detail-type": [evaluationDue.detailType] },
      Targets: [
        {
          Arn: own,
          InputPath: "$.detail",
          RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
          DeadLetterConfig: { Arn: missed },
        },
      ],
    });
    // The bus says which rule, and not whose account: a condition on that would let nothing through.
    expect(each("AWS::Lambda::Permission")).toContainEqual({
      Action: "lambda:InvokeFunction",
      FunctionName: own,
      Principal: "events.amazonaws.com",
      SourceArn: { "Fn::GetAtt": [id, "Arn"] },
    });
    expect(statementsOf(template)).toContainEqual(
      expect.objectContaining({
        Action: ["sqs:SendMessage"],
        Resource: [missed],
        Condition: { ArnEquals: { "aws:SourceArn": { "Fn::GetAtt": [id, "Arn"] } } },
      }),
    );
  });

  it("lets each function at its own objects of state, and no further", () => {
    const allowed = (role: string, wanted: string) =>
      statementsOf(template)
        .filter((found) => found.in === role && found.Effect === "Allow" && found.Action.includes(wanted))
        .flatMap(({ Resource = [] }) => Resource.map((resource) => objectsIn(resource)[0]?.["Fn::Sub"]))
        .map((text) => String(text).replace(`\${StateBucket.Arn}/`, ""))
        .sort();
    expect(allowed("RunProbesRole", "s3:PutObject")).toEqual(["incidents/*", "targets/*"]);
    expect(allowed("RunProbesRole", "s3:GetObject")).toEqual([
      "incidents/*",
      "messages/*",
      "silences.json",
      "targets/*",
    ]);
    expect(allowed("NotifySlackRole", "s3:PutObject")).toEqual(["messages/*"]);
    expect(allowed("NotifySlackRole", "s3:GetObject")).toEqual(["incidents/*", "messages/*"]);
    // A missing object reads as a forbidden one where its prefix may not be listed.
    for (const role of ["RunProbesRole", "NotifySlackRole"]) {
      const [listing] = statementsOf(template).filter(
        (found) => found.in === role && found.Action.includes("s3:ListBucket"),
      );
      const prefixes = objectsIn(listing?.Condition).flatMap((one) => one["s3:prefix"] ?? []);
      expect(prefixes.sort()).toEqual(allowed(role, "s3:GetObject"));
    }
  });

  it("has a dead-letter queue behind every rule and every working queue", () => {
    const deadLetters = (value: unknown) => target(objectsIn(value).find(({ Arn }) => Arn)?.Arn);
    for (const { Targets } of each("AWS::Events::Rule")) {
      for (const one of objectsIn(Targets).filter(({ Id }) => Id)) {
        expect(one.RetryPolicy).toBeDefined();
        expect(get(deadLetters(one.DeadLetterConfig))).not.toHaveProperty("FifoQueue");
        expect(template.Resources[deadLetters(one.DeadLetterConfig)]?.Type).toBe("AWS::SQS::Queue");
      }
    }
    const worked = each("AWS::Lambda::EventSourceMapping");
    expect(worked).not.toHaveLength(0);
    for (const { EventSourceArn, FunctionName, FunctionResponseTypes } of worked) {
      const queue = get(target(EventSourceArn));
      expect(FunctionResponseTypes).toEqual(["ReportBatchItemFailures"]);
      expect(get(target(objectsIn(queue.RedrivePolicy)[0]?.deadLetterTargetArn)).FifoQueue).toBe(
        queue.FifoQueue,
      );
      expect(Number(queue.VisibilityTimeout)).toBeGreaterThanOrEqual(
        6 * Number(get(target(FunctionName)).Timeout),
      );
    }
  });

  it("has a topic for AMP's alerts exactly where there is an AMP workspace, open to those workspaces alone", () => {
    const { compiled } = loadConfigFile(join(packaging.folder, "sonde.yaml"));
    const workspaces = compiled.targets.filter(({ amp }) => amp);
    expect("AlertsTopic" in template.Resources).toBe(workspaces.length > 0);
    expect(Object.keys(Object(template.Outputs))).toEqual(
      workspaces.length > 0
        ? expect.arrayContaining(["AlertsTopicArn"])
        : expect.not.arrayContaining(["AlertsTopicArn"]),
    );
    const sources = statementsOf(template)
      .filter((found) => found.in === "AlertsTopicPolicy")
      .flatMap(({ Condition }) => objectsIn(Condition).flatMap((one) => one["aws:SourceArn"] ?? []));
    expect(sources).toHaveLength(workspaces.length);
    for (const { url } of workspaces)
      expect(JSON.stringify(sources)).toContain(`workspace/${workspaceOf(url)}"`);
    expect(each("AWS::SNS::Subscription")).toHaveLength(workspaces.length > 0 ? 1 : 0);
  });

  it("hands every subscription's messages to a function that lets its topic in, and keeps what fails twice over", () => {
    for (const { TopicArn, Endpoint, RedrivePolicy } of each("AWS::SNS::Subscription")) {
      const topic = target(TopicArn);
      const deadLetters = target(objectsIn(RedrivePolicy)[0]?.deadLetterTargetArn);
      expect(template.Resources[deadLetters]?.Type).toBe("AWS::SQS::Queue");
      const permission = each("AWS::Lambda::Permission").find(({ SourceArn }) => target(SourceArn) === topic);
      expect(permission).toMatchObject({ Principal: "sns.amazonaws.com", Action: "lambda:InvokeFunction" });
      expect(target(permission?.FunctionName)).toBe(target(Endpoint));
      const asynchronous = each("AWS::Lambda::EventInvokeConfig").find(
        ({ FunctionName }) => target(FunctionName) === target(Endpoint),
      );
      expect(target(asynchronous?.DestinationConfig)).toBe(deadLetters);
      const queuePolicy = statementsOf(template).find(
        (found) => target(found.Resource) === deadLetters && "Principal" in found,
      );
      expect(JSON.stringify(queuePolicy?.Condition)).toContain(topic);
    }
    for (const [, topic] of all("AWS::SNS::Topic")) expect(topic.KmsMasterKeyId).toBeDefined();
  });

  it("encrypts every queue and has an alarm for it", () => {
    const watched = each("AWS::CloudWatch::Alarm")
      .filter(({ Namespace }) => Namespace === "AWS/SQS")
      .map(({ Dimensions }) => target(Dimensions));
    const queues = all("AWS::SQS::Queue");
    expect(queues.map(([id]) => id).sort()).toEqual(watched.sort());
    for (const [, queue] of queues) expect(queue.SqsManagedSseEnabled).toBe(true);
  });

  it("has alarms on errors and throttles of every function", () => {
    for (const [id] of all("AWS::Lambda::Function")) {
      const metrics = each("AWS::CloudWatch::Alarm")
        .filter(({ Namespace, Dimensions }) => Namespace === "AWS/Lambda" && target(Dimensions) === id)
        .map(({ MetricName }) => MetricName);
      expect(metrics.sort()).toEqual(["Errors", "Throttles"]);
    }
  });

  it("sends every alarm, with a text that says what it means, to the topic that admits it by its name", () => {
    for (const alarm of each("AWS::CloudWatch::Alarm")) {
      expect(alarm.AlarmActions).toEqual([{ Ref: "OpsTopic" }]);
      expect(alarm.OKActions).toEqual([{ Ref: "OpsTopic" }]);
      expect(alarm.AlarmName).toMatch(/^sonde-prod-/);
      expect(String(alarm.AlarmDescription).length).toBeGreaterThan(30);
    }
    for (const found of statementsOf(template).filter(({ Sid }) => Sid === "PublishAlarms"))
      expect(JSON.stringify(found.Condition)).toContain(":alarm:sonde-prod-*");
    expect(get("OpsTopic").KmsMasterKeyId).toBeDefined();
  });

  it("has a rule for each channel that config names, and a dead man's alarm if there is something to probe", () => {
    const { compiled } = loadConfigFile(join(packaging.folder, "sonde.yaml"));
    const channels = allChannels(compiled.incidents.routes);
    const rules = each("AWS::Events::Rule").filter(({ EventPattern }) =>
      objectsIn(EventPattern).some(({ channel }) => channel),
    );
    expect(rules.map(({ EventPattern }) => EventPattern)).toEqual(
      expect.arrayContaining(
        channels.map((channel) => ({
          source: [groupChanged.source],
          "detail-type": [groupChanged.detailType],
          detail: { channel: [channel] },
        })),
      ),
    );
    expect(rules).toHaveLength(channels.length);
    expect("DeadManAlarm" in template.Resources).toBe(
      compiled.targets.length > 0 && compiled.probes.length > 0,
    );
  });

  it("packs each function with its handler, the map and, where it is read, the compiled config", () => {
    const { compiled } = loadConfigFile(join(packaging.folder, "sonde.yaml"));
    for (const { FunctionName, Handler } of each("AWS::Lambda::Function")) {
      const name = String(FunctionName).replace("sonde-prod-", "");
      const files = packaging.unzip(name);
      const code = `${String(Handler).replace(/\.\w+$/, "")}.mjs`;
      const config = files[compiledConfigFile];
      expect(Object.keys(files).sort()).toEqual(
        [code, `${code}.map`, ...(config ? [compiledConfigFile] : [])].sort(),
      );
      if (config) expect(JSON.parse(Buffer.from(config).toString())).toEqual(compiled);
    }
    expect(packaging.unzip("run-probes")).toHaveProperty([compiledConfigFile]);
  });
});

describe("buttons in Slack", () => {
  let template: Template;
  beforeAll(async () => {
    template = (await packageOnce(full)).template();
  });
  const one = (type: string, id: string): Properties => resourcesOf(template, type)[id] ?? {};

  it("reach nothing where config has no slack section: no URL, no function, no role, no secret", async () => {
    const text = JSON.stringify((await packageOnce("")).template());
    expect(text).not.toContain("AWS::Lambda::Url");
    expect(text).not.toMatch(/answer(dash|-)?slack|apply(dash|-)?answer/i);
    expect(text).not.toContain("slack-signing");
  });

  it("reach one function by a URL, which takes both permissions since October 2025", () => {
    expect(Object.values(resourcesOf(template, "AWS::Lambda::Url"))).toEqual([
      expect.objectContaining({
        AuthType: "NONE",
        TargetFunctionArn: { "Fn::GetAtt": ["AnswerDashslackLambdaFunction", "Arn"] },
      }),
    ]);
    expect(JSON.stringify(template.Outputs)).toContain("FunctionUrl");
    const permissions = Object.values(resourcesOf(template, "AWS::Lambda::Permission")).filter(
      ({ Principal }) => Principal === "*",
    );
    expect(permissions).toHaveLength(2);
    expect(permissions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Action: "lambda:InvokeFunctionUrl", FunctionUrlAuthType: "NONE" }),
        expect.objectContaining({ Action: "lambda:InvokeFunction", InvokedViaFunctionUrl: true }),
      ]),
    );
    for (const permission of permissions)
      expect(JSON.stringify(permission.FunctionName)).toContain("AnswerDashslackLambdaFunction");
  });

  it("are kept by a role that creates answers, reads one secret and starts apply-answer, and no more", () => {
    const own = statementsOf(template).filter(({ in: id }) => id.startsWith("AnswerSlack"));
    const actions = own.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action }) => Action);
    expect(actions.filter((action) => !/^(logs|xray|sts):/.test(action)).sort()).toEqual([
      "kms:GenerateDataKey",
      "lambda:InvokeFunction",
      "s3:PutObject",
      "secretsmanager:GetSecretValue",
    ]);
    expect(own.find(({ Sid }) => Sid === "Answers")).toMatchObject({
      Resource: [{ "Fn::Sub": expect.stringMatching(/\.Arn\}\/answers\/\*$/) }],
      Condition: { Null: { "s3:if-none-match": "false" } },
    });
  });

  it("are applied by a function that nobody reaches from outside, that is tried again and swept after", () => {
    const id = "ApplyDashanswerLambdaFunction";
    const asynchronous = Object.values(resourcesOf(template, "AWS::Lambda::EventInvokeConfig")).find(
      ({ FunctionName }) => JSON.stringify(FunctionName).includes(id),
    );
    expect(asynchronous).toMatchObject({
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 3600,
      DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["ApplyAnswerDeadLetters", "Arn"] } } },
    });
    expect(one("AWS::Scheduler::Schedule", "ApplyAnswerSweep")).toMatchObject({
      ScheduleExpression: "rate(5 minutes)",
      Target: { Arn: { "Fn::GetAtt": [id, "Arn"] }, Input: '{"sweep":true}' },
    });
    // Shorter than the lease after which another invocation takes an answer over.
    expect(Number(one("AWS::Lambda::Function", id).Timeout)).toBeLessThan(45);
  });

  it("leave answers for a week, and records for good", () => {
    const { LifecycleConfiguration } = one("AWS::S3::Bucket", "StateBucket");
    const rules = objectsIn(LifecycleConfiguration).filter(({ ExpirationInDays }) => ExpirationInDays);
    expect(rules).toEqual(
      ["answers/", "drills/"].map((Prefix) => expect.objectContaining({ Prefix, ExpirationInDays: 7 })),
    );
  });
});

describe("packaging", () => {
  describe("on another stage, in another folder and time zone", () => {
    let elsewhere: Packaging;
    beforeAll(async () => {
      elsewhere = await packageService(full, {
        args: ["--stage", "dev", "--param", "alarmEmail=sre@example.com"],
        timeZone: "Asia/Seoul",
      });
    });
    afterAll(() => elsewhere.remove());

    it("the same source makes the same zips", async () => {
      const here = await packageOnce(full);
      for (const name of functionNames()) expect(here.zip(name).equals(elsewhere.zip(name))).toBe(true);
    });

    it("no name is shared, so that two deploys in one account stay apart", () => {
      const text = JSON.stringify(elsewhere.template().Resources);
      expect(text).not.toContain("sonde-prod");
      expect(text).toContain('"POWERTOOLS_SERVICE_NAME":"run-probes-dev"');
      expect(text).toContain('"Name":"service","Value":"run-probes-dev"');
    });

    it("whoever is named is mailed", () => {
      expect(elsewhere.template().Resources.OpsEmail?.Properties).toMatchObject({
        Endpoint: "sre@example.com",
      });
    });
  });

  it("refuses what cannot work deployed, in a line each", async () => {
    const packaging = await packageService(`
targets:
  - { name: a, prometheus: "http://prometheus.monitoring.svc:9090" }
  - { name: b, prometheus: "http://localhost:9090" }
`);
    packaging.remove();
    expect(packaging.exitCode).not.toBe(0);
    const [, faults = ""] = packaging.stdout.split("Error:\n");
    expect(faults.trim().split("\n")).toEqual([
      expect.stringMatching(/^sonde\.yaml: target "a": prometheus\.monitoring\.svc .+/),
      expect.stringMatching(/^sonde\.yaml: target "b": localhost .+/),
    ]);
  });

  it("refuses a config with faults, and says where they stand", async () => {
    const packaging = await packageService("targets:\n  - { nme: a }\n");
    packaging.remove();
    expect(packaging.exitCode).not.toBe(0);
    expect(packaging.stdout).toContain('sonde.yaml:2: targets[0].nme: unknown key; did you mean "name"?');
    expect(packaging.stdout).not.toContain("    at ");
  });
});
