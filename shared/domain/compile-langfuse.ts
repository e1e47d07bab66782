import type { LangfuseConfig } from "./config.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { ConfigFault } from "./faults.ts";
import type { Target } from "./probe.ts";
import type { CompiledTransaction } from "./transactions/compiled.ts";
import { langfuseBudget } from "./transactions/langfuse-budget.ts";
import { transactionProbe } from "./transactions/transaction-probe.ts";

/** The target that the incidents of Langfuse's trace probe belong to, and the probe's id. */
const target = "langfuse";
const id = "langfuse-trace";

const minute = 60_000;
const defaults = {
  every: 5 * minute,
  patience: 2 * minute,
  keys: "sonde/langfuse",
  environment: "sonde-probe",
  /** Langfuse comes with a price of it. */
  model: "gpt-4o-mini",
  tenant: "sonde",
} as const;

/** What comes on top of patience: the POST itself, the deletion, and waiting until it is done. */
const around = 90_000;

/** The trace probe of config, checked; none where it is switched off or at fault. */
export function compileLangfuse(
  config: LangfuseConfig,
  targets: readonly Target[],
  certificates: Readonly<Record<string, string>>,
  faults: ConfigFault[],
  notes: ConfigFault[],
): CompiledTransaction[] {
  if (config.enabled === false) return [];
  const own = [
    ...checkUrl(config.url, "url"),
    ...(config.publicUrl ? checkUrl(config.publicUrl, "publicUrl") : []),
    ...(/^[ps]k-lf-/.test(config.keys ?? "")
      ? [fault("keys", "holds a key itself: store pk-lf-…:sk-lf-… in a secret, and name that here")]
      : []),
    ...(config.ca !== undefined && certificates[config.ca] === undefined
      ? [fault("ca", `${config.ca} holds no certificate: name a PEM file beside sonde.yaml`)]
      : []),
    ...(targets.some(({ name }) => name === target)
      ? [fault("url", `a target is called "${target}", as Langfuse's own incidents are: rename the target`)]
      : []),
  ];
  faults.push(...own);
  if (own.length > 0) return [];
  const plan = config.plan ?? (isCloud(config.url) ? "hobby" : "self-hosted");
  const wanted = config.every ? parseDuration(config.every) : defaults.every;
  const shortest = langfuseBudget(plan, "v2").shortestEvery;
  const every = Math.max(wanted, shortest);
  if (every > wanted)
    notes.push({
      path: ["langfuse", "every"],
      message: `is ${formatDuration(wanted)}: plan ${plan} allows so few deletions that a trace is sent every ${formatDuration(every)}`,
    });
  const patience = config.patience ? parseDuration(config.patience) : defaults.patience;
  const ca = config.ca === undefined ? undefined : certificates[config.ca];
  const url = config.url.replace(/\/+$/, "");
  return [
    {
      id,
      kind: "trace",
      provider: "langfuse",
      target,
      probe: transactionProbe(id, "trace", `POST ${url}/api/public/otel/v1/traces`, every, config),
      timeout: patience + around,
      settings: {
        url,
        publicUrl: (config.publicUrl ?? config.url).replace(/\/+$/, ""),
        keys: config.keys ?? defaults.keys,
        project: config.project ?? "",
        plan,
        patience,
        environment: config.environment ?? defaults.environment,
        pricedModel: config.model ?? defaults.model,
        tenant: config.tenant ?? defaults.tenant,
        encoding: config.encoding ?? "protobuf",
        ...(ca === undefined ? {} : { ca }),
      },
    },
  ];
}

function isCloud(url: string): boolean {
  return /(^|\.)langfuse\.com$/.test(URL.parse(url)?.hostname ?? "");
}

function checkUrl(text: string, key: string): ConfigFault[] {
  const url = URL.parse(text);
  if (!url) return [fault(key, `"${text}" is not a URL`)];
  if (url.username || url.password)
    return [fault(key, "holds a password: keys stand in the secret that langfuse.keys names")];
  if (url.search || url.hash)
    return [fault(key, "holds more than an address: leave out the ? or # and what follows")];
  if (/\/api(\/|$)/.test(url.pathname))
    return [fault(key, "goes too deep: give Langfuse's own address, up to its base path and without /api/…")];
  return [];
}

function fault(key: string, message: string): ConfigFault {
  return { path: ["langfuse", key], message };
}
