import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { CliDeps } from "../../cli/deps.ts";
import { runTest } from "../../cli/rule-test/run.ts";
import { withFiles } from "../support/promtool.ts";

const config = `
probes:
  - id: gpu-temperature
    query: max by (gpu) (DCGM_FI_DEV_GPU_TEMP)
    warn: "> 80"
    fail: { when: "> 85", for: 5m }
    every: 1m
    step: 15s
`;
const hot = `
config: sonde.yaml
tests:
  - name: a GPU gets hot, and then its exporter dies
    interval: 15s
    input_series:
      - { series: 'DCGM_FI_DEV_GPU_TEMP{gpu="0"}', values: "86x40" }
      - { series: 'DCGM_FI_DEV_GPU_TEMP{gpu="1"}', values: "60x40" }
    probe_test:
      - eval_time: 1m
        probe: gpu-temperature
        exp_verdicts:
          - { labels: { gpu: 0 }, status: warn, value: 86, cause: breach, since: 0s }
          - { labels: { gpu: 1 }, status: ok, value: 60 }
      - eval_time: 5m30s
        probe: gpu-temperature
        exp_verdicts:
          - { labels: { gpu: 0 }, status: fail, since: 0s }
          - { labels: { gpu: 1 }, status: ok }
      - eval_time: 14m
        probe: gpu-temperature
        exp_verdicts:
          - { labels: { gpu: 0 }, status: fail, cause: stale }
          - { labels: { gpu: 1 }, status: unknown, cause: stale }
`;

async function sonde(files: Readonly<Record<string, string>>, names: readonly string[], json = false) {
  const lines: string[] = [];
  const errors: string[] = [];
  let code: number | undefined;
  await withFiles(files, (cwd) =>
    runTest(names, { json }, {
      now: () => Date.now(),
      sleep: async () => undefined,
      env: process.env,
      cwd,
      cacheDir: join(tmpdir(), "sonde-test-cache"),
      out: (line) => lines.push(line),
      err: (line) => errors.push(line),
      style: { color: false, width: 100 },
      nonce: () => "",
      clientFor: () => Promise.reject(new Error("not asked for here")),
      exit: (given) => {
        code = given;
      },
      interrupted: new AbortController().signal,
    } satisfies CliDeps),
  );
  return { lines, errors: errors.map((line) => line.replace(/\S*sonde-files-\w+\//g, "")), code };
}

describe("sonde test", () => {
  it("judges a probe as if Sonde had run since the test began", async () => {
    const { lines, errors, code } = await sonde({ "sonde.yaml": config, "hot.yml": hot }, ["hot.yml"]);
    expect(lines[0]).toBe("SUCCESS  hot.yml");
    expect(lines[1]).toMatch(/^1 tests, 3 checks, 0 failed, in \d+ ms$/);
    expect(errors).toEqual([]);
    expect(code).toBe(0);
  });

  it("shows what is missing and what is there instead, and exits with 1", async () => {
    const files = {
      "sonde.yaml": config,
      "hot.yml": hot.replace("status: ok, value: 60", "status: ok, value: 61"),
    };
    const { lines, code } = await sonde(files, ["hot.yml"]);
    expect(lines.slice(0, 5)).toEqual([
      "FAILED  hot.yml",
      "  test: a GPU gets hot, and then its exporter dies",
      "    probe: gpu-temperature, time: 1m",
      '      - {gpu="1"} ok value 61',
      '      + {gpu="1"} ok value 60 cause within (not > 85)',
    ]);
    expect(code).toBe(1);
  });

  it("prints a JSON object for each test, and a summary", async () => {
    const { lines } = await sonde({ "sonde.yaml": config, "hot.yml": hot }, ["hot.yml"], true);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { file: "hot.yml", test: "a GPU gets hot, and then its exporter dies", checks: 3, failures: [] },
      { summary: { tests: 1, checks: 3, failed: 0, broken: 0 } },
    ]);
  });

  it.each([
    ["is not there", {}, "hot.yml does not exist: check the path"],
    ["is not YAML", { "hot.yml": "a: [" }, /^hot\.yml:1: not YAML/],
    [
      "names an unknown probe",
      { "sonde.yaml": config, "hot.yml": hot.replaceAll("probe: gpu-temperature", "probe: gpu-temperatur") },
      /^hot\.yml: tests\[0\]\.probe_test\[0\]\.probe: no probe "gpu-temperatur"; did you mean "gpu-temperature"\?/,
    ],
    [
      "names a broken rule file",
      { "hot.yml": "rule_files: [rules.yml]", "rules.yml": "groups: [{ name: a, rules: [{ alert: B }] }]" },
      "rules.yml: groups[0].rules[0].expr: is missing",
    ],
    [
      "names a config with a fault",
      { "hot.yml": hot, "sonde.yaml": "probe: []" },
      /sonde\.yaml:1: probe: unknown key/,
    ],
  ])("exits with 2 where the file %s", async (_, files, message) => {
    const { errors, code } = await sonde(files, ["hot.yml"]);
    expect(errors.join("\n")).toMatch(message);
    expect(code).toBe(2);
  });

  it("warns of an alert that no rule raises, for its test would always pass", async () => {
    const files = {
      "a.yml": "rule_files: [rules.yml, none-*.yml]\ntests: [{ alert_rule_test: [{ alertname: GpuHott }] }]",
      "rules.yml": "groups: [{ name: a, rules: [{ alert: GpuHot, expr: up == 0 }] }]",
    };
    const { lines, code } = await sonde(files, ["a.yml"]);
    expect(lines).toContain('  warning: no rule is called "GpuHott"; did you mean "GpuHot"?');
    expect(lines).toContain("  warning: no file matches none-*.yml");
    expect(code).toBe(0);
  });
});
