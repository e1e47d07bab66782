import { setTimeout as sleep } from "node:timers/promises";

import { buildTargetClient } from "../shared/adapters/target-client.ts";
import { ConfigError } from "../shared/domain/errors.ts";
import type { Target } from "../shared/domain/probe.ts";
import type { PrometheusClient } from "../shared/domain/prometheus.ts";
import { secretVariable } from "../shared/domain/secret-name.ts";
import type { CliDeps } from "./deps.ts";

/** The client for a target on the command line, where secrets come from the environment. */
export function clientForTarget(
  target: Target,
  { env, now }: Pick<CliDeps, "env" | "now">,
): Promise<PrometheusClient> {
  return buildTargetClient(target, {
    readSecret: async (name) => readSecretFromEnv(name, env),
    now,
    sleep: async (ms) => {
      await sleep(ms);
    },
    random: Math.random,
  });
}

/** A secret by its name in config; throws a ConfigError that says which variable to set. */
export function readSecretFromEnv(name: string, env: CliDeps["env"]): string {
  const variable = secretVariable(name);
  const value = env[variable];
  if (!value)
    throw new ConfigError(`the secret "${name}" is not at hand: set the environment variable ${variable}`);
  return value;
}
