import { describe, expect, it } from "vitest";

import { buildHandler } from "../../../../functions/run-transactions/handler.ts";
import type { RunDueDeps } from "../../../../functions/run-transactions/run-due.ts";
import { afterTime } from "../../../../functions/run-transactions/run-one.ts";
import { buildChangeIncidents } from "../../../../shared/adapters/change-incidents.ts";
import { compileConfig } from "../../../../shared/domain/compile.ts";
import { incidentsObject } from "../../../../shared/domain/incident-state.ts";
import { storeKeys } from "../../../../shared/domain/store.ts";
import type { CompiledTransaction } from "../../../../shared/domain/transactions/compiled.ts";
import type { Finding } from "../../../../shared/domain/transactions/finding.ts";
import type {
  Transaction,
  TransactionContext,
  TransactionResult,
} from "../../../../shared/domain/transactions/transaction.ts";
import { aPolicy, aRoute } from "../../../support/builders.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";

const minute = 60_000;
const start = Date.UTC(2026, 10, 25, 3);
const broken: Finding = { id: "web-redis", verdict: "fail", cause: "no Redis", fix: "mend it", seen: "20s" };

function aResult(change: Partial<TransactionResult> = {}): TransactionResult {
  return {
    findings: [],
    value: 1.3,
    says: "visible",
    labels: { backend: "langfuse" },
    request: "POST",
    measures: [{ name: "lag_p50_seconds", value: 1.3 }],
    leftovers: [],
    memory: { runs: 1 },
    ...change,
  };
}

function compiledTransactions(ids: readonly string[]): CompiledTransaction[] {
  const { compiled } = compileConfig(
    { langfuse: { url: "https://langfuse.example.com" } },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  return ids.flatMap((id) =>
    compiled.transactions.map((one) => ({ ...one, id, probe: { ...one.probe, id } })),
  );
}

type Run = (id: string, context: TransactionContext) => Promise<TransactionResult>;

/** The function with its own state, on a clock that the test moves. */
function aFunction(run: Run, ids: readonly string[] = ["langfuse-trace"], timeout?: number) {
  let at = start;
  const store = buildMemoryStore();
  const emitted: unknown[] = [];
  const logged: { level: string; message: string; data: unknown }[] = [];
  const announced: { target: string; count: number }[] = [];
  const incidents = aPolicy({ routes: [aRoute("slack:#ops")] });
  const transactions = compiledTransactions(ids).map((one) =>
    timeout === undefined ? one : { ...one, timeout },
  );
  const config = {
    ...compileConfig({}, { packs: [], ruleFiles: [], certificates: {} }).compiled,
    incidents,
    transactions,
  };
  const pause = async () => undefined;
  const build = ({ id, ...plan }: CompiledTransaction): Transaction => ({
    ...plan,
    id,
    run: (_, context) => run(id, context),
  });
  const deps: RunDueDeps = {
    config,
    store,
    changeIncidents: buildChangeIncidents(store, incidents, { nonce: () => String(at), pause }),
    announce: async (target, announcements) => {
      announced.push({ target, count: announcements.length });
    },
    shown: new Map(),
    build,
    now: () => at,
    nonce: () => `${at}-${store.objects.size}`,
    pause,
    after: afterTime,
    writeResults: null,
    emit: (metrics) => emitted.push(metrics),
    log: (level, message, data) => logged.push({ level, message, data }),
  };
  const handler = buildHandler(async () => deps);
  return {
    store,
    emitted,
    logged,
    announced,
    invoke: () => handler({ at: new Date(at).toISOString() }, { getRemainingTimeInMillis: () => 600_000 }),
    pass: (ms: number) => {
      at += ms;
    },
    incidents: () => {
      const key = storeKeys.incidents("langfuse");
      const body = store.objects.get(key)?.body;
      return body ? Object.values(incidentsObject("langfuse").parse(key, body).incidents) : [];
    },
  };
}

describe("what is due", () => {
  it("runs by each transaction's own `every`, with what it remembered", async () => {
    const seen: unknown[] = [];
    const own = aFunction(async (_, { memory }) => {
      seen.push(memory);
      return aResult({ memory: { runs: seen.length } });
    });
    for (let minutes = 0; minutes < 11; minutes++) {
      await own.invoke();
      own.pass(minute);
    }
    expect(seen).toEqual([null, { runs: 1 }, { runs: 2 }]);
  });

  it("runs once where two invocations overlap", async () => {
    let runs = 0;
    const own = aFunction(async () => {
      runs += 1;
      return aResult();
    });
    const reports = await Promise.all([own.invoke(), own.invoke()]);
    expect(runs).toBe(1);
    expect(reports.map(({ ran }) => Object.keys(ran).length).sort()).toEqual([0, 1]);
  });

  it("remembers what a run kept before it crashed", async () => {
    const seen: unknown[] = [];
    const own = aFunction(async (_, { memory, remember }) => {
      seen.push(memory);
      await remember({ pending: seen.length });
      throw new TypeError("a bug");
    });
    await expect(own.invoke()).rejects.toThrow("a bug");
    own.pass(5 * minute);
    await expect(own.invoke()).rejects.toThrow("a bug");
    expect(seen).toEqual([null, { pending: 1 }]);
  });

  it("runs a few at a time, each by itself: one that breaks leaves the others be", async () => {
    const ids = Array.from({ length: 10 }, (_, index) => `trace-${index}`);
    let now = 0;
    let most = 0;
    const own = aFunction(async (id) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now -= 1;
      if (id === "trace-3") throw new TypeError("a bug");
      return aResult();
    }, ids);
    await expect(own.invoke()).rejects.toThrow("a bug");
    expect(most).toBe(4);
    const ran = own.logged.filter(({ message }) => message === "transaction");
    expect(ran).toHaveLength(10);
    expect(own.incidents()).toEqual([]);
  });

  it("is cut off at its timeout, and unknown then", async () => {
    const own = aFunction(() => new Promise(() => undefined), ["langfuse-trace"], 20);
    expect(await own.invoke()).toEqual({ ran: { "langfuse/langfuse-trace": "unknown" } });
    expect(own.logged[0]).toMatchObject({ data: { status: "unknown", found: ["cut-off"] } });
  });
});

describe("a transaction that fails", () => {
  it("opens an incident with cause and fix, tells it, and resolves it", async () => {
    let findings: readonly Finding[] = [broken];
    const own = aFunction(async () => aResult({ findings, value: null }));
    expect(await own.invoke()).toEqual({ ran: { "langfuse/langfuse-trace": "fail" } });
    expect(own.incidents()).toMatchObject([
      { target: "langfuse", probe: "langfuse-trace", status: "firing", level: "fail" },
    ]);
    expect(JSON.stringify(own.incidents())).toContain("langfuse-trace: no Redis (20s); mend it");
    expect(own.announced.at(-1)).toEqual({ target: "langfuse", count: 1 });
    findings = [];
    own.pass(5 * minute);
    expect(await own.invoke()).toEqual({ ran: { "langfuse/langfuse-trace": "ok" } });
    expect(own.incidents()).toMatchObject([{ status: "resolved", resolution: "recovered" }]);
  });

  it("is announced again each minute while its message lags, though nothing is due", async () => {
    const own = aFunction(async () => aResult({ findings: [broken] }));
    for (let minutes = 0; minutes < 3; minutes++) {
      await own.invoke();
      own.pass(minute);
    }
    expect(own.announced).toEqual(Array.from({ length: 3 }, () => ({ target: "langfuse", count: 1 })));
  });

  it("is repeated by the policy's interval, since time passes for its incident", async () => {
    const own = aFunction(async () => aResult({ findings: [broken] }));
    await own.invoke();
    own.pass(4 * 60 * minute + 1_000);
    await own.invoke();
    expect(own.incidents()[0]?.history.map(({ what }) => what)).toContain("repeated");
  });

  it("blinds rather than fails where it could not tell", async () => {
    const own = aFunction(async () =>
      aResult({ findings: [{ ...broken, id: "read-limited", verdict: "unknown" }], value: null }),
    );
    for (let runs = 0; runs < 3; runs++) {
      await own.invoke();
      own.pass(5 * minute);
    }
    expect(own.incidents()).toMatchObject([{ level: "unknown", blind: true }]);
  });
});

it("counts in CloudWatch whether a run went well, its lag and its time, and logs one line with all", async () => {
  const own = aFunction(async () => aResult());
  await own.invoke();
  expect(own.emitted).toEqual([
    {
      target: "langfuse",
      transaction: "langfuse-trace",
      values: { TransactionSuccess: 1, TransactionLagSeconds: 1.3, TransactionSeconds: 0 },
    },
  ]);
  expect(own.logged).toMatchObject([
    {
      level: "info",
      message: "transaction",
      data: { transaction: "langfuse-trace", status: "ok", lag_p50_seconds: 1.3 },
    },
  ]);
});
