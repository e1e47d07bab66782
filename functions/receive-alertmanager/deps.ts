import * as z from "zod/mini";

import type { RecordAlerts } from "../../shared/domain/alertmanager.ts";
import { readCompiledConfig } from "../../shared/lambda/config.ts";
import { parseEnv } from "../../shared/lambda/env.ts";
import { log } from "../../shared/lambda/logger.ts";
import type { TakeInDeps } from "./take-in.ts";

export const envSchema = z.object({
  SONDE_BUCKET: z.string().check(z.minLength(3)),
  SONDE_BUS: z.string().check(z.minLength(1)),
  /** ARNs of topics, with spaces between; empty while config has no AMP target. */
  SONDE_ALERT_TOPICS: z.string(),
});

export type Deps = TakeInDeps;

let deps: Deps | undefined;

/** Wired once on cold start. */
export async function realDeps(): Promise<Deps> {
  deps ??= wire(refuse);
  return deps;
}

function wire(record: RecordAlerts): Deps {
  const env = parseEnv(envSchema);
  return {
    topics: env.SONDE_ALERT_TOPICS.split(" ").filter(Boolean),
    targets: readCompiledConfig().targets,
    record,
    log,
  };
}

/** Alerts become incidents with the incidents' reducer; until it stands here they are kept as dead letters. */
const refuse: RecordAlerts = async () => {
  throw new Error("alerts are not turned into incidents by this version: deploy a newer one");
};
