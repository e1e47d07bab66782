import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type RunningAlertmanager, startAlertmanager as startStage } from "../../cli/stage/alertmanager.ts";
import { findAlertmanager } from "../../cli/stage/find-alertmanager.ts";
import { programsForTests } from "./programs.ts";

export type RealAlertmanager = Pick<RunningAlertmanager, "url" | "stop" | "logs">;

interface Extras {
  /** Files beside the config, by name: templates that it names. */
  readonly files?: Readonly<Record<string, string>>;
  /** Added to the process's environment: credentials for SNS. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The stage's Alertmanager with this alertmanager.yml, in a folder that goes with it. */
export async function startAlertmanager(
  config: string,
  { files = {}, env = {} }: Extras = {},
): Promise<RealAlertmanager> {
  const binaries = await findAlertmanager(programsForTests());
  const dir = await mkdtemp(join(tmpdir(), "sonde-alertmanager-"));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const running = await startStage({ binaries, dir, config, files, env: { ...process.env, ...env } });
    const stop = async () => {
      await running.stop();
      await remove();
    };
    return { ...running, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}
