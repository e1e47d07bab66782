import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { findPrometheus } from "../cli/stage/find-prometheus.ts";
import { startPrometheus } from "../cli/stage/prometheus.ts";
import { buildSend } from "../shared/adapters/http.ts";
import { buildRemoteWrite } from "../shared/adapters/remote-write.ts";
import { deployedNodeOptions } from "./measure.ts";
import { benchConfig, probeCount, seriesPerProbe } from "./probes-load.ts";
import { benchMemory } from "./probes-memory.ts";

const minute = 60_000;
const now = () => Date.now();

/** A round of 100 probes with 50 series each, against a bare fetch loop that sends the same queries. */
export async function benchProbes(): Promise<void> {
  const stage = await startFilled();
  try {
    // Bundled as Lambda runs it: stripping types at run time would count as memory of the round.
    const bundle = join(stage.directory, "worker.mjs");
    await build({
      entryPoints: [fileURLToPath(new URL("probes-worker.ts", import.meta.url))],
      outfile: bundle,
      bundle: true,
      platform: "node",
      format: "esm",
      minify: true,
      mainFields: ["module", "main"],
      logLevel: "error",
    });
    const nodeOptions = deployedNodeOptions();
    const worker = spawnSync(process.execPath, [bundle, stage.url, String(stage.end)], {
      stdio: "inherit",
      env: { ...process.env, NODE_OPTIONS: nodeOptions },
    });
    if (worker.status !== 0) throw new Error("the bench's worker failed");
    await benchMemory(benchConfig(stage.url), join(stage.directory, "task"), stage.end, nodeOptions);
  } finally {
    await stage.stop();
  }
}

async function startFilled() {
  const dataDir = await mkdtemp(join(tmpdir(), "sonde-bench-"));
  const binaries = await findPrometheus({
    cacheDir: join(homedir(), ".cache", "sonde"),
    env: process.env,
    progress: (line) => console.error(line),
    allowInstall: true,
  });
  const prometheus = await startPrometheus({
    binaries,
    dataDir: join(dataDir, "data"),
    remoteWriteReceiver: true,
  });
  const end = Math.floor(now() / minute) * minute;
  const write = buildRemoteWrite({
    url: `${prometheus.url}/api/v1/write`,
    send: buildSend({ auth: { kind: "none" }, now }),
    now,
  });
  for (let probe = 0; probe < probeCount; probe++) {
    await write(
      Array.from({ length: seriesPerProbe }, (_, series) => ({
        labels: { __name__: `bench_${probe}`, pod: `vllm-${series}`, namespace: "inference" },
        samples: Array.from({ length: 41 }, (__, index) => ({
          t: end - (40 - index) * 15_000,
          v: series === 0 ? 90 : 40 + (index % 10),
        })),
      })),
    );
  }
  return {
    url: prometheus.url,
    directory: dataDir,
    end,
    stop: async () => {
      await prometheus.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
