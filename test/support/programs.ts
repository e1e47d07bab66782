import { homedir } from "node:os";
import { join } from "node:path";

import type { FindOptions } from "../../cli/stage/find-software.ts";

/** Where tests look for the programs of the Prometheus project, and keep what had to be brought. */
export function programsForTests(): FindOptions {
  return {
    cacheDir: join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sonde"),
    env: process.env,
    progress: (line) => console.error(line),
    allowInstall: true,
  };
}
