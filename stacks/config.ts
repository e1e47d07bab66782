import { relative } from "node:path";

import { loadConfigFile } from "../cli/config-file.ts";
import { checkDeployable } from "../shared/domain/deployable.ts";
import { ConfigError } from "../shared/domain/errors.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";

export interface DeployConfig {
  readonly compiled: CompiledConfig;
  /** One line each: what will not do what its author may expect. */
  readonly notes: readonly string[];
}

/** Reads sonde.yaml for a deploy. Throws a ConfigError, one line a fault, where it could not work in Lambda. */
export function loadDeployConfig(path: string): DeployConfig {
  const { compiled, notes } = loadConfigFile(path);
  const { faults, warnings } = checkDeployable(compiled);
  const say = (what: string) => `${relative(".", path)}: ${what}`;
  if (faults.length > 0) throw new ConfigError(faults.map(say).join("\n"));
  return { compiled, notes: [...notes, ...warnings.map(say)] };
}
