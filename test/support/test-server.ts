import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildStartServer, type StartServer } from "../../cli/rule-test/test-server.ts";

/** Servers as `sonde test` starts them; nothing is installed for a test. */
export function startServerForTests(): StartServer {
  return buildStartServer({
    cacheDir: join(tmpdir(), "sonde-test-cache"),
    env: process.env,
    err: () => undefined,
    now: () => Date.now(),
    interrupted: new AbortController().signal,
  });
}
