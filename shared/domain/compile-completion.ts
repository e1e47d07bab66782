import type { CompletionConfig } from "./config.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { ConfigFault } from "./faults.ts";
import type { Target } from "./probe.ts";
import type { CompiledTransaction } from "./transactions/compiled.ts";
import { tokensPerRun } from "./transactions/completion-budget.ts";
import { parseBounds, transactionProbe } from "./transactions/transaction-probe.ts";
import { suggestName } from "./words.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
const defaults = {
  every: 5 * minute,
  timeout: minute,
  tenant: "sonde",
  tenantHeader: "x-tenant-id",
  /** A run every five minutes takes 18,432 of them at the most. */
  maxTokensADay: 20_000,
} as const;

/** The incidents of completions that no target is named for belong to a target of this name. */
const ownTarget = "gateway";
/** On top of the request: reading the key, the engine's latency. */
const around = 30_000;

/** The completion probes of config, checked; those at fault are left out. */
export function compileCompletions(
  list: readonly CompletionConfig[],
  targets: readonly Target[],
  certificates: Readonly<Record<string, string>>,
  faults: ConfigFault[],
  notes: ConfigFault[],
  langfuse: boolean,
): CompiledTransaction[] {
  return list.flatMap((config, index) => {
    const at = (key: string, message: string): ConfigFault => ({ path: ["completion", index, key], message });
    const own = checkCompletion(config, targets, certificates, at);
    if (config.traceWithin !== undefined && !langfuse)
      own.push(at("traceWithin", "needs langfuse in the config, where the trace is looked for"));
    if (list.findIndex(({ name }) => name === config.name) < index)
      own.push(at("name", `two completions are called "${config.name}"`));
    faults.push(...own);
    if (own.length > 0) return [];
    const every = config.every ? parseDuration(config.every) : defaults.every;
    const maxTokensADay = config.maxTokensADay ?? defaults.maxTokensADay;
    if ((day / every) * tokensPerRun > maxTokensADay)
      notes.push(
        at(
          config.maxTokensADay === undefined ? "every" : "maxTokensADay",
          `a run every ${formatDuration(every)} may take ${Math.ceil(day / every) * tokensPerRun} tokens a day, of ${maxTokensADay} that it has: it may stop before midnight UTC`,
        ),
      );
    return [compile(config, targets, certificates, every, maxTokensADay)];
  });
}

function compile(
  config: CompletionConfig,
  targets: readonly Target[],
  certificates: Readonly<Record<string, string>>,
  every: number,
  maxTokensADay: number,
): CompiledTransaction {
  const url = config.url.replace(/\/+$/, "");
  const id = `completion-${config.name}`;
  const requestTimeout = config.timeout ? parseDuration(config.timeout) : defaults.timeout;
  const traceWithin = config.traceWithin ? parseDuration(config.traceWithin) : null;
  const only = targets.length === 1 ? targets[0]?.name : undefined;
  const ca = config.ca === undefined ? undefined : certificates[config.ca];
  return {
    id,
    kind: "completion",
    target: config.target ?? only ?? ownTarget,
    probe: transactionProbe(id, "completion", `POST ${url}/chat/completions`, every, config),
    timeout: requestTimeout + (traceWithin ?? 0) + around,
    settings: {
      url,
      model: config.model,
      servedModel: config.servedModel ?? "",
      apiKey: config.apiKey ?? "",
      tenant: config.tenant ?? defaults.tenant,
      tenantHeader: config.tenantHeader ?? defaults.tenantHeader,
      headers: config.headers ?? {},
      limitBy: config.limitBy ?? "max_tokens",
      maxTokensADay,
      price: config.price ?? null,
      ttft: parseBounds(config.ttft),
      requestTimeout,
      traceWithin,
      ...(ca === undefined ? {} : { ca }),
    },
  };
}

function checkCompletion(
  { url: text, target, apiKey = "", headers = {}, every, ca }: CompletionConfig,
  targets: readonly Target[],
  certificates: Readonly<Record<string, string>>,
  at: (key: string, message: string) => ConfigFault,
): ConfigFault[] {
  const names = targets.map(({ name }) => name);
  const url = URL.parse(text);
  const secret = Object.keys(headers).find((name) => /^(authorization|.*(api-?key|token|-vk))$/i.test(name));
  return [
    ...(url ? [] : [at("url", `"${text}" is not a URL`)]),
    ...(url?.username || url?.password
      ? [at("url", "holds a password: name the secret with the key as apiKey")]
      : []),
    ...(url?.search || url?.hash
      ? [at("url", "holds more than an address: leave out the ? or # and what follows")]
      : []),
    ...(url && /\/(chat\/)?completions\/?$/.test(url.pathname)
      ? [at("url", "goes too deep: give what stands before /chat/completions, mostly …/v1")]
      : []),
    ...(/^(sk|pk)-/.test(apiKey)
      ? [at("apiKey", "holds a key itself: store it in a secret, and name that here")]
      : []),
    ...(secret
      ? [
          at(
            "headers",
            `${secret} looks like a key: name a secret as apiKey, which is sent as Authorization: Bearer`,
          ),
        ]
      : []),
    ...(target !== undefined && !names.includes(target)
      ? [at("target", `no target is called "${target}": ${suggestName(target, names)}`)]
      : []),
    ...(target === undefined && targets.length !== 1 && names.includes(ownTarget)
      ? [at("target", `say which target its incidents belong to: ${names.join(", ")}`)]
      : []),
    ...(every !== undefined && parseDuration(every) < minute
      ? [at("every", "is shorter than a minute")]
      : []),
    ...(ca !== undefined && certificates[ca] === undefined
      ? [at("ca", `${ca} holds no certificate: name a PEM file beside sonde.yaml`)]
      : []),
  ];
}
