import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { BackendFault } from "../../cli/stage/backends/faults.ts";
import { type BackendStage, startBackend } from "../../cli/stage/backends/server.ts";
import { lokiDiagnoses } from "../../shared/domain/transactions/backends/loki.ts";
import { planTrace } from "../../shared/domain/transactions/planned-trace.ts";
import { secretValue } from "../support/backend-probe.ts";
import { runCli } from "../support/cli.ts";
import { buildClock, type Clock } from "../support/trace-probe.ts";

let clock: Clock;
let folder: string;
let langsmith: BackendStage;
let tempo: BackendStage;
let otlp: BackendStage;
let loki: BackendStage;
beforeEach(async () => {
  clock = buildClock();
  const header = ["x-api-key", secretValue] as const;
  folder = mkdtempSync(join(tmpdir(), "sonde-backends-"));
  langsmith = await startBackend({ kind: "langsmith", now: clock.now, header });
  tempo = await startBackend({ kind: "tempo", now: clock.now, orgId: "team-a" });
  otlp = await startBackend({ kind: "otlp", now: clock.now });
  loki = await startBackend({ kind: "loki", now: clock.now, header });
  writeFileSync(
    join(folder, "sonde.yaml"),
    `traces:
  - { kind: langsmith, endpoint: "${langsmith.url}", headers: { x-api-key: sonde/backend } }
  - { kind: tempo, endpoint: "${tempo.url}", query: "${tempo.url}", orgId: team-a }
  - { kind: otlp, endpoint: "${otlp.url}" }
logs:
  - { kind: loki, url: "${loki.url}", headers: { x-api-key: sonde/backend } }
`,
  );
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await Promise.all([langsmith, tempo, otlp, loki].map(({ stop }) => stop()));
});

function transact(...args: readonly string[]) {
  const env = { SONDE_BACKEND: secretValue };
  return runCli(["transact", ...args], { cwd: folder, env, now: clock.now, sleep: clock.sleep });
}

describe("sonde transact with other backends", () => {
  it("says of each how it went and what becomes of what it sent", async () => {
    const { code, out } = await transact();
    expect(code).toBe(0);
    expect(out).toEqual([
      expect.stringMatching(/trace-langsmith {2}visible and complete after .*its deletion is asked for/),
      expect.stringMatching(/trace-tempo {2}visible and complete after .*Tempo deletes no trace/),
      expect.stringMatching(/trace-otlp {2}accepted; nothing was read back/),
      expect.stringMatching(/log-loki {2}visible and complete after .*Loki deletes no single line/),
    ]);
    expect(langsmith.kept()).toEqual([]);
  });

  it("runs the traces or the logs only", async () => {
    expect((await transact("--only", "log")).out).toEqual([expect.stringContaining("log-loki")]);
    expect((await transact("--only", "trace")).out).toHaveLength(3);
  });

  it("says of what is wrong its cause and its fix, and exits 1", async () => {
    loki.setFault("limited");
    const { code, out } = await transact("--only", "log");
    expect(code).toBe(1);
    expect(out.join("\n")).toContain(lokiDiagnoses["rate-limited"].cause);
    expect(out.join("\n")).toContain(`→ ${lokiDiagnoses["rate-limited"].fix}`);
  });

  it.each<BackendFault | null>([null, "echoes", "masks", "loses-all", "refuses", "unauthorized"])(
    "shows neither key nor prompt (%s)",
    async (fault) => {
      for (const stage of [langsmith, tempo, otlp, loki]) stage.setFault(fault);
      const everything = JSON.stringify([await transact(), await transact("--json")]);
      const prompts = planTrace(0, "n", { environment: "e", pricedModel: "", tenant: "t" }).flatMap(
        ({ attributes }) => attributes["langfuse.observation.input"] ?? [],
      );
      for (const secret of [secretValue, ...prompts.map(String)]) expect(everything).not.toContain(secret);
    },
  );
});
