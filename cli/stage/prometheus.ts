import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";

import { type PrometheusSettings, prometheusConfig } from "./prometheus-config.ts";
import { type RunningServer, startServerProcess } from "./server-process.ts";
import type { Binaries } from "./software.ts";

export interface PrometheusOptions extends PrometheusSettings {
  readonly binaries: Binaries;
  readonly dataDir: string;
  readonly remoteWriteReceiver?: boolean;
  /** How long samples are kept, such as `15d`. */
  readonly retention?: string;
  readonly port?: number;
  readonly signal?: AbortSignal | undefined;
}

export type RunningPrometheus = RunningServer;

/**
 * Starts a Prometheus on 127.0.0.1 and waits until it is ready to be asked. An Error of a failed start ends
 * with the last lines of its log. The process does not outlive this one.
 */
export async function startPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  const { binaries, dataDir, port, signal } = options;
  signal?.throwIfAborted();
  await mkdir(dataDir, { recursive: true });
  const configDir = await mkdtemp(`${dataDir}-config-`);
  const removeConfig = () => rm(configDir, { recursive: true, force: true });
  try {
    const configFile = `${configDir}/prometheus.yml`;
    await writeFile(configFile, prometheusConfig(options));
    const server = await startServerProcess({
      title: "Prometheus",
      program: binaries.prometheus,
      args: (free) => argumentsFor(options, configFile, free),
      port,
      signal,
    });
    const stop = async () => {
      await server.stop();
      await removeConfig();
    };
    return { ...server, stop };
  } catch (error) {
    await removeConfig();
    throw error;
  }
}

function argumentsFor(options: PrometheusOptions, configFile: string, port: number): string[] {
  return [
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${options.dataDir}`,
    `--web.listen-address=127.0.0.1:${port}`,
    // Blocks stay as they are: merging a day of them would take a core away from whoever is looking.
    "--storage.tsdb.min-block-duration=2h",
    "--storage.tsdb.max-block-duration=2h",
    ...(options.retention ? [`--storage.tsdb.retention.time=${options.retention}`] : []),
    ...(options.remoteWriteReceiver ? ["--web.enable-remote-write-receiver"] : []),
  ];
}
