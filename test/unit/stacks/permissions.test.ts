import { describe, expect, it } from "vitest";
import { compileConfig } from "../../../shared/domain/compile.ts";
import type { SondeConfig } from "../../../shared/domain/config.ts";
import { parseConfig } from "../../../shared/domain/config.ts";
import { workspaceOf } from "../../../shared/domain/deployable.ts";
import type { Route, Target, TargetAuth } from "../../../shared/domain/probe.ts";
import { buildPermissions } from "../../../stacks/permissions.ts";
import { aPolicy, aRoute } from "../../support/builders.ts";

const seoul =
  "https://aps-workspaces.ap-northeast-2.amazonaws.com/workspaces/ws-12345678-90ab-cdef-1234-567890abcdef";
const sigv4 = { kind: "sigv4", region: "ap-northeast-2", service: "aps" } as const;

const secrets = { token: "sonde/slack", signing: "sonde/slack-signing" };

function aTarget(auth: TargetAuth, url = seoul): Target {
  return { name: "seoul", url, auth, amp: true, delay: 30_000 };
}

function permissions(targets: readonly Target[], routes: readonly Route[] = []) {
  return buildPermissions(
    {
      targets,
      transactions: [],
      writeResultsTo: "",
      incidents: aPolicy({ routes }),
      slack: null,
      network: null,
    },
    secrets,
  ).Resources;
}

function statements(targets: readonly Target[]) {
  return permissions(targets).RunProbesTargetsPolicy?.Properties.PolicyDocument;
}

describe("what sonde.yaml lets run-probes do", () => {
  it("is nothing while there are no targets", () => {
    expect(permissions([])).not.toHaveProperty("RunProbesTargetsPolicy");
  });

  it("is nothing for a target without authentication", () => {
    expect(statements([aTarget({ kind: "none" }, "https://prometheus.example.com")])).toBeUndefined();
  });

  it("is to query the workspaces that targets name, each once", () => {
    expect(statements([aTarget(sigv4), aTarget(sigv4)])).toMatchObject({
      Statement: [
        {
          Action: ["aps:QueryMetrics"],
          Resource: [
            {
              "Fn::Sub": `arn:\${AWS::Partition}:aps:ap-northeast-2:\${AWS::AccountId}:workspace/ws-12345678-90ab-cdef-1234-567890abcdef`,
            },
          ],
        },
      ],
    });
  });

  it("is to assume the role that a target names, and not to query in its stead", () => {
    const roleArn = "arn:aws:iam::111122223333:role/sonde-query";
    expect(statements([aTarget({ ...sigv4, assumeRole: { roleArn } })])).toEqual({
      Version: "2012-10-17",
      Statement: [
        { Sid: "AssumeTargetRoles", Effect: "Allow", Action: ["sts:AssumeRole"], Resource: [roleArn] },
      ],
    });
  });

  it("is to read the secrets that targets name, with the six characters of Secrets Manager's own", () => {
    const basic = aTarget({ kind: "basic", username: "u", passwordSecret: "prometheus/password" });
    const bearer = aTarget({
      kind: "bearer",
      tokenSecret: "arn:aws:secretsmanager:eu-west-1:1:secret:t-AbCdEf",
    });
    expect(statements([basic, bearer])).toMatchObject({
      Statement: [
        {
          Action: ["secretsmanager:GetSecretValue"],
          Resource: [
            "arn:aws:secretsmanager:eu-west-1:1:secret:t-AbCdEf",
            { "Fn::Sub": expect.stringMatching(/:secret:prometheus\/password-\?{6}$/) },
          ],
        },
      ],
    });
  });

  it("is nothing in Managed Prometheus when requests are signed for another service", () => {
    expect(statements([aTarget({ ...sigv4, service: "monitoring" })])).toBeUndefined();
  });
});

it("lets notify-slack read the bot token and the secrets of routes and escalations, and nothing else", () => {
  const escalation = { after: 900_000, channels: ["pagerduty:sonde/pager"], mention: "" };
  const routes = [
    aRoute("#ops", { escalation }),
    aRoute("slack-webhook:sonde/hook"),
    aRoute("webhook:sonde/own"),
  ];
  expect(permissions([], routes).NotifySlackSecretsPolicy?.Properties.PolicyDocument).toMatchObject({
    Statement: [
      {
        Action: ["secretsmanager:GetSecretValue"],
        Resource: [
          { "Fn::Sub": expect.stringContaining(":secret:sonde/hook-??????") },
          { "Fn::Sub": expect.stringContaining(":secret:sonde/own-??????") },
          { "Fn::Sub": expect.stringContaining(":secret:sonde/pager-??????") },
          { "Fn::Sub": expect.stringContaining(":secret:sonde/slack-??????") },
        ],
      },
    ],
  });
});

it("lets answer-slack read the signing secret, and nobody where config has no slack", () => {
  const anybody = { users: null, channels: ["#ops"] };
  const slack = {
    appId: "A012AB3CD",
    teamId: "T012AB3CD",
    enterpriseId: null,
    timezone: "UTC",
    actions: { acknowledge: anybody, silence: anybody },
  };
  const { AnswerSlackSecretPolicy } = buildPermissions(
    { targets: [], transactions: [], writeResultsTo: "", incidents: aPolicy(), slack, network: null },
    secrets,
  ).Resources;
  expect(AnswerSlackSecretPolicy?.Properties.PolicyDocument).toMatchObject({
    Statement: [{ Resource: [{ "Fn::Sub": expect.stringMatching(/:secret:sonde\/slack-signing-\?{6}$/) }] }],
  });
  expect(permissions([])).not.toHaveProperty("AnswerSlackSecretPolicy");
});

describe("run-transactions", () => {
  const workspace =
    "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-12345678-90ab-cdef-1234-567890abcdef";
  const may = (config: SondeConfig) => {
    const { compiled } = compileConfig(
      { targets: [{ name: "dublin", prometheus: workspace }], ...config },
      { packs: [], ruleFiles: [], certificates: {} },
    );
    const { RunTransactionsSecretsPolicy: policy } = buildPermissions(compiled, secrets).Resources;
    const { Statement = [] } = Object(policy?.Properties.PolicyDocument);
    return [Statement].flat().flatMap(({ Action }) => Action);
  };
  const completion = [
    { name: "chat", url: "https://gateway.example.com/v1", model: "m", apiKey: "sonde/gateway" },
  ];

  it.each([
    [
      "asks the engine's latency and reads the key",
      { completion },
      ["aps:QueryMetrics", "secretsmanager:GetSecretValue"],
    ],
    [
      "writes and reads where the write path is probed",
      { writePath: {} },
      ["aps:QueryMetrics", "aps:RemoteWrite"],
    ],
    [
      "lists rules where alerts are drilled",
      { alertPath: {} },
      ["aps:QueryMetrics", "aps:RemoteWrite", "aps:ListRules"],
    ],
    ["may do nothing at targets that it does not ask", {}, []],
  ])("%s", (_, config, actions) => {
    expect(may(config)).toEqual(actions);
  });
});

it("never makes a pattern of a secret's name", () => {
  const config = {
    targets: [],
    transactions: [],
    writeResultsTo: "",
    incidents: aPolicy(),
    slack: null,
    network: null,
  };
  expect(() => buildPermissions(config, { ...secrets, token: "sonde/*" })).toThrow('"sonde/*"');
});

it.each([
  [seoul, "ws-12345678-90ab-cdef-1234-567890abcdef"],
  [`${seoul}/api/v1`, "ws-12345678-90ab-cdef-1234-567890abcdef"],
  ["https://aps-workspaces.eu-west-1.amazonaws.com/", null],
  ["https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/*", null],
  ["not a url", null],
])("finds the workspace of %s: %s", (url, workspace) => {
  expect(workspaceOf(url)).toBe(workspace);
});

describe("what sonde.yaml lets run-transactions write", () => {
  const written = (data: object) => {
    const parsed = parseConfig({ targets: [{ name: "seoul", prometheus: seoul }], ...data });
    if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
    const { compiled, faults } = compileConfig(parsed.config, { packs: [], ruleFiles: [], certificates: {} });
    expect(faults).toEqual([]);
    const { RunTransactionsSecretsPolicy } = buildPermissions(compiled, secrets).Resources;
    const document = Object(RunTransactionsSecretsPolicy?.Properties.PolicyDocument);
    const found: readonly { readonly Action: readonly string[]; readonly Resource: readonly unknown[] }[] =
      document.Statement ?? [];
    return found.filter(({ Action }) => !Action.includes("secretsmanager:GetSecretValue"));
  };
  const langfuse = { url: "https://langfuse.example.com" };
  const workspace = {
    "Fn::Sub": expect.stringMatching(/:workspace\/ws-12345678-90ab-cdef-1234-567890abcdef$/),
  };

  it("is nothing where config does not say where to", () => {
    expect(written({ langfuse })).toEqual([]);
  });

  it("is the workspace that results go to, which it may not query for that", () => {
    expect(written({ langfuse, transactions: { writeTo: "seoul" } })).toEqual([
      expect.objectContaining({ Action: ["aps:RemoteWrite"], Resource: [workspace] }),
    ]);
  });

  it("is by the role that the target names, where it is another account's", () => {
    const roleArn = "arn:aws:iam::111122223333:role/sonde-write";
    const targets = [{ name: "seoul", prometheus: seoul, assumeRole: { roleArn } }];
    expect(written({ targets, langfuse, transactions: { writeTo: "seoul" } })).toEqual([
      expect.objectContaining({ Action: ["sts:AssumeRole"], Resource: [roleArn] }),
    ]);
  });

  it("is nothing where there are no transactions", () => {
    expect(written({ transactions: { writeTo: "seoul" } })).toEqual([]);
  });
});

it("names a target that there is for the results", () => {
  const { faults } = compileConfig(
    { targets: [{ name: "seoul", prometheus: seoul }], transactions: { writeTo: "soul" } },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  expect(faults).toEqual([
    { path: ["transactions", "writeTo"], message: 'no target is called "soul": did you mean "seoul"?' },
  ]);
});
