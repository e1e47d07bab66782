import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { LangfuseFault } from "../../cli/stage/langfuse/faults.ts";
import { type LangfuseStage, startLangfuse } from "../../cli/stage/langfuse/server.ts";
import { langfuseDiagnoses } from "../../shared/domain/transactions/langfuse-diagnoses.ts";
import { planTrace } from "../../shared/domain/transactions/planned-trace.ts";
import { runCli } from "../support/cli.ts";
import { letOut } from "../support/run-transactions.ts";
import { buildClock, type Clock, keys } from "../support/trace-probe.ts";

const pair = `${keys.publicKey}:${keys.secretKey}`;
let stage: LangfuseStage;
let clock: Clock;
let folder: string;
beforeEach(async () => {
  clock = buildClock();
  stage = await startLangfuse({ keys: [keys], now: clock.now });
  folder = mkdtempSync(join(tmpdir(), "sonde-transact-"));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await stage.stop();
});

function transact(args: readonly string[], env: Record<string, string> = { SONDE_LANGFUSE: pair }) {
  writeFileSync(join(folder, "sonde.yaml"), `langfuse: { url: "${stage.url}" }\n`);
  return runCli(["transact", ...args], { cwd: folder, env, now: clock.now, sleep: clock.sleep });
}

describe("sonde transact", () => {
  it("says of each transaction how it went, and leaves nothing behind", async () => {
    const { code, out } = await transact([]);
    expect(code).toBe(0);
    expect(out).toEqual([expect.stringMatching(/ok +langfuse-trace {2}visible and complete after 1\.\d s/i)]);
    expect(stage.kept()).toEqual([]);
  });

  it("says of what is wrong its cause and its fix, and exits 1", async () => {
    stage.setFault("s3-refused");
    const { code, out } = await transact(["--only", "trace"]);
    expect(code).toBe(1);
    expect(out.join("\n")).toContain(langfuseDiagnoses["s3-upload"].cause);
    expect(out.join("\n")).toContain(`→ ${langfuseDiagnoses["s3-upload"].fix}`);
  });

  it("says of what it left behind which trace that is", async () => {
    stage.setFault("worker-stopped");
    const { code, out } = await transact([]);
    expect(code).toBe(3);
    expect(out.at(-1)).toContain(stage.kept()[0]);
  });

  it("prints a line of JSON for each, with findings and measures, and a summary", async () => {
    stage.setFault("masks-input");
    const { code, out } = await transact(["--json"]);
    expect(code).toBe(1);
    const [line = "", summary = ""] = out;
    expect(JSON.parse(line)).toMatchObject({
      probe: "langfuse-trace",
      target: "langfuse",
      status: "fail",
      unit: "seconds",
      findings: [{ id: "altered", fix: langfuseDiagnoses.altered.fix }],
      measures: { fields_lost: 0, fields_altered: 5 },
      leftovers: [],
    });
    expect(JSON.parse(summary)).toMatchObject({ summary: { ok: 0, fail: 1 } });
  });

  it("is unknown without its keys, and names the variable", async () => {
    const { code, out } = await transact([], {});
    expect(code).toBe(3);
    expect(out.join("\n")).toContain("SONDE_LANGFUSE");
  });

  it.each([
    [
      ["--only", "tracing"],
      /no kind of transaction "tracing"; did you mean "trace"|no kind of transaction "tracing"/,
    ],
    [["--only", "completion"], /has no transactions of kind completion/],
  ])("refuses %j with one line", async (args, says) => {
    const { code, err } = await transact(args);
    expect(code).toBe(2);
    expect(err.join("\n")).toMatch(says);
  });
});

describe("keys, prompts and answers", () => {
  const texts = planTrace(0, "n", { environment: "e", pricedModel: "m", tenant: "t" }).flatMap(
    ({ attributes }) =>
      ["langfuse.observation.input", "langfuse.observation.output"].flatMap((name) => attributes[name] ?? []),
  );
  const secrets = [keys.secretKey, btoa(pair), ...texts.map(String)];
  const faults: readonly (LangfuseFault | null)[] = [
    null,
    "proxy-mangles-authorization",
    "proxy-wrong-bearer",
    "proxy-sends-bearer",
    "proxy-echoes",
    "s3-refused",
    "proxy-drops-encoding",
    "masks-input",
    "loses-metadata",
    "clickhouse-down",
    "worker-stopped",
  ];

  it.each(faults)(
    "appear nowhere in logs, events, metrics, state, incidents or their messages (%s)",
    async (fault) => {
      stage.setFault(fault);
      const { now, sleep } = clock;
      const config = { langfuse: { url: stage.url } };
      const everything = await letOut({ config, readSecret: async () => pair, now, sleep });
      expect(everything).toContain("langfuse-trace");
      for (const secret of secrets) expect(everything).not.toContain(secret);
    },
  );

  it.each(faults)("appear nowhere in what the command line prints (%s)", async (fault) => {
    stage.setFault(fault);
    const runs = [await transact([]), await transact(["--json"])];
    const everything = JSON.stringify(runs);
    for (const secret of secrets) expect(everything).not.toContain(secret);
  });
});
