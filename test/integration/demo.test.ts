import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";

import { langfuseDiagnoses } from "../../shared/domain/transactions/langfuse-diagnoses.ts";

const sonde = resolve(import.meta.dirname, "../../cli/sonde.mjs");
let folder: string;
let temporary: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-demo-"));
  temporary = join(folder, "tmp");
  mkdirSync(temporary);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Demo {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<unknown>;
}

/** The real command in a process of its own, whose temporary folders can be counted. */
function startDemo(): Demo {
  const child = spawn(process.execPath, [sonde, "demo"], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: "1", NODE_COMPILE_CACHE: join(folder, "cache") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      text += chunk;
    });
  }
  return { child, output: () => text, ended: once(child, "exit") };
}

/** Processes whose folders are the demo's: its Prometheus, its Alertmanager. */
function leftRunning(): string[] {
  const all = execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" });
  return all.split("\n").filter((line) => line.includes(temporary));
}

const messages = z.array(
  z.object({ channel: z.string(), threadTs: z.nullable(z.string()), text: z.string() }),
);

describe("sonde demo", { timeout: 300_000 }, () => {
  it("shows what is wrong, tells each incident once, leaves nothing running and exits with 0", async () => {
    const { ended, output } = startDemo();
    expect(await ended, output()).toEqual([0, null]);
    expect(output()).toMatch(/✖ fail\s+gpu-temperature\s+9\d(\.\d)? °C\s+[▁-█]+\s+> 85 °C for at least 5m/);
    expect(output()).toMatch(/✖ fail\s+gateway-5xx/);
    expect(output()).toMatch(/▲ warn\s+vllm-ttft-p99/);
    expect(output()).toMatch(/✔ ok\s+\d\d probes, \d{3} series/);
    const said = output().split("\n");
    for (const row of [
      /^ {2}✖ fail {4}langfuse-trace {2}POST http/,
      /^ {2}✔ ok {6}completion-chat {2}first token after \d+ ms, .*26 \+ 8 tokens/,
      /^ {2}✔ ok {6}log-loki {2}visible and complete after [\d.]+ s/,
      /^ {2}✔ ok {6}write-path {2}readable after [\d.]+m?s/,
      /^ {2}✔ ok {6}alert-path {2}back after [\d.]+s: rule [\d.]+s, Alertmanager [\d.]+s, delivery [\d.]+s$/,
    ])
      expect(said).toContainEqual(expect.stringMatching(row));
    const { cause, fix } = langfuseDiagnoses["s3-upload"];
    expect(said).toContainEqual(expect.stringContaining(`            ${cause} (500 `));
    expect(said).toContain(`            → ${fix}`);
    const slack = messages.parse(JSON.parse(readFileSync(join(folder, ".sonde/demo/slack.json"), "utf8")));
    const posts = slack
      .filter(({ threadTs }) => threadTs === null)
      .map(({ channel, text }) => `${channel} ${text}`);
    expect(new Set(posts).size).toBe(posts.length);
    expect(posts).toContainEqual(expect.stringMatching(/^#llm-oncall 🔴 .*Critical.* GPU 5 on /));
    expect(posts).toContainEqual(expect.stringMatching(/^#llm-ops ✅ /));
    expect(posts).toContainEqual(expect.stringMatching(/^#llm-oncall 🔴 .*Critical.* langfuse-trace: /));
    // A drill is no incident.
    expect(posts.filter((post) => /drill/i.test(post))).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(leftRunning()).toEqual([]);
  });

  it.each(["history: 4 of", "Prometheus listens", "What the synthetic transactions say"])(
    "stops all that it started when it is interrupted at %j",
    async (moment) => {
      const { child, ended, output } = startDemo();
      await expect.poll(output, { timeout: 240_000, interval: 20 }).toContain(moment);
      const interrupted = Date.now();
      child.kill("SIGINT");
      await ended;
      // Nothing waits for its patience to run out.
      expect(Date.now() - interrupted).toBeLessThan(20_000);
      const port = /Prometheus listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1];
      if (port) await expect(fetch(`http://127.0.0.1:${port}/-/ready`)).rejects.toThrow();
      expect(readdirSync(temporary)).toEqual([]);
      expect(leftRunning()).toEqual([]);
      expect(output()).not.toContain("    at ");
    },
  );
});
