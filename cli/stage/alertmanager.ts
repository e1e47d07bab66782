import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { type RunningServer, startServerProcess } from "./server-process.ts";
import type { AlertmanagerBinaries } from "./software.ts";

export interface AlertmanagerOptions {
  readonly binaries: AlertmanagerBinaries;
  /** A folder of its own: its config stands in it, and its data. Whoever made it removes it. */
  readonly dir: string;
  /** alertmanager.yml */
  readonly config: string;
  /** Files beside the config, by name: templates that it names. */
  readonly files?: Readonly<Record<string, string>>;
  /** Its whole environment, with credentials for SNS; by default this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

export type RunningAlertmanager = RunningServer;

/** Starts an Alertmanager on 127.0.0.1, alone. Its address without the scheme is what prometheus.yml takes. */
export async function startAlertmanager(options: AlertmanagerOptions): Promise<RunningAlertmanager> {
  const { binaries, dir, config, files = {}, env, signal } = options;
  await mkdir(dir, { recursive: true });
  for (const [name, text] of Object.entries({ ...files, "alertmanager.yml": config }))
    await writeFile(join(dir, name), text);
  return startServerProcess({
    title: "Alertmanager",
    program: binaries.alertmanager,
    args: (port) => [
      `--config.file=${dir}/alertmanager.yml`,
      `--storage.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      // Nobody to gossip with.
      "--cluster.listen-address=",
      "--log.level=warn",
    ],
    ...(env && { env }),
    signal,
  });
}
