import type { LogBackendConfig, TraceBackendConfig } from "./config.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { ConfigFault } from "./faults.ts";
import type { Target } from "./probe.ts";
import type { BackendSettings } from "./transactions/backends/backend.ts";
import { traceBackends } from "./transactions/backends/trace-backends.ts";
import type { CompiledTransaction } from "./transactions/compiled.ts";
import { transactionProbe } from "./transactions/transaction-probe.ts";

const minute = 60_000;
const defaults = {
  every: 5 * minute,
  patience: 2 * minute,
  environment: "sonde-probe",
  tenant: "sonde",
  /** LangSmith makes a project of the name when the first trace comes. */
  project: "sonde-probe",
} as const;

/** LangSmith counts traces a month, and 5,000 are free: this makes 2,976 of 31 days. */
const langsmithEvery = 15 * minute;
/** What comes on top of patience: the POST, what earlier runs left, the deletion. */
const around = 90_000;

/** The targets that their incidents belong to. */
const traceTarget = "traces";
const logTarget = "logs";

type At = (key: string, message: string) => ConfigFault;
type BackendConfig = TraceBackendConfig | LogBackendConfig;

/** The trace probes of config beside Langfuse's, checked; those at fault are left out. */
export function compileTraceBackends(
  list: readonly TraceBackendConfig[],
  targets: readonly Target[],
  certificates: Readonly<Record<string, string>>,
  faults: ConfigFault[],
  notes: ConfigFault[],
): CompiledTransaction[] {
  return list.flatMap((config, index) => {
    const at: At = (key, message) => ({ path: ["traces", index, key], message });
    const names = list.map((one) => one.name ?? one.kind);
    const own = [
      ...checkShared(config, config.endpoint, "endpoint", index, names, certificates, at),
      ...checkTarget(traceTarget, targets, at),
      ...checkReading(config, at),
    ];
    faults.push(...own);
    if (own.length > 0) return [];
    const usual = config.kind === "langsmith" ? langsmithEvery : defaults.every;
    const every = config.every ? parseDuration(config.every) : usual;
    if (config.kind === "langsmith" && every < langsmithEvery)
      notes.push(
        at("every", `is ${formatDuration(every)}: more traces a month than LangSmith's free plan has`),
      );
    const settings = {
      ...settingsOf(config, config.endpoint, certificates),
      query: queryOf(config),
      project: config.kind === "langsmith" ? (config.project ?? defaults.project) : "",
      encoding: config.encoding ?? "protobuf",
    };
    const id = `trace-${settings.name}`;
    const request = `POST ${traceBackends[config.kind].postUrl(settings)}`;
    return [
      {
        id,
        kind: "trace",
        provider: config.kind,
        target: traceTarget,
        probe: transactionProbe(id, "trace", request, every, config),
        timeout: settings.patience + around,
        settings,
      },
    ];
  });
}

/** The log probes of config, checked; those at fault are left out. */
export function compileLogBackends(
  list: readonly LogBackendConfig[],
  targets: readonly Target[],
  certificates: Readonly<Record<string, string>>,
  faults: ConfigFault[],
): CompiledTransaction[] {
  return list.flatMap((config, index) => {
    const at: At = (key, message) => ({ path: ["logs", index, key], message });
    const names = list.map((one) => one.name ?? one.kind);
    const { via = "push", selector = "" } = config;
    const own = [
      ...checkShared(config, config.url, "url", index, names, certificates, at),
      ...checkTarget(logTarget, targets, at),
      ...(via === "stdout" && selector === ""
        ? [
            at(
              "selector",
              'is needed with via: stdout: the labels that the agent gives, such as {namespace="sonde"}',
            ),
          ]
        : []),
      ...(via === "push" && selector !== ""
        ? [at("selector", "is for via: stdout: a pushed line has labels of its own")]
        : []),
    ];
    faults.push(...own);
    if (own.length > 0) return [];
    const every = config.every ? parseDuration(config.every) : defaults.every;
    const settings = { ...settingsOf(config, config.url, certificates), via, selector };
    const id = `log-${settings.name}`;
    const request =
      via === "push"
        ? `POST ${settings.endpoint}/loki/api/v1/push`
        : `stdout, read by ${settings.query}/loki/api/v1/query_range`;
    return [
      {
        id,
        kind: "log",
        provider: config.kind,
        target: logTarget,
        probe: transactionProbe(id, "log", request, every, config),
        timeout: settings.patience + around,
        settings,
      },
    ];
  });
}

function settingsOf(
  config: BackendConfig,
  endpoint: string,
  certificates: Readonly<Record<string, string>>,
): BackendSettings {
  const ca = config.ca === undefined ? undefined : certificates[config.ca];
  const headers = config.headers ?? {};
  return {
    name: config.name ?? config.kind,
    endpoint: trimmed(endpoint),
    query: trimmed(config.query ?? endpoint),
    headers,
    queryHeaders: config.queryHeaders ?? headers,
    orgId: config.orgId ?? "",
    environment: config.environment ?? defaults.environment,
    tenant: config.tenant ?? defaults.tenant,
    patience: config.patience ? parseDuration(config.patience) : defaults.patience,
    ...(ca === undefined ? {} : { ca }),
  };
}

/** LangSmith is read where it is sent to: a self-hosted one has OTLP under /api/v1, and Sonde adds that itself. */
function queryOf({ kind, query, endpoint }: TraceBackendConfig): string {
  if (kind === "otlp") return "";
  return kind === "langsmith" && query === undefined
    ? trimmed(endpoint).replace(/\/api\/v1$/, "")
    : trimmed(query ?? "");
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

function checkReading({ kind, query, queryHeaders, headers, project, orgId }: TraceBackendConfig, at: At) {
  const tells = traceBackends[kind].reading !== null;
  const keyed = Object.keys(headers ?? {}).some((header) => header.toLowerCase() === "x-api-key");
  return [
    ...(tells && kind !== "langsmith" && query === undefined
      ? [
          at(
            "query",
            `is needed: the address of ${traceBackends[kind].words.title}'s query API, which is not OTLP's`,
          ),
        ]
      : []),
    ...(!tells && (query !== undefined || queryHeaders !== undefined)
      ? [at("query", `kind ${kind} reads nothing back: leave it out, or name the backend as kind`)]
      : []),
    ...(kind === "langsmith" && !keyed
      ? [
          at(
            "headers",
            "has no x-api-key: name the secret that holds it, as headers: { x-api-key: sonde/langsmith }",
          ),
        ]
      : []),
    ...(kind !== "langsmith" && project !== undefined ? [at("project", "is LangSmith's: leave it out")] : []),
    ...(kind !== "tempo" && orgId !== undefined ? [at("orgId", "is Tempo's and Loki's: leave it out")] : []),
  ];
}

function checkShared(
  config: BackendConfig,
  endpoint: string,
  key: string,
  index: number,
  names: readonly string[],
  certificates: Readonly<Record<string, string>>,
  at: At,
): ConfigFault[] {
  const { query, headers = {}, queryHeaders = {}, every, ca } = config;
  const held = Object.entries({ ...headers, ...queryHeaders }).find(([, secret]) => looksSecret(secret));
  return [
    ...checkUrl(endpoint, key, at),
    ...(query === undefined ? [] : checkUrl(query, "query", at)),
    ...(names.indexOf(names[index] ?? "") < index
      ? [at("name", `"${names[index]}" is taken: give each its own name`)]
      : []),
    ...Object.keys({ ...headers, ...queryHeaders }).flatMap((header) =>
      /^[\w-]+$/.test(header) ? [] : [at("headers", `"${header}" is no name of a header`)],
    ),
    ...(held
      ? [at("headers", `${held[0]} holds a key itself: store it in a secret, and name that here`)]
      : []),
    ...(every !== undefined && parseDuration(every) < minute
      ? [at("every", "is shorter than a minute")]
      : []),
    ...(ca !== undefined && certificates[ca] === undefined
      ? [at("ca", `${ca} holds no certificate: name a PEM file beside sonde.yaml`)]
      : []),
  ];
}

function looksSecret(value: string): boolean {
  return /^(bearer|basic) |^lsv2_|^(sk|pk|glc)[-_]/i.test(value);
}

function checkTarget(name: string, targets: readonly Target[], at: At): ConfigFault[] {
  return targets.some((target) => target.name === name)
    ? [at("name", `a target is called "${name}", as the incidents of these probes are: rename the target`)]
    : [];
}

function checkUrl(text: string, key: string, at: At): ConfigFault[] {
  const url = URL.parse(text);
  if (!url) return [at(key, `"${text}" is not a URL`)];
  if (url.username || url.password)
    return [at(key, "holds a password: name the secret with the header's value under headers")];
  if (url.search || url.hash)
    return [at(key, "holds more than an address: leave out the ? or # and what follows")];
  if (/\/(v1\/traces|loki(\/api.*)?|api\/(v3\/)?traces)\/?$/.test(url.pathname))
    return [at(key, "goes too deep: Sonde adds the API's path itself")];
  return [];
}
