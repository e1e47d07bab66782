import { findAlertmanager } from "../../cli/stage/find-alertmanager.ts";
import { programsForTests } from "./programs.ts";
import { type RealServer, startServer } from "./real-server.ts";

export type RealAlertmanager = RealServer;

interface Extras {
  /** Files beside the config, by name: templates that it names. */
  readonly files?: Readonly<Record<string, string>>;
  /** Added to the process's environment: credentials for SNS. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * An Alertmanager of its own on a free loopback port, alone, with this alertmanager.yml. Its address without the
 * scheme is what `alertmanagers` in prometheus.yml takes.
 */
export async function startAlertmanager(config: string, extras: Extras = {}): Promise<RealAlertmanager> {
  const { alertmanager } = await findAlertmanager(programsForTests());
  return startServer({
    program: alertmanager,
    files: { ...extras.files, "alertmanager.yml": config },
    ...(extras.env && { env: extras.env }),
    args: (dir, address) => [
      `--config.file=${dir}/alertmanager.yml`,
      `--storage.path=${dir}/data`,
      `--web.listen-address=${address}`,
      // Nobody to gossip with.
      "--cluster.listen-address=",
      "--log.level=warn",
    ],
  });
}
