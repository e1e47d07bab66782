import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";

import { type Bundle, bundleFunction, packagesIn } from "../../build/bundle.ts";
import { type LangfuseStage, startLangfuse } from "../../cli/stage/langfuse/server.ts";
import { compileConfig } from "../../shared/domain/compile.ts";
import type { CompiledConfig } from "../../shared/domain/probe.ts";
import { compiledConfigFile } from "../../shared/lambda/config.ts";
import { aPolicy, aProbe, aRoute } from "../support/builders.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";
import { functionNames } from "../support/packaged-service.ts";
import { type S3Server, startS3 } from "../support/s3-server.ts";
import { keys } from "../support/trace-probe.ts";

const root = resolve(import.meta.dirname, "../..");

/** What every client of the AWS SDK brings. */
const sdk = [
  "@aws-sdk/core",
  "@aws-sdk/credential-provider-env",
  "@aws/lambda-invoke-store",
  "@smithy/core",
  "@smithy/node-http-handler",
  "@smithy/signature-v4",
  "@smithy/types",
];
/** State, by conditional writes; the rest is what its client is made of. */
const s3 = [
  "@aws-sdk/client-s3",
  "@aws-sdk/checksums",
  "@aws-sdk/middleware-sdk-s3",
  "@aws-sdk/signature-v4-multi-region",
  "@aws-sdk/xml-builder",
];
const lambda = ["@aws-lambda-powertools/commons", "@aws-lambda-powertools/logger", "@middy/core", "zod"];

/** Every package that a function's code may carry. A new one is a decision: it costs cold start. */
const carries: Readonly<Record<string, readonly string[]>> = {
  "answer-slack": [
    ...sdk,
    ...s3,
    ...lambda,
    "@aws-sdk/client-lambda",
    // The signing secret.
    "@aws-sdk/client-secrets-manager",
  ],
  // Windows of maintenance are told by cron.
  "apply-answer": [...sdk, ...s3, ...lambda, "@aws-sdk/client-eventbridge"],
  "run-probes": [
    ...sdk,
    ...s3,
    ...lambda,
    "@aws-lambda-powertools/metrics",
    "@aws-sdk/client-eventbridge",
    // Passwords of targets.
    "@aws-sdk/client-secrets-manager",
    // A role of the target's account, and STS to assume it.
    "@aws-sdk/credential-providers",
    "@aws-sdk/nested-clients",
    "p-limit",
    "yocto-queue",
  ],
  "run-transactions": [
    ...sdk,
    ...s3,
    ...lambda,
    "@aws-lambda-powertools/metrics",
    "@aws-sdk/client-eventbridge",
    // Keys of what is tried.
    "@aws-sdk/client-secrets-manager",
    // Loaded when a trace is due.
    "@opentelemetry/api",
    "@opentelemetry/core",
    "@opentelemetry/otlp-transformer",
    "@opentelemetry/resources",
    "@opentelemetry/sdk-trace",
    "@opentelemetry/semantic-conventions",
    // Roles of other accounts' targets.
    "@aws-sdk/credential-providers",
    "@aws-sdk/nested-clients",
    // Loaded when a sample is written.
    "long",
    "protobufjs",
    "snappyjs",
    "p-limit",
    "yocto-queue",
  ],
  "notify-slack": [
    ...sdk,
    ...s3,
    ...lambda,
    "@aws-sdk/client-secrets-manager",
    "@slack/logger",
    "@slack/types",
    "@slack/web-api",
    "eventemitter3",
    "p-finally",
    "p-queue",
    "p-retry",
    "p-timeout",
    "retry",
  ],
  "receive-alertmanager": [...sdk, ...s3, ...lambda, "@aws-sdk/client-eventbridge"],
};

/** Bytes, minified. */
const largest: Readonly<Record<string, number>> = {
  "answer-slack": 600_000,
  "apply-answer": 600_000,
  "run-probes": 600_000,
  "run-transactions": 900_000,
  "notify-slack": 600_000,
  "receive-alertmanager": 600_000,
};

const bundles = new Map<string, Bundle>();
beforeAll(async () => {
  for (const name of functionNames())
    bundles.set(name, await bundleFunction(root, `functions/${name}/handler.handler`));
});

function bundleOf(name: string): Bundle {
  const bundle = bundles.get(name);
  if (!bundle) throw new Error(`there is no function ${name}`);
  return bundle;
}

describe.each(functionNames())("the bundle of %s", (name) => {
  it("carries the packages that its function uses, and no other", () => {
    expect(packagesIn(bundleOf(name).modules)).toEqual([...(carries[name] ?? [])].sort());
  });

  it("carries neither the config's sources nor what reads them", () => {
    expect(
      Object.keys(bundleOf(name).modules).filter((path) => /^(cli|shared\/packs|stacks)\//.test(path)),
    ).toEqual([]);
    expect(Object.keys(bundleOf(name).modules)).not.toContain("shared/domain/compile.ts");
  });

  it("keeps within its size", () => {
    expect(bundleOf(name).size).toBeLessThanOrEqual(largest[name] ?? 0);
  });

  it("loads, as Lambda loads it, and exports a handler", async () => {
    const folder = unpack(bundleOf(name));
    const loaded = await runNode(
      `console.log(typeof (await import("./functions/${name}/handler.mjs")).handler)`,
      folder,
      {},
    );
    rmSync(folder, { recursive: true });
    expect(loaded).toBe("function");
  });
});

const assumed = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

/** A round in the bundle itself: its AWS clients are those of Lambda, cut down to what Lambda has. */
describe("run-probes' bundle, against servers that speak AWS's protocols", () => {
  let s3Server: S3Server;
  let aws: Loopback;
  let folder: string;
  const seen: { readonly path: string; readonly key: string; readonly body: string }[] = [];

  beforeAll(async () => {
    s3Server = await startS3();
    aws = await serveHttp(async (request, response) => {
      const body = await textOf(request);
      const key = /Credential=(\w+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
      seen.push({ path: request.url ?? "", key, body });
      if (body.includes("AssumeRole")) response.setHeader("content-type", "text/xml").end(assumed);
      else if (request.headers["x-amz-target"])
        response.end('{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}');
      else if (request.url?.includes("query")) {
        response.end('{"status":"success","data":{"resultType":"matrix","result":[]}}');
      } else response.end("{}");
    });
    const url = `http://127.0.0.1:${aws.port}`;
    const sigv4 = { kind: "sigv4", region: "eu-west-1", service: "aps" } as const;
    const target = { amp: false, delay: 0 };
    const config: CompiledConfig = {
      version: 1,
      targets: [
        { ...target, name: "own", url: `${url}/own`, auth: sigv4 },
        {
          ...target,
          name: "other",
          url: `${url}/other`,
          auth: { ...sigv4, assumeRole: { roleArn: "arn:aws:iam::111122223333:role/sonde" } },
        },
      ],
      transactions: [],
      probes: [aProbe()],
      incidents: aPolicy({ routes: [aRoute("#ops")], blindAfter: 1 }),
      slack: null,
      heartbeat: `${url}/heartbeat`,
      network: null,
      writeResultsTo: "",
    };
    folder = unpack(bundleOf("run-probes"));
    writeFileSync(join(folder, compiledConfigFile), JSON.stringify(config));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await Promise.all([s3Server.stop(), aws.stop()]);
  });

  /** Calls the handler in a process of its own, and answers what it printed. */
  function handle(event: unknown): Promise<string> {
    const code = `
      const { handler } = await import("./functions/run-probes/handler.mjs");
      const context = { awsRequestId: "1", functionName: "f", getRemainingTimeInMillis: () => 30000 };
      await handler(${JSON.stringify(event)}, context);`;
    return runNode(code, folder, {
      LAMBDA_TASK_ROOT: folder,
      SONDE_BUCKET: "state",
      SONDE_BUS: "sonde-prod",
      POWERTOOLS_SERVICE_NAME: "run-probes",
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "ASIALAMBDA",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
      AWS_ENDPOINT_URL: `http://127.0.0.1:${aws.port}`,
      AWS_ENDPOINT_URL_S3: s3Server.url,
    });
  }
  const published = (type: string) => seen.filter(({ body }) => body.includes(type));

  it("sends each target off, asks, remembers, announces, counts, and calls the heartbeat when all have run", async () => {
    const at = new Date().toISOString();
    await handle({ at });
    const due = published("evaluation-due").flatMap(({ body }) => putEvents.parse(JSON.parse(body)).Entries);
    expect(due.map(({ EventBusName }) => EventBusName)).toEqual(["sonde-prod", "sonde-prod"]);
    expect(seen.filter(({ path }) => path === "/heartbeat")).toHaveLength(0);
    for (const { Detail } of due) {
      const output = await handle(JSON.parse(Detail));
      const metrics = output.split("\n").flatMap((line) => metricLine.safeParse(parseJson(line)).data ?? []);
      expect(metrics).toContainEqual({ service: "run-probes", ProbesConfigured: 1, ProbesEvaluated: 1 });
    }
    expect([...s3Server.objects.keys()].sort()).toEqual([
      "/state/incidents/other.json",
      "/state/incidents/own.json",
      "/state/targets/other.json",
      "/state/targets/own.json",
    ]);
    expect(keysUsed("/own/")).toEqual(["ASIALAMBDA"]);
    expect(keysUsed("/other/")).toEqual(["ASIAASSUMED"]);
    expect(published("group-changed")).toHaveLength(2);
    expect(published("group-changed")[0]?.body).toContain('"EventBusName":"sonde-prod"');
    await handle({ at });
    expect(seen.filter(({ path }) => path === "/heartbeat")).toHaveLength(1);
  });

  function keysUsed(path: string): string[] {
    return [...new Set(seen.filter((one) => one.path.startsWith(path)).map(({ key }) => key))];
  }
});

describe("run-transactions' bundle, against a Langfuse and servers that speak AWS's protocols", () => {
  let s3Server: S3Server;
  let aws: Loopback;
  let langfuse: LangfuseStage;
  let folder: string;

  beforeAll(async () => {
    s3Server = await startS3();
    aws = await serveHttp((_, response) => {
      response
        .setHeader("content-type", "application/x-amz-json-1.1")
        .end(JSON.stringify({ Name: "sonde/langfuse", SecretString: `${keys.publicKey}:${keys.secretKey}` }));
    });
    langfuse = await startLangfuse({ keys: [keys], now: () => Date.now(), lagMs: 300, deleteMs: 500 });
    folder = unpack(bundleOf("run-transactions"));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await Promise.all([s3Server.stop(), aws.stop(), langfuse.stop()]);
  });

  /** Calls the handler in a process of its own, and answers what of OpenTelemetry had been run before and after. */
  async function handle(url: string | null): Promise<unknown> {
    const sources = { packs: [], ruleFiles: [], certificates: {} };
    const { compiled } = compileConfig(url === null ? {} : { langfuse: { url } }, sources);
    writeFileSync(join(folder, compiledConfigFile), JSON.stringify(compiled));
    // OpenTelemetry makes its context keys as soon as it is run.
    const code = `
      const seen = new Set();
      const make = Symbol.for;
      Symbol.for = (name) => { if (/opentelemetry/i.test(name)) seen.add(name); return make(name); };
      const { handler } = await import("./functions/run-transactions/handler.mjs");
      const before = seen.size;
      const context = { awsRequestId: "1", functionName: "f", getRemainingTimeInMillis: () => 600000 };
      const { ran } = await handler({}, context);
      console.log(JSON.stringify({ ran, before: before > 0, after: seen.size > 0 }));`;
    const output = await runNode(code, folder, {
      LAMBDA_TASK_ROOT: folder,
      SONDE_BUCKET: "state",
      SONDE_BUS: "sonde-prod",
      POWERTOOLS_SERVICE_NAME: "run-transactions",
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "ASIALAMBDA",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
      AWS_ENDPOINT_URL: `http://127.0.0.1:${aws.port}`,
      AWS_ENDPOINT_URL_S3: s3Server.url,
    });
    return parseJson(output.split("\n").at(-1) ?? "");
  }

  it("runs OpenTelemetry only where a trace is due", async () => {
    expect(await handle(null)).toEqual({ ran: {}, before: false, after: false });
  });

  it("sends a trace, reads it back, deletes it and remembers", async () => {
    expect(await handle(langfuse.url)).toEqual({
      ran: { "langfuse/langfuse-trace": "ok" },
      before: false,
      after: true,
    });
    expect(langfuse.uploads()).toBe(1);
    expect(langfuse.kept()).toEqual([]);
    expect([...s3Server.objects.keys()].sort()).toEqual([
      "/state/incidents/langfuse.json",
      "/state/transactions/langfuse.json",
    ]);
    // It is not due again.
    expect(await handle(langfuse.url)).toEqual({ ran: {}, before: false, after: false });
  });
});

const putEvents = z.object({
  Entries: z.array(z.object({ EventBusName: z.string(), Detail: z.string() })),
});
const metricLine = z.object({
  service: z.string(),
  ProbesConfigured: z.number(),
  ProbesEvaluated: z.number(),
});

function unpack({ files }: Bundle): string {
  const folder = mkdtempSync(join(tmpdir(), "sonde-bundle-"));
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  }
  return folder;
}

/** Runs code as a module in a process of its own that can see nothing but the folder. */
function runNode(code: string, cwd: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { promise, resolve: done, reject } = Promise.withResolvers<string>();
  execFile(
    process.execPath,
    ["--input-type=module", "--eval", code],
    { cwd, env: { ...env, AWS_EC2_METADATA_DISABLED: "true" } },
    (error, stdout) => (error ? reject(error) : done(stdout.trim())),
  );
  return promise;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
