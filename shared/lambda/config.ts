import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { ConfigError } from "../domain/errors.ts";
import type { CompiledConfig } from "../domain/probe.ts";

/** Written into every function's zip when it is packaged, from sonde.yaml, packs and rule files. */
export const compiledConfigFile = "sonde.config.json";

/**
 * The config that was bundled with this function. It is this code's own output at build time, checked then;
 * its version says whether it still fits.
 */
export function readCompiledConfig(directory = process.env.LAMBDA_TASK_ROOT ?? "."): CompiledConfig {
  const path = resolve(directory, compiledConfigFile);
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read: package the functions with \`npx serverless package\``, {
      cause,
    });
  }
  if (!isCompiledConfig(data))
    throw new ConfigError(`${path} was compiled by another version of Sonde: package and deploy again`);
  return data;
}

function isCompiledConfig(data: unknown): data is CompiledConfig {
  return typeof data === "object" && data !== null && "version" in data && data.version === 1;
}
