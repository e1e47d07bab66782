import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type RunDueDeps, runDue } from "../../functions/run-transactions/run-due.ts";
import { afterTime } from "../../functions/run-transactions/run-one.ts";
import { buildChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { buildTargetClient } from "../../shared/adapters/target-client.ts";
import { buildTargetWrite } from "../../shared/adapters/target-write.ts";
import { compileConfig } from "../../shared/domain/compile.ts";
import { parseConfig } from "../../shared/domain/config.ts";
import type { TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import { buildMemoryStore } from "../support/memory-store.ts";
import { type RealPrometheus, startPrometheus } from "../support/real-prometheus.ts";

const now = () => Date.now();
const readSecret = async () => "";

function configFor(url: string) {
  const parsed = parseConfig({
    targets: [{ name: "lab", prometheus: url }],
    langfuse: { url: "https://langfuse.example.com" },
    writePath: {},
    transactions: { writeTo: "lab" },
  });
  if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
  return compileConfig(parsed.config, { packs: [], ruleFiles: [], certificates: {} }).compiled;
}

/** One invocation against a target that takes the results; what the transactions find is given. */
async function invoke(url: string, results: Readonly<Record<string, Partial<TransactionResult>>>) {
  const config = configFor(url);
  const [target] = config.targets;
  if (!target) throw new Error("the config has no target");
  const store = buildMemoryStore();
  const pause = async () => undefined;
  let nonces = 0;
  const nonce = () => `n${++nonces}`;
  const logged: { readonly level: string; readonly message: string; readonly data: object }[] = [];
  const deps: RunDueDeps = {
    config,
    store,
    changeIncidents: buildChangeIncidents(store, config.incidents, { nonce, pause }),
    announce: async () => undefined,
    shown: new Map(),
    build: ({ id, ...plan }) => ({
      ...plan,
      id,
      run: async () => ({
        findings: [],
        value: 0.5,
        says: "",
        labels: {},
        request: "",
        measures: [],
        leftovers: [],
        memory: null,
        ...results[id],
      }),
    }),
    writeResults: buildTargetWrite(target, { readSecret, now, timeoutMs: 2_000 }),
    now,
    nonce,
    pause,
    after: afterTime,
    emit: () => undefined,
    log: (level, message, data) => logged.push({ level, message, data }),
  };
  return { report: await runDue(now(), now() + 600_000, deps), logged, target, store };
}

const down = { id: "refused", verdict: "fail", cause: "down", fix: "start it", seen: "" } as const;

describe("transactions' results", () => {
  let prometheus: RealPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus();
  });
  afterAll(() => prometheus.stop());

  it("are series of the target that config names, as dashboards ask for them", async () => {
    const { report, target, logged } = await invoke(prometheus.url, {
      "langfuse-trace": { measures: [{ name: "accept_seconds", value: 0.2 }] },
      "write-path": { findings: [down], value: null },
    });
    expect(report.ran).toEqual({ "langfuse/langfuse-trace": "ok", "lab/write-path": "fail" });
    expect(logged.filter(({ level }) => level !== "info")).toEqual([]);
    const client = await buildTargetClient(target, {
      readSecret,
      now,
      sleep: async () => undefined,
      random: () => 0,
    });
    const ask = async (query: string) =>
      (await client.queryInstant({ query, at: now() })).data.map(({ labels, sample }) => [labels, sample.v]);
    const trace = { transaction: "langfuse-trace", kind: "trace", target: "langfuse" };
    const path = { transaction: "write-path", kind: "write-path", target: "lab" };
    expect(await ask("sonde_transaction_success == 1")).toEqual([
      [{ __name__: "sonde_transaction_success", ...trace }, 1],
    ]);
    expect(await ask('avg by (target) (sonde_transaction_success{transaction="write-path"})')).toEqual([
      [{ target: "lab" }, 0],
    ]);
    expect(await ask("max by (transaction) (last_over_time(sonde_transaction_lag_seconds[15m]))")).toEqual([
      [{ transaction: "langfuse-trace" }, 0.5],
    ]);
    expect(await ask("sonde_transaction_trace_accept_seconds")).toEqual([
      [{ __name__: "sonde_transaction_trace_accept_seconds", ...trace }, 0.2],
    ]);
    expect(await ask("count(sonde_transaction_duration_seconds >= 0)")).toEqual([[{}, 2]]);
    expect(await ask("sonde_transaction_unknown")).toEqual([
      [{ __name__: "sonde_transaction_unknown", ...trace }, 0],
      [{ __name__: "sonde_transaction_unknown", ...path }, 0],
    ]);
  });

  it("that are refused or go nowhere are a warning each, and change nothing of what the runs found", async () => {
    const deaf = await startPrometheus({ receiver: false });
    const refused = await invoke(deaf.url, {});
    await deaf.stop();
    const nowhere = await invoke(deaf.url, {});
    for (const [{ report, logged, store }, found] of [
      [refused, "receiver-off"],
      [nowhere, "unreachable"],
    ] as const) {
      expect(report.ran).toEqual({ "langfuse/langfuse-trace": "ok", "lab/write-path": "ok" });
      const warned = logged.filter(({ level }) => level !== "info");
      expect(warned).toEqual(
        expect.arrayContaining(
          ["langfuse-trace", "write-path"].map((transaction) => ({
            level: "warn",
            message: "results were not written",
            data: { transaction, found, seen: expect.any(String) },
          })),
        ),
      );
      expect(warned).toHaveLength(2);
      expect(store.objects.get("transactions/lab.json")?.body ?? "").toContain('"lease":null');
    }
  });
});
