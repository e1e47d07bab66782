import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { findPrometheus } from "../../cli/stage/find-prometheus.ts";

/** Before the integration tests: a Prometheus and promtool on PATH, brought if this machine has none. */
export async function setup(): Promise<void> {
  const { prometheus } = await findPrometheus({
    cacheDir: join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sonde"),
    env: process.env,
    progress: (line) => console.error(line),
    allowInstall: true,
  });
  process.env.PATH = `${dirname(prometheus)}${delimiter}${process.env.PATH ?? ""}`;
}
