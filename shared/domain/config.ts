import * as z from "zod/mini";

import { comparisonPattern } from "./comparison.ts";
import { durationPattern } from "./duration.ts";
import { type ConfigFault, schemaFaults } from "./faults.ts";
import { isTimeZone } from "./monday.ts";
import { networkFunctions } from "./network.ts";
import { traceBackendKinds } from "./transactions/backends/trace-backends.ts";
import { langfusePlans } from "./transactions/langfuse-budget.ts";

const nonEmpty = z.string().check(z.minLength(1));
const name = z
  .string()
  .check(z.regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, "use letters, digits, dots, dashes and underscores"));
const duration = z
  .string()
  .check(z.minLength(1), z.regex(durationPattern, "write a duration such as 30s, 5m or 1h30m"));
const comparison = z
  .string()
  .check(z.regex(comparisonPattern, 'write an operator and a number, such as "> 85"'));
const httpUrl = z
  .string()
  .check(z.regex(/^https?:\/\/[^\s/]+/, "write a URL that begins with http:// or https://"));
const labelMap = z.record(z.string(), z.string());

/** A threshold: `"> 85"`, or with a `for` of its own. */
const threshold = z.union([
  comparison,
  z.strictObject({ when: comparison, for: z.optional(duration), keepFiringFor: z.optional(duration) }),
]);

const targetSchema = z.strictObject({
  name,
  prometheus: httpUrl,
  region: z.optional(nonEmpty),
  service: z.optional(nonEmpty),
  cluster: z.optional(nonEmpty),
  delay: z.optional(duration),
  ca: z.optional(nonEmpty),
  auth: z.optional(
    z.union([
      z.strictObject({ basic: z.strictObject({ username: nonEmpty, passwordSecret: nonEmpty }) }),
      z.strictObject({ bearer: z.strictObject({ tokenSecret: nonEmpty }) }),
    ]),
  ),
  assumeRole: z.optional(z.strictObject({ roleArn: nonEmpty, externalId: z.optional(nonEmpty) })),
  maxSamplesPerQuery: z.optional(z.number().check(z.int(), z.positive())),
});

const burnWindow = z.strictObject({
  share: z.number().check(z.gt(0), z.lte(100)),
  long: duration,
  short: duration,
});

/** All optional: what a pack's SLO says need not be said again. */
export const sloSchema = z.strictObject({
  objective: z.optional(z.number().check(z.gt(0), z.lt(100))),
  errors: z.optional(nonEmpty),
  total: z.optional(nonEmpty),
  latency: z.optional(
    z.strictObject({
      histogram: z.optional(
        z.string().check(z.regex(/^\$?[a-zA-Z_:][\w:]*$/, "write the name of a histogram's metric")),
      ),
      under: z.optional(z.union([duration, z.number().check(z.positive())])),
      matchers: z.optional(nonEmpty),
      by: z.optional(z.array(z.string().check(z.regex(/^\$?[a-zA-Z_]\w*$/, "write the name of a label")))),
    }),
  ),
  minimumEvents: z.optional(z.number().check(z.nonnegative())),
  period: z.optional(duration),
  page: z.optional(z.array(burnWindow)),
  ticket: z.optional(z.array(burnWindow)),
});

const probeSchema = z.strictObject({
  id: name,
  enabled: z.optional(z.boolean()),
  query: z.optional(nonEmpty),
  slo: z.optional(sloSchema),
  unit: z.optional(z.string()),
  warn: z.optional(threshold),
  fail: z.optional(threshold),
  for: z.optional(duration),
  keepFiringFor: z.optional(duration),
  every: z.optional(duration),
  step: z.optional(duration),
  noData: z.optional(z.enum(["unknown", "ok", "fail"])),
  staleAfter: z.optional(duration),
  guard: z.optional(z.union([nonEmpty, z.array(nonEmpty).check(z.minLength(1))])),
  labels: z.optional(labelMap),
  summary: z.optional(z.string()),
  description: z.optional(z.string()),
  runbook: z.optional(httpUrl),
  dashboard: z.optional(httpUrl),
  playbook: z.optional(name),
  groupBy: z.optional(z.array(nonEmpty)),
});

const slackChannel = z
  .string()
  .check(z.regex(/^(#[^\s#@,]{1,80}|[CGD][A-Z0-9]{6,})$/, 'write a channel such as "#llm-ops" or its id'));

const text = z.string();
/** A label's value, or several that will do; `*` stands for any text. */
const match = z.record(z.string(), z.union([text, z.array(text).check(z.minLength(1))]));

/** Where messages go. All but `slack` name the secret that holds an address or a key. */
const channels = {
  slack: z.optional(slackChannel),
  slackWebhook: z.optional(nonEmpty),
  pagerduty: z.optional(nonEmpty),
  webhook: z.optional(nonEmpty),
};

const escalateSchema = z.strictObject({
  after: duration,
  ...channels,
  mention: z.optional(
    z
      .string()
      .check(
        z.regex(
          /^(<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<!here>|<!channel>)( (<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>))*$/,
          'write people as Slack does: "<@U012AB3CD>", "<!subteam^S012AB3CD>" or "<!here>"',
        ),
      ),
  ),
});

const notifySchema = z.strictObject({
  match: z.optional(match),
  ...channels,
  continue: z.optional(z.boolean()),
  repeatInterval: z.optional(duration),
  escalate: z.optional(escalateSchema),
});

const incidentsSchema = z.strictObject({
  groupBy: z.optional(z.array(nonEmpty)),
  groupWait: z.optional(duration),
  groupInterval: z.optional(duration),
  repeatInterval: z.optional(duration),
  flapping: z.optional(
    z.strictObject({
      changes: z.optional(z.number().check(z.int(), z.gte(3))),
      within: z.optional(duration),
      calmAfter: z.optional(duration),
    }),
  ),
  stormAbove: z.optional(z.number().check(z.int(), z.positive())),
  alertmanagerSilentAfter: z.optional(duration),
});

const muteSchema = z.strictObject({
  probes: z.optional(z.array(nonEmpty).check(z.minLength(1))),
  targets: z.optional(z.array(nonEmpty).check(z.minLength(1))),
  labels: z.optional(match),
  cron: nonEmpty,
  duration,
  timezone: z.optional(nonEmpty),
});

const inhibitSchema = z.strictObject({
  source: match,
  mutes: match,
  equal: z.optional(z.array(nonEmpty)),
});

/** Slack's own ids, which begin with a letter that says of what. */
const slackId = (letters: string, example: string) =>
  z.string().check(z.regex(new RegExp(`^[${letters}][A-Z0-9]{6,}$`), `write an id such as ${example}`));

const allowSchema = z.strictObject({
  users: z.optional(z.array(slackId("UW", "U012AB3CD")).check(z.minLength(1))),
  channels: z.optional(z.array(slackChannel).check(z.minLength(1))),
});

const slackSchema = z.strictObject({
  appId: slackId("A", "A012AB3CD"),
  teamId: slackId("T", "T012AB3CD"),
  enterpriseId: z.optional(slackId("E", "E012AB3CD")),
  timezone: z.optional(
    z.string().check(z.refine(isTimeZone, "write a time zone such as Europe/Berlin or UTC")),
  ),
  actions: z.optional(
    z.strictObject({ acknowledge: z.optional(allowSchema), silence: z.optional(allowSchema) }),
  ),
});

const packSchema = z.union([
  name,
  z.strictObject({
    name,
    components: z.optional(z.array(name)),
    without: z.optional(z.array(name)),
  }),
]);

/** The trace probe: a trace to this Langfuse and back. `keys` names the secret that holds `pk-lf-…:sk-lf-…`. */
const langfuseSchema = z.strictObject({
  url: httpUrl,
  publicUrl: z.optional(httpUrl),
  enabled: z.optional(z.boolean()),
  keys: z.optional(nonEmpty),
  project: z.optional(nonEmpty),
  plan: z.optional(z.enum(langfusePlans)),
  every: z.optional(duration),
  for: z.optional(duration),
  patience: z.optional(duration),
  environment: z.optional(
    z
      .string()
      .check(
        z.regex(
          /^(?!langfuse)[a-z0-9_-]{1,40}$/,
          "use up to 40 lower-case letters, digits, dashes and underscores, not beginning with langfuse",
        ),
      ),
  ),
  model: z.optional(z.string()),
  tenant: z.optional(nonEmpty),
  encoding: z.optional(z.enum(["protobuf", "json"])),
  ca: z.optional(nonEmpty),
  labels: z.optional(labelMap),
  runbook: z.optional(httpUrl),
  dashboard: z.optional(httpUrl),
});

/** The same for every transaction: when it runs, when it fires, and what its incidents carry. */
const transactionFields = {
  every: z.optional(duration),
  for: z.optional(duration),
  labels: z.optional(labelMap),
  runbook: z.optional(httpUrl),
  dashboard: z.optional(httpUrl),
};
const bounds = z.strictObject({ warn: z.optional(duration), fail: z.optional(duration) });

/** The completion probe: a streamed chat completion. `url` ends in …/v1; `apiKey` names the secret with the key. */
const completionSchema = z.strictObject({
  name,
  url: httpUrl,
  model: nonEmpty,
  apiKey: z.optional(nonEmpty),
  target: z.optional(nonEmpty),
  tenant: z.optional(nonEmpty),
  tenantHeader: z.optional(z.string().check(z.regex(/^[\w-]+$/, "write the name of a header"))),
  maxTokensADay: z.optional(z.number().check(z.int(), z.positive())),
  headers: z.optional(labelMap),
  servedModel: z.optional(nonEmpty),
  limitBy: z.optional(z.enum(["max_tokens", "max_completion_tokens"])),
  /** US dollars for a million tokens. */
  price: z.optional(
    z.strictObject({ input: z.number().check(z.nonnegative()), output: z.number().check(z.nonnegative()) }),
  ),
  timeout: z.optional(duration),
  ttft: z.optional(bounds),
  traceWithin: z.optional(duration),
  ca: z.optional(nonEmpty),
  ...transactionFields,
});

/** The write-path probe: a sample to each target and back. */
const writePathSchema = z.strictObject({
  targets: z.optional(z.array(nonEmpty).check(z.minLength(1))),
  lag: z.optional(bounds),
  patience: z.optional(duration),
  ...transactionFields,
});

/** The drill: an alert through each target's ruler and Alertmanager, back to Sonde. */
const alertPathSchema = z.strictObject({
  targets: z.optional(z.array(nonEmpty).check(z.minLength(1))),
  latency: z.optional(bounds),
  patience: z.optional(duration),
  ...transactionFields,
});

const environment = z
  .string()
  .check(z.regex(/^[a-z0-9_-]{1,40}$/, "use up to 40 lower-case letters, digits, dashes and underscores"));

/** The same for every backend. `headers` name the secrets that hold their values. */
const backendFields = {
  name: z.optional(name),
  query: z.optional(httpUrl),
  headers: z.optional(labelMap),
  queryHeaders: z.optional(labelMap),
  orgId: z.optional(z.string().check(z.regex(/^[\w.!*'()-]+$/, "write one tenant, as Grafana names it"))),
  environment: z.optional(environment),
  tenant: z.optional(nonEmpty),
  patience: z.optional(duration),
  ca: z.optional(nonEmpty),
  ...transactionFields,
};

/** A trace to another backend than Langfuse, and back where that tells. `endpoint` is OTLP's, without /v1/traces. */
const traceBackendSchema = z.strictObject({
  kind: z.enum(traceBackendKinds),
  endpoint: httpUrl,
  project: z.optional(nonEmpty),
  encoding: z.optional(z.enum(["protobuf", "json"])),
  ...backendFields,
});

/** A structured line to Loki and back: by its push API, or on stdout for an agent such as Fluent Bit. */
const logBackendSchema = z.strictObject({
  kind: z.literal("loki"),
  url: httpUrl,
  via: z.optional(z.enum(["push", "stdout"])),
  selector: z.optional(
    z.string().check(z.regex(/^\{.+\}$/, 'write a stream selector such as {namespace="sonde"}')),
  ),
  ...backendFields,
});

/** AWS's ids: of old eight hexadecimal digits, since 2018 seventeen. */
const awsId = (prefix: string) =>
  z
    .string()
    .check(
      z.regex(
        new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`),
        `write an id such as ${prefix}-0123456789abcdef0`,
      ),
    );

/** Where functions stand that must reach private addresses. Lambda takes 16 subnets and 5 groups at the most. */
const networkSchema = z.strictObject({
  subnets: z.array(awsId("subnet")).check(z.minLength(1), z.maxLength(16)),
  securityGroups: z.array(awsId("sg")).check(z.minLength(1), z.maxLength(5)),
  functions: z.optional(z.array(z.enum(networkFunctions)).check(z.minLength(1))),
});

/** `sonde.yaml` as people write it. Durations, thresholds and templates are still text. */
export const configSchema = z.strictObject({
  $schema: z.optional(z.string()),
  targets: z.optional(z.array(targetSchema)),
  packs: z.optional(z.array(packSchema)),
  rules: z.optional(z.array(nonEmpty)),
  probes: z.optional(z.array(probeSchema)),
  notify: z.optional(z.array(notifySchema)),
  incidents: z.optional(incidentsSchema),
  mute: z.optional(z.array(muteSchema)),
  inhibit: z.optional(z.array(inhibitSchema)),
  slack: z.optional(slackSchema),
  blindAfter: z.optional(z.number().check(z.int(), z.positive())),
  heartbeat: z.optional(httpUrl),
  network: z.optional(networkSchema),
  langfuse: z.optional(langfuseSchema),
  traces: z.optional(z.array(traceBackendSchema)),
  logs: z.optional(z.array(logBackendSchema)),
  completion: z.optional(z.array(completionSchema)),
  writePath: z.optional(writePathSchema),
  alertPath: z.optional(alertPathSchema),
  transactions: z.optional(z.strictObject({ writeTo: z.optional(nonEmpty) })),
  cost: z.optional(
    z.looseObject({
      currency: z.optional(nonEmpty),
      timezone: z.optional(nonEmpty),
      budgets: z.optional(z.array(z.looseObject({ tenant: nonEmpty, daily: z.optional(z.number()) }))),
      prices: z.optional(z.array(z.unknown())),
    }),
  ),
  remediation: z.optional(
    z.looseObject({
      mode: z.optional(z.enum(["off", "dry-run", "approve", "auto"])),
      approvers: z.optional(z.array(nonEmpty)),
      maxNodes: z.optional(z.number()),
      maxPercent: z.optional(z.number()),
    }),
  ),
});

export type SondeConfig = z.infer<typeof configSchema>;
export type SloConfig = z.infer<typeof sloSchema>;
export type ProbeConfig = z.infer<typeof probeSchema>;
export type LangfuseConfig = z.infer<typeof langfuseSchema>;
export type TraceBackendConfig = z.infer<typeof traceBackendSchema>;
export type LogBackendConfig = z.infer<typeof logBackendSchema>;
export type CompletionConfig = z.infer<typeof completionSchema>;
export type WritePathConfig = z.infer<typeof writePathSchema>;
export type AlertPathConfig = z.infer<typeof alertPathSchema>;
export type NetworkConfig = z.infer<typeof networkSchema>;
export type TargetConfig = z.infer<typeof targetSchema>;
export type NotifyConfig = z.infer<typeof notifySchema>;
export type EscalateConfig = z.infer<typeof escalateSchema>;
export type MatchConfig = z.infer<typeof match>;
export type SlackConfig = z.infer<typeof slackSchema>;
export type ThresholdConfig = z.infer<typeof threshold>;

/** Checks a parsed `sonde.yaml`; unknown keys are faults that name the nearest known key. */
export function parseConfig(data: unknown): { config: SondeConfig } | { faults: ConfigFault[] } {
  const parsed = configSchema.safeParse(data ?? {});
  if (parsed.success) return { config: parsed.data };
  return { faults: schemaFaults(configSchema, parsed.error, data) };
}
