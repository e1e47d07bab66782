import type { AlertPathConfig, WritePathConfig } from "./config.ts";
import { parseDuration } from "./duration.ts";
import type { ConfigFault } from "./faults.ts";
import type { Target } from "./probe.ts";
import { remoteWriteUrl } from "./remote-write-url.ts";
import type { CompiledTransaction } from "./transactions/compiled.ts";
import { parseBounds, transactionProbe } from "./transactions/transaction-probe.ts";
import { suggestName } from "./words.ts";

const minute = 60_000;
const around = 30_000;

/** One write-path probe for each target that config names, else for each that there is. */
export function compileWritePath(
  config: WritePathConfig,
  targets: readonly Target[],
  faults: ConfigFault[],
): CompiledTransaction[] {
  const id = "write-path";
  const every = config.every ? parseDuration(config.every) : 5 * minute;
  const patience = config.patience ? parseDuration(config.patience) : 1.5 * minute;
  return chosen("writePath", config, targets, faults).map((target) => {
    const url = remoteWriteUrl(target);
    return {
      id,
      kind: "write-path",
      target: target.name,
      probe: transactionProbe(id, "write-path", `POST ${url}`, every, config),
      timeout: patience + around,
      settings: {
        target: target.name,
        probe: id,
        url,
        delay: target.delay,
        lag: parseBounds(config.lag),
        patience,
      },
    };
  });
}

/** One drill for each target that config names, else for each of Managed Prometheus. */
export function compileAlertPath(
  config: AlertPathConfig,
  targets: readonly Target[],
  faults: ConfigFault[],
): CompiledTransaction[] {
  const id = "alert-path";
  const every = config.every ? parseDuration(config.every) : 60 * minute;
  const patience = config.patience ? parseDuration(config.patience) : 5 * minute;
  const usual = config.targets ? targets : targets.filter(({ amp }) => amp);
  return chosen("alertPath", config, usual, faults).map((target) => {
    const url = remoteWriteUrl(target);
    return {
      id,
      kind: "alert-path",
      target: target.name,
      probe: transactionProbe(id, "alert-path", `drill by ${url}`, every, config),
      timeout: patience + around,
      settings: { target: target.name, url, latency: parseBounds(config.latency), patience },
    };
  });
}

function chosen(
  key: "writePath" | "alertPath",
  config: WritePathConfig | AlertPathConfig,
  targets: readonly Target[],
  faults: ConfigFault[],
): readonly Target[] {
  const names = targets.map(({ name }) => name);
  if (config.every !== undefined && parseDuration(config.every) < minute)
    faults.push({ path: [key, "every"], message: "is shorter than a minute" });
  config.targets?.forEach((name, index) => {
    if (!names.includes(name))
      faults.push({
        path: [key, "targets", index],
        message: `no target is called "${name}": ${suggestName(name, names)}`,
      });
  });
  return config.targets ? targets.filter(({ name }) => config.targets?.includes(name)) : targets;
}
