import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";

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
    const slack = messages.parse(JSON.parse(readFileSync(join(folder, ".sonde/demo/slack.json"), "utf8")));
    const posts = slack
      .filter(({ threadTs }) => threadTs === null)
      .map(({ channel, text }) => `${channel} ${text}`);
    expect(new Set(posts).size).toBe(posts.length);
    expect(posts).toContainEqual(expect.stringMatching(/^#llm-oncall 🔴 .*Critical.* GPU 5 on /));
    expect(posts).toContainEqual(expect.stringMatching(/^#llm-ops ✅ /));
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each(["history: 4 of", "Prometheus listens"])(
    "stops all that it started when it is interrupted at %j",
    async (moment) => {
      const { child, ended, output } = startDemo();
      await expect.poll(output, { timeout: 240_000, interval: 20 }).toContain(moment);
      child.kill("SIGINT");
      await ended;
      const port = /Prometheus listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1];
      if (port) await expect(fetch(`http://127.0.0.1:${port}/-/ready`)).rejects.toThrow();
      expect(readdirSync(temporary)).toEqual([]);
      expect(output()).not.toContain("    at ");
    },
  );
});
