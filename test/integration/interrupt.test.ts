import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";

import { type Loopback, serveHttp, serveTcp } from "../support/loopback.ts";

let folder = "";
let page: Loopback;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sonde-interrupt-"));
  page = await serveHttp((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<title>Sign in</title>");
  });
});
afterAll(async () => {
  for (const child of started) child.kill("SIGKILL");
  await page.stop();
  await rm(folder, { recursive: true, force: true });
});

const program = resolve(fileURLToPath(import.meta.url), "../../../cli/sonde.mjs");

const olderNode = `data:text/javascript,Object.defineProperty(process, "versions", { value: { node: "20.19.0" } })`;

/** The command line as a process of its own, against a target on this port. */
async function start(args: readonly string[], port: number, node: readonly string[] = []) {
  const config = join(folder, `${port}.yaml`);
  await writeFile(
    config,
    stringify({
      targets: [{ name: "here", prometheus: `http://127.0.0.1:${port}` }],
      probes: [{ id: "any", query: "up", fail: "< 1" }],
    }),
  );
  const child = spawn(process.execPath, [...node, program, ...args, "--config", config], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return { child, ended: once(child, "close"), said: () => said };
}

async function until(holds: () => boolean) {
  while (!holds()) await new Promise((wake) => setTimeout(wake, 20));
}

describe("the command line", { timeout: 30_000 }, () => {
  test("ends at the first Ctrl-C while a target keeps it waiting", async () => {
    let asked = false;
    const target = await serveTcp(() => {
      asked = true;
    });
    const { child, ended } = await start(["probe"], target.port);
    await until(() => asked);
    child.kill("SIGINT");
    expect(await ended).toEqual([null, "SIGINT"]);
    await target.stop();
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("puts things away by itself at %s", async (signal) => {
    const { child, ended, said } = await start(["watch"], page.port);
    await until(() => said().includes("Ctrl-C ends"));
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  });

  test("passes SIGTERM on to the Node that it handed over to", async () => {
    const { child, ended, said } = await start(["watch"], page.port, ["--import", olderNode]);
    await until(() => said().includes("Ctrl-C ends"));
    child.kill("SIGTERM");
    // "close" comes once nobody holds the pipes any more.
    expect(await ended).toEqual([0, null]);
  });

  test("is silent where nobody reads it to the end", async () => {
    const { child, ended, said } = await start(["probe", "--json"], page.port);
    child.stdout.destroy();
    await ended;
    expect(said()).not.toMatch(/EPIPE|node:/);
  });
});
