import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type RunDueDeps, runDue } from "../../../../functions/run-transactions/run-due.ts";
import type { After } from "../../../../functions/run-transactions/run-one.ts";
import { buildChangeIncidents } from "../../../../shared/adapters/change-incidents.ts";
import { compileConfig } from "../../../../shared/domain/compile.ts";
import { incidentsObject } from "../../../../shared/domain/incident-state.ts";
import { type Store, storeKeys } from "../../../../shared/domain/store.ts";
import type { CompiledTransaction } from "../../../../shared/domain/transactions/compiled.ts";
import type { Finding } from "../../../../shared/domain/transactions/finding.ts";
import type {
  Transaction,
  TransactionContext,
  TransactionResult,
} from "../../../../shared/domain/transactions/transaction.ts";
import { longestTimeout } from "../../../../shared/domain/transactions/transaction-state.ts";
import { aPolicy, aRoute } from "../../../support/builders.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";
import { buildVirtualClock } from "../../../support/virtual-clock.ts";

const second = 1_000;
const minute = 60 * second;
const start = Date.UTC(2026, 10, 25, 3);
/** What Lambda gives one invocation. */
const lifetime = 10 * minute;
const down: Finding = { id: "refused", verdict: "fail", cause: "down", fix: "start it", seen: "" };

interface Planned {
  readonly id: string;
  readonly target: string;
  readonly every: number;
  readonly timeout: number;
}

interface Turn {
  readonly id: string;
  readonly from: number;
  to: number | null;
}

type Act = (
  id: string,
  context: TransactionContext,
  sleep: (ms: number) => Promise<void>,
) => Promise<unknown>;

const well = { value: 1, says: "", labels: {}, request: "POST", measures: [], leftovers: [] } as const;

/** The function on a clock of its own: invocations overlap as Lambda's do. */
function aSchedule(
  planned: readonly Planned[],
  act: Act,
  { store = buildMemoryStore(), frozen = false }: { readonly store?: Store; readonly frozen?: boolean } = {},
) {
  const clock = buildVirtualClock(start);
  const turns: Turn[] = [];
  const logged: unknown[] = [];
  const announced: { readonly target: string; readonly at: number }[] = [];
  const errors: unknown[] = [];
  let nonces = 0;
  const nonce = () => `n${++nonces}`;
  const pause = async () => undefined;
  const { compiled } = compileConfig(
    { langfuse: { url: "https://langfuse.example.com" } },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  const transactions = planned.flatMap(({ id, target, every, timeout }) =>
    compiled.transactions.map((one) => ({
      ...one,
      id,
      target,
      timeout,
      probe: { ...one.probe, id, every },
    })),
  );
  const incidents = aPolicy({ routes: [aRoute("slack:#ops")] });
  const after: After = (ms) => ({
    passed: frozen ? new Promise(() => undefined) : clock.sleep(ms),
    cancel: () => undefined,
  });
  const build = ({ id, ...plan }: CompiledTransaction): Transaction => ({
    ...plan,
    id,
    run: async (_, context): Promise<TransactionResult> => {
      const turn: Turn = { id, from: clock.now(), to: null };
      turns.push(turn);
      const found = await act(id, context, clock.sleep);
      turn.to = clock.now();
      return { ...well, findings: found === "down" ? [down] : [], memory: { by: clock.now() } };
    },
  });
  const deps: RunDueDeps = {
    config: { ...compiled, incidents, transactions },
    store,
    changeIncidents: buildChangeIncidents(store, incidents, { nonce, pause }),
    announce: async (target) => {
      announced.push({ target, at: clock.now() - start });
    },
    shown: new Map(),
    build,
    now: clock.now,
    nonce,
    pause,
    after,
    writeResults: null,
    emit: () => undefined,
    log: (...line) => logged.push(line),
  };
  /** Not waited for: the next minute's begins whether this one has ended or not. */
  const invoke = (at = clock.now()) => {
    void runDue(at, clock.now() + lifetime, deps).catch((error: unknown) => errors.push(error));
  };
  const minutes = async (count: number) => {
    for (let passed = 0; passed < count; passed++) {
      invoke();
      await clock.pass(minute);
    }
  };
  const starts = (id: string) => turns.filter((turn) => turn.id === id).map(({ from }) => from - start);
  return { clock, turns, logged, announced, errors, store, invoke, minutes, starts, deps };
}

const plan = (id: string, change: Partial<Planned> = {}): Planned => ({
  id,
  target: "seoul",
  every: minute,
  timeout: 3 * minute,
  ...change,
});

describe("each transaction", () => {
  it("goes by its own schedule, to the minute, however long it takes", async () => {
    const own = aSchedule(
      [plan("often"), plan("seldom", { every: 5 * minute }), plan("slow", { every: 2 * minute })],
      (id, _, sleep) => sleep(id === "slow" ? 90 * second : 2 * second),
    );
    await own.minutes(11);
    expect(own.starts("often")).toEqual(Array.from({ length: 11 }, (_, index) => index * minute));
    expect(own.starts("seldom")).toEqual([0, 5 * minute, 10 * minute]);
    expect(own.starts("slow")).toEqual([0, 2, 4, 6, 8, 10].map((at) => at * minute));
    expect(own.errors).toEqual([]);
  });

  it("that takes longer than its own schedule has no second run beside the first", async () => {
    const own = aSchedule([plan("slow")], (_id, _context, sleep) => sleep(150 * second));
    await own.minutes(9);
    expect(own.starts("slow")).toEqual([0, 3 * minute, 6 * minute]);
  });

  it("is cut off at its own timeout, and due again after that", async () => {
    const own = aSchedule([plan("hangs", { timeout: 90 * second })], () => new Promise(() => undefined));
    await own.minutes(6);
    expect(own.starts("hangs")).toEqual([0, 2 * minute, 4 * minute]);
  });

  it("that hangs holds up no other", async () => {
    const own = aSchedule(
      [plan("hangs"), plan("beside"), plan("else", { target: "ohio" })],
      async (id, _, sleep) => (id === "hangs" ? new Promise(() => undefined) : sleep(second)),
    );
    await own.minutes(6);
    for (const id of ["beside", "else"])
      expect(own.starts(id)).toEqual(Array.from({ length: 6 }, (_, index) => index * minute));
  });

  it("that waits for a place among many that hang gets one by the next invocation, and other targets' never wait", async () => {
    const hanging = Array.from({ length: 6 }, (_, index) => plan(`hangs-${index}`, { timeout: 4 * minute }));
    const elsewhere = Array.from({ length: 11 }, (_, index) =>
      plan(`well-${index}`, { target: `t${index}` }),
    );
    const own = aSchedule([...hanging, plan("beside"), ...elsewhere], async (id, _, sleep) =>
      id.startsWith("hangs") ? new Promise(() => undefined) : sleep(second),
    );
    await own.minutes(12);
    for (const { id } of elsewhere)
      expect(own.starts(id)).toEqual(Array.from({ length: 12 }, (_, index) => index * minute));
    const beside = [0, ...own.starts("beside"), 12 * minute];
    const waits = beside.slice(1).map((at, index) => at - (beside[index] ?? 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(2 * minute);
    for (const { id } of hanging) expect(own.starts(id).length).toBeGreaterThanOrEqual(2);
  });

  it("is told as soon as it has ended, and not when the slowest has", async () => {
    const own = aSchedule([plan("fails", { target: "ohio" }), plan("hangs")], async (id, _, sleep) => {
      if (id === "hangs") return new Promise(() => undefined);
      await sleep(2 * second);
      return "down";
    });
    await own.minutes(1);
    expect(own.announced).toEqual([{ target: "ohio", at: 2 * second }]);
  });

  it("is not begun where the invocation may end before it, but by the next one", async () => {
    const own = aSchedule([plan("slow", { timeout: 9 * minute })], (_id, _context, sleep) => sleep(second));
    await runDue(own.clock.now(), own.clock.now() + 9 * minute, own.deps);
    expect(own.turns).toEqual([]);
    await own.minutes(1);
    expect(own.starts("slow")).toEqual([0]);
  });
});

it("many targets run at the same time, in bounds", async () => {
  const planned = Array.from({ length: 40 }, (_, index) =>
    Array.from({ length: 3 }, (_unused, nth) =>
      plan(`p${index}-${nth}`, { target: `t${index}`, every: 10 * minute }),
    ),
  ).flat();
  let now = 0;
  let most = 0;
  const own = aSchedule(planned, async (_id, _context, sleep) => {
    most = Math.max(most, ++now);
    await sleep(3 * second);
    now -= 1;
  });
  await own.minutes(1);
  expect(own.turns).toHaveLength(120);
  expect(most).toBe(16);
});

it("a run that comes to its end too late tells nothing, and overwrites nothing of the run that took its turn", async () => {
  const kept: unknown[] = [];
  // Lambda freezes an invocation together with its timers: nothing cuts the run off.
  const own = aSchedule(
    [plan("frozen", { every: 5 * minute, timeout: minute })],
    async (_id, { memory, remember }, sleep) => {
      const run = kept.push(memory);
      await sleep(run === 1 ? 5.5 * minute : minute);
      await remember({ half: run });
      return run === 1 ? "down" : "well";
    },
    { frozen: true },
  );
  await own.minutes(12);
  expect(own.starts("frozen")).toEqual([0, 5 * minute, 10 * minute]);
  expect(kept).toEqual([null, null, { by: start + 6 * minute }]);
  expect(own.logged.filter((line) => JSON.stringify(line).includes("too late"))).toEqual([
    ["warn", "a run came to its end too late", { transaction: "frozen", target: "seoul" }],
  ]);
  const key = storeKeys.incidents("seoul");
  const stored = await own.store.read(key);
  expect(incidentsObject("seoul").parse(key, stored?.body ?? "").incidents).toEqual({});
});

it("overlapping invocations never run the same transaction twice, whatever the store does meanwhile", async () => {
  const chaos = fc.record({
    durations: fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 8 }),
    gaps: fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 5, maxLength: 20 }),
    late: fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 5 }),
    faults: fc.array(fc.constantFrom("none", "none", "none", "refused", "slow"), {
      minLength: 1,
      maxLength: 9,
    }),
  });
  await fc.assert(
    fc.asyncProperty(chaos, async ({ durations, gaps, late, faults }) => {
      const store = buildMemoryStore();
      let calls = 0;
      const faulty: Store = {
        ...store,
        write: async (key, body, condition) => {
          const fault = faults[calls++ % faults.length];
          if (fault === "refused") throw new Error("the store is in trouble");
          if (fault === "slow") await own.clock.sleep(2 * second);
          return store.write(key, body, condition);
        },
      };
      const planned = [plan("a"), plan("b", { every: 2 * minute }), plan("c", { target: "ohio" })];
      let runs = 0;
      const own = aSchedule(
        planned,
        (_id, _context, sleep) => sleep((durations[runs++ % durations.length] ?? 0) * second),
        { store: faulty },
      );
      for (const [index, gap] of gaps.entries()) {
        // Scheduled for a while ago: invocations come late, and in any order.
        own.invoke(own.clock.now() - (late[index % late.length] ?? 0) * second);
        await own.clock.pass(gap * second);
      }
      await own.clock.pass(15 * minute);
      for (const { id } of planned) {
        const turns = own.turns.filter((turn) => turn.id === id);
        for (const [index, { from }] of turns.entries()) {
          const { to } = turns[index - 1] ?? { to: from };
          // A run that was cut off at its timeout may go on by itself for a while; nobody counts on it.
          const over = Math.min(
            to ?? Number.POSITIVE_INFINITY,
            (turns[index - 1]?.from ?? from) + 3 * minute,
          );
          expect(from).toBeGreaterThanOrEqual(over);
        }
      }
    }),
    { numRuns: 60 },
  );
});

it("a timeout that one invocation has no time for is refused in config", () => {
  const { faults } = compileConfig(
    { langfuse: { url: "https://langfuse.example.com", patience: "9m" } },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  expect(faults).toEqual([
    { path: ["langfuse"], message: expect.stringContaining("langfuse-trace takes up to 10m30s") },
  ]);
  expect(longestTimeout + 30 * second).toBeLessThan(lifetime);
});
