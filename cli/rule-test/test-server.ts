import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { buildSend } from "../../shared/adapters/http.ts";
import { buildPrometheusClient } from "../../shared/adapters/prometheus.ts";
import { buildRemoteWrite, type WriteSamples } from "../../shared/adapters/remote-write.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import type { CliDeps } from "../deps.ts";
import { findPrometheus } from "../stage/find-prometheus.ts";
import { startPrometheus } from "../stage/prometheus.ts";

/** An empty Prometheus that lives for one test. Its data may begin at Unix time 0, where promtool's does. */
export interface TestServer {
  readonly client: PrometheusClient;
  readonly write: WriteSamples;
  readonly stop: () => Promise<void>;
}

/** `evaluationInterval` in milliseconds: subqueries without a step of their own take it as theirs. */
export type StartServer = (evaluationInterval: number) => Promise<TestServer>;

/** Starts servers on 127.0.0.1, each in a directory that goes with it. The binary is looked for once. */
export function buildStartServer(
  deps: Pick<CliDeps, "cacheDir" | "env" | "err" | "now" | "interrupted">,
): StartServer {
  const { cacheDir, env, now, interrupted } = deps;
  let binaries: ReturnType<typeof findPrometheus> | undefined;
  return async (evaluationInterval) => {
    binaries ??= findPrometheus({ cacheDir, env, progress: deps.err, allowInstall: true });
    const directory = await mkdtemp(join(tmpdir(), "sonde-test-"));
    const remove = () => rm(directory, { recursive: true, force: true });
    try {
      const server = await startPrometheus({
        binaries: await binaries,
        dataDir: join(directory, "data"),
        remoteWriteReceiver: true,
        // What rules record is older than the newest input, and a test's first sample is from 1970.
        outOfOrderWindow: "3650d",
        retention: "100y",
        evaluationIntervalSeconds: Math.max(1, Math.round(evaluationInterval / 1000)),
        signal: interrupted,
      });
      const send = buildSend({ auth: { kind: "none" }, now });
      const wait = async (ms: number) => {
        await sleep(ms);
      };
      return {
        client: buildPrometheusClient({
          url: server.url,
          send,
          amp: false,
          now,
          sleep: wait,
          random: () => 0.5,
        }),
        write: buildRemoteWrite({ url: `${server.url}/api/v1/write`, send, now }),
        stop: async () => {
          await server.stop();
          await remove();
        },
      };
    } catch (error) {
      await remove();
      throw error;
    }
  };
}
