import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Certificate } from "./certificates.ts";

export interface RealPrometheus {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

interface Settings {
  /** prometheus.yml; the default scrapes nothing and takes samples of the last days in any order. */
  readonly config?: string;
  readonly certificate?: Certificate;
  /** Basic auth: bcrypt hashes by user. */
  readonly users?: Readonly<Record<string, string>>;
}

const quietConfig = `
global: { scrape_interval: 1d }
storage: { tsdb: { out_of_order_time_window: 9d } }
`;

/** A Prometheus of its own on a free loopback port, with the remote-write receiver on. */
export async function startPrometheus(settings: Settings = {}): Promise<RealPrometheus> {
  const dir = await mkdtemp(join(tmpdir(), "sonde-prometheus-"));
  const port = await freePort();
  await writeFile(join(dir, "prometheus.yml"), settings.config ?? quietConfig);
  await writeFile(join(dir, "web.yml"), JSON.stringify(webConfig(settings)));
  await writeFile(join(dir, "cert.pem"), settings.certificate?.cert ?? "");
  await writeFile(join(dir, "key.pem"), settings.certificate?.key ?? "");
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(dir, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(dir, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--web.config.file=${join(dir, "web.yml")}`,
      "--web.enable-remote-write-receiver",
      "--log.level=error",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await exited;
    await rm(dir, { recursive: true, force: true });
  };
  const url = `${settings.certificate ? "https" : "http"}://127.0.0.1:${port}`;
  try {
    await untilReady(url, () => child.exitCode !== null);
    return { url, stop };
  } catch (error) {
    await stop();
    throw new Error(`prometheus did not start: ${log}`, { cause: error });
  }
}

/** Paths are relative to the file. */
function webConfig({ certificate, users }: Settings) {
  return {
    ...(certificate === undefined
      ? {}
      : { tls_server_config: { cert_file: "cert.pem", key_file: "key.pem" } }),
    ...(users === undefined ? {} : { basic_auth_users: users }),
  };
}

async function untilReady(url: string, gone: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000 && !gone(); tries += 1) {
    if (await answers(`${url}/-/ready`)) return;
    await pause(10);
  }
  throw new Error("not ready");
}

/** 401 counts: with basic auth every path asks for it. */
function answers(url: string): Promise<boolean> {
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    const probe = request(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 || response.statusCode === 401);
    });
    probe.on("error", () => resolve(false));
    probe.end();
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
