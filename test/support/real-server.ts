import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { freePort } from "../../cli/stage/loopback.ts";

/** A process of the Prometheus project on a loopback port of its own. */
export interface RealServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
  /** What it has complained of. */
  readonly logs: () => string;
}

interface ServerSettings {
  readonly program: string;
  /** Text by file name: they stand in the folder that `args` is given, which goes with the process. */
  readonly files: Readonly<Record<string, string>>;
  readonly args: (dir: string, address: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly tls?: boolean;
}

/** Starts it and waits until it is ready; the process does not outlive this one. */
export async function startServer(settings: ServerSettings): Promise<RealServer> {
  const { program, files, args, env = {}, tls = false } = settings;
  const dir = await mkdtemp(join(tmpdir(), "sonde-server-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(program, [...args(dir, address)], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  child.on("error", (error) => {
    log += error.message;
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await exited;
    await rm(dir, { recursive: true, force: true });
  };
  const url = `${tls ? "https" : "http"}://${address}`;
  try {
    await untilReady(url, () => child.pid === undefined || child.exitCode !== null);
    return { url, stop, logs: () => log };
  } catch (error) {
    await stop();
    throw new Error(`${program} did not start: ${log}`, { cause: error });
  }
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
