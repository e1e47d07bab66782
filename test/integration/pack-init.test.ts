import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

import { registerInit } from "../../cli/commands/init.ts";
import { registerRender } from "../../cli/commands/render.ts";
import { loadConfigFile } from "../../cli/config-file.ts";
import type { CliDeps } from "../../cli/deps.ts";
import { buildTargetClient } from "../../shared/adapters/target-client.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import { parseRuleFile } from "../../shared/domain/rule-file.ts";
import { at, counting, histogram, type PackTarget, withTarget, written } from "../support/pack-target.ts";
import { runPromtool } from "../support/promtool.ts";

const engine = { job: "models", instance: "10.0.0.1:8000", namespace: "llm", pod: "a", model_name: "m" };
const gpu = { job: "dcgm", instance: "10.0.0.2:9400", Hostname: "node", gpu: "0", UUID: "GPU-0" };
const oldVllm = [
  written("up", { job: "models", instance: "10.0.0.1:8000" }, 1),
  written("up", { job: "dcgm", instance: "10.0.0.2:9400" }, 1),
  written("vllm:num_requests_running", engine, 2),
  written("vllm:gpu_cache_usage_perc", engine, 0.3),
  counting("vllm:request_success_total", { ...engine, finished_reason: "stop" }, 2),
  ...histogram("vllm:time_to_first_token_seconds", engine, [0.1, 1, 5, 7.5, 10], [0, 2]),
  written("DCGM_FI_DEV_SM_CLOCK", gpu, 1500),
  written("DCGM_FI_DEV_GPU_TEMP", gpu, 60),
];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-init-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function sonde(args: readonly string[]): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  let code = 0;
  const deps: CliDeps = {
    now: () => at,
    sleep: async (ms) => {
      await sleep(ms);
    },
    env: {},
    cwd: folder,
    cacheDir: folder,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    style: { color: false, width: 100 },
    nonce: () => "nonce",
    clientFor: (target) =>
      buildTargetClient(target, {
        readSecret: async () => "",
        now: () => Date.now(),
        sleep: async () => undefined,
        random: () => 0,
      }),
    exit: (exitCode) => {
      code = exitCode;
    },
    interrupted: new AbortController().signal,
  };
  const program = new Command().exitOverride();
  registerInit(program, deps);
  registerRender(program, deps);
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err.push(error.message);
    code = 2;
  }
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const withOldVllm = (run: (target: PackTarget) => Promise<void>) => withTarget(oldVllm, run);

describe("sonde init", () => {
  it("writes a config of what works, with the reasons for what does not", () =>
    withOldVllm(async ({ url }) => {
      const run = await sonde(["init", "--target", url]);
      expect(run.code).toBe(0);
      expect(run.out).toMatch(/^vllm +\d+ /m);
      expect(run.out).toMatch(/^epp +not found$/m);
      const text = readFileSync(join(folder, "sonde.yaml"), "utf8");
      const config = parse(text);
      expect(config.targets).toEqual([{ name: "local", prometheus: url }]);
      expect(config.packs[0].components).toEqual(["dcgm", "pipeline", "vllm"]);
      expect(config.probes).toContainEqual({ id: "gpu-ecc-double-bit", enabled: false });
      expect(config.probes).toContainEqual({ id: "vllm-request-errors", enabled: false });
      expect(text.replace(/\n *# /g, " ")).toContain("metrics are there. This vLLM has no finished_reason");
      expect(text).toMatch(/#\s+gpu-temperature\s+warn > 80, fail > 85\s+1 series/);
      const { compiled } = loadConfigFile(join(folder, "sonde.yaml"));
      expect(compiled.probes.map(({ id }) => id)).toContain("vllm-kv-cache");
    }));

  it("lowers thresholds that the target's histograms can never reach, and says so", () => {
    const text = readFileSync(join(folder, "sonde.yaml"), "utf8");
    const { probes } = parse(text);
    expect(probes).toContainEqual({ id: "vllm-ttft-p99", fail: { when: "> 7.5", for: "5m" } });
    expect(text).toContain("# was > 30");
    expect(text.replace(/\n *# /g, " ")).toContain("has no bucket above 10 here");
  });

  it("asks for the jobs that it found by name", () => {
    const { probes } = parse(readFileSync(join(folder, "sonde.yaml"), "utf8"));
    expect(probes.map(({ id }: { id: string }) => id)).toEqual(
      expect.arrayContaining(["job-dcgm", "job-models", "job-vanished"]),
    );
  });

  it("never overwrites a file unless told", () =>
    withOldVllm(async ({ url }) => {
      const path = join(folder, "mine.yaml");
      writeFileSync(path, "targets: []\n");
      const refused = await sonde(["init", "--target", url, "--output", "mine.yaml"]);
      expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("mine.yaml is there already") });
      expect(readFileSync(path, "utf8")).toBe("targets: []\n");
      expect((await sonde(["init", "--target", url, "--output", "mine.yaml", "--force"])).code).toBe(0);
      expect(readFileSync(path, "utf8")).toContain("llm-on-eks");
    }));

  it("writes nothing where the target cannot be asked", async () => {
    const run = await sonde(["init", "--target", "http://127.0.0.1:9", "--output", "none.yaml"]);
    expect(run.code).toBe(3);
    expect(run.err).toContain("127.0.0.1:9");
    expect(() => readFileSync(join(folder, "none.yaml"))).toThrow("ENOENT");
  });

  it("refuses what is no address", async () => {
    const run = await sonde(["init", "--target", "prometheus:9090", "--output", "none.yaml"]);
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining("http://") });
  });

  it("writes a config for a target without anything of the pack, too", () =>
    withTarget([written("something", {}, 1)], async ({ url }) => {
      const run = await sonde(["init", "--target", url, "--output", "bare.yaml"]);
      expect(run.code).toBe(0);
      expect(parse(readFileSync(join(folder, "bare.yaml"), "utf8")).packs).toHaveLength(1);
    }));

  it("keeps what the target says of itself inside of comments and quotes", () =>
    withTarget(
      [...oldVllm, written("DCGM_FI_DEV_SM_CLOCK", { ...gpu, job: 'a"}) or vector(1)\n- evil: {x}' }, 1)],
      async ({ url }) => {
        expect((await sonde(["init", "--target", url, "--output", "hostile.yaml"])).code).toBe(0);
        const config = parse(readFileSync(join(folder, "hostile.yaml"), "utf8"));
        expect(Object.keys(config).sort()).toEqual(["packs", "probes", "targets"]);
      },
    ));
});

describe("sonde render --only rules", () => {
  it("writes rules for the names that the target has, and promtool accepts them", () =>
    withOldVllm(async ({ url }) => {
      writeFileSync(
        join(folder, "render.yaml"),
        JSON.stringify({ targets: [{ name: "t", prometheus: url }], packs: ["llm-on-eks"] }),
      );
      const run = await sonde(["render", "--only", "rules", "--config", "render.yaml"]);
      expect(run.code).toBe(0);
      expect(run.out).toContain("vllm:gpu_cache_usage_perc");
      expect(run.out).not.toContain("query_offset");
      const data = parse(run.out);
      expect(parseRuleFile(data).groups.length).toBeGreaterThan(3);
      expect((await runPromtool({ "r.yaml": data }, ["check", "rules", "r.yaml"])).code).toBe(0);
      const amp = await sonde(["render", "--amp", "--config", "render.yaml", "--output", "rules"]);
      expect(amp.code).toBe(0);
      expect(readFileSync(join(folder, "rules", "rules-t.yaml"), "utf8")).toContain("query_offset: 0s");
    }));

  it("asks which target is meant where there are several", async () => {
    const targets = ["a", "b"].map((name) => ({ name, prometheus: "http://127.0.0.1:9" }));
    writeFileSync(join(folder, "two.yaml"), JSON.stringify({ targets, packs: ["llm-on-eks"] }));
    expect(await sonde(["render", "--config", "two.yaml"])).toMatchObject({ code: 2 });
    expect(await sonde(["render", "--config", "two.yaml", "--target", "a"])).toMatchObject({ code: 3 });
  });
});
