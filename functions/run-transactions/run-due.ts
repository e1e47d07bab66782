import pLimit from "p-limit";

import type { ChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { changeObject } from "../../shared/adapters/change-object.ts";
import { findLagging } from "../../shared/adapters/find-lagging.ts";
import type { WriteSamples } from "../../shared/adapters/remote-write.ts";
import { isOpen } from "../../shared/domain/incident.ts";
import { incidentsObject } from "../../shared/domain/incident-state.ts";
import type { Announcement, Incidents } from "../../shared/domain/incidents.ts";
import { allProbes, type CompiledConfig } from "../../shared/domain/probe.ts";
import { PrometheusError } from "../../shared/domain/prometheus.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import type { CompiledTransaction } from "../../shared/domain/transactions/compiled.ts";
import { diagnoseWrite } from "../../shared/domain/transactions/diagnose-write.ts";
import { judgeRun } from "../../shared/domain/transactions/judge.ts";
import {
  metricsOfRounds,
  metricsOfTarget,
  planMetrics,
} from "../../shared/domain/transactions/metric-plan.ts";
import { type Outcome, outcomeOf, resultSeries } from "../../shared/domain/transactions/outcome.ts";
import type { Transaction, TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import {
  afterwards,
  holds,
  isDue,
  type RememberedTransaction,
  remembered,
  taken,
  transactionsObject,
} from "../../shared/domain/transactions/transaction-state.ts";
import type { Status, Verdict } from "../../shared/domain/verdict.ts";
import { type After, runOne } from "./run-one.ts";

export interface RunDueDeps {
  readonly config: CompiledConfig;
  readonly store: Store;
  readonly changeIncidents: ChangeIncidents;
  /** Tells the notifiers which messages may lag behind their incident. */
  readonly announce: (target: string, announcements: readonly Announcement[]) => Promise<void>;
  readonly shown: Map<string, number>;
  readonly build: (compiled: CompiledTransaction) => Transaction;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly nonce: () => string;
  readonly pause: (tried: number) => Promise<void>;
  readonly after: After;
  /** Writes a run's results where config wants them; null: nowhere. */
  readonly writeResults: WriteSamples | null;
  readonly emit: (metrics: {
    readonly target: string;
    readonly transaction: string;
    readonly values: Readonly<Record<string, number>>;
  }) => void;
  readonly log: (
    level: "info" | "warn" | "error",
    message: string,
    data: Readonly<Record<string, unknown>>,
  ) => void;
}

export interface TransactionsReport {
  /** The status of each transaction that was due, by target and id. */
  readonly ran: Readonly<Record<string, Status>>;
}

/** They wait more than they work; these keep memory and sockets in bounds, and one target from taking all. */
const concurrency = { all: 16, ofTarget: 4 } as const;

/**
 * Runs what is due, each by itself: one that breaks or hangs leaves the others be. What finds no place here, or no
 * time before `deadline`, stays due, and the next invocation takes it. Throws at the end where one broke by its own
 * fault or could not be remembered, so that the alarm on errors hears of it.
 */
export async function runDue(now: number, deadline: number, deps: RunDueDeps): Promise<TransactionsReport> {
  const all = pLimit(concurrency.all);
  const { transactions } = deps.config;
  const outcomes = await Promise.all(
    [...new Set(transactions.map(({ target }) => target))].flatMap((target) => {
      const ofTarget = pLimit(concurrency.ofTarget);
      return [
        keepUp(target, now, deps),
        ...transactions
          .filter((one) => one.target === target)
          .map((one) => ofTarget(() => all(() => runIfDue(one, now, deadline, deps)))),
      ];
    }),
  );
  const failed = outcomes.flatMap((outcome) => (outcome?.error ? [outcome.error] : []));
  if (failed.length > 0) throw new AggregateError(failed, failed.map(({ message }) => message).join("; "));
  return {
    ran: Object.fromEntries(outcomes.flatMap((one) => (one?.status ? [[one.name, one.status]] : []))),
  };
}

interface Ran {
  readonly name: string;
  readonly status?: Status;
  readonly error?: Error;
}

/** A transaction's turn, which nobody else has as long as the lease runs. */
interface Turn {
  readonly holder: string;
  /** Unix milliseconds. */
  readonly until: number;
  readonly before: RememberedTransaction;
}

async function runIfDue(
  compiled: CompiledTransaction,
  now: number,
  deadline: number,
  deps: RunDueDeps,
): Promise<Ran | null> {
  const { id, target } = compiled;
  const name = `${target}/${id}`;
  try {
    const turn = await claim(compiled, now, deadline, deps);
    if (!turn) return null;
    const started = deps.now();
    const remember = async (memory: unknown) => {
      await change(compiled, deps, (one) => (holds(one, turn.holder) ? { ...one, memory } : one));
    };
    const context = { memory: turn.before.memory, remember };
    const { result, error } = await runOne(deps.build(compiled), started, context, deps.after);
    const ended = deps.now();
    if (ended >= turn.until && !(await stillHolds(compiled, turn, deps))) {
      // Told now, it would be news from before what is known by now.
      deps.log("warn", "a run came to its end too late", { transaction: id, target });
      return { name, ...(error ? { error } : {}) };
    }
    const verdict = await conclude(compiled, turn, result, ended, deps);
    const outcome = outcomeOf(result, ended - started);
    tell(compiled, verdict, result, outcome, deps);
    await write(compiled, result, outcome, ended, deps);
    return { name, status: verdict.status, ...(error ? { error } : {}) };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    deps.log("error", error.message, { transaction: id, target });
    return { name, error };
  }
}

/** Takes the run if it is due, nobody else has it and there is time for it. */
async function claim(
  compiled: CompiledTransaction,
  now: number,
  deadline: number,
  deps: RunDueDeps,
): Promise<Turn | null> {
  const { timeout, probe } = compiled;
  const clock = deps.now();
  const until = clock + timeout + afterwards;
  if (until > deadline) return null;
  const holder = deps.nonce();
  const before = await change(compiled, deps, (one) =>
    isDue(one, probe.every, now, clock) ? taken(one, holder, timeout, now, clock) : one,
  );
  return before && { holder, until, before };
}

/** Takes the turn anew, where nobody has taken it over since the lease ran out. */
async function stillHolds(
  compiled: CompiledTransaction,
  { holder }: Turn,
  deps: RunDueDeps,
): Promise<boolean> {
  const lease = { holder, until: deps.now() + afterwards };
  return (await change(compiled, deps, (one) => (holds(one, holder) ? { ...one, lease } : one))) !== null;
}

/** Changes what is remembered of a transaction, and answers what it was before; null where nothing changed. */
async function change(
  { id, target }: CompiledTransaction,
  { store, nonce, pause }: RunDueDeps,
  next: (before: RememberedTransaction) => RememberedTransaction,
): Promise<RememberedTransaction | null> {
  const { result } = await changeObject(
    store,
    storeKeys.transactions(target),
    transactionsObject(target),
    (state) => {
      const before = remembered(state, id);
      const after = next(before);
      if (after === before) return { next: state, result: null };
      return { next: { ...state, transactions: { ...state.transactions, [id]: after } }, result: before };
    },
    { nonce, pause },
  );
  return result;
}

/** Incidents first: a run that is cut short between the two is told again by the next one. */
async function conclude(
  compiled: CompiledTransaction,
  { holder, before }: Turn,
  result: TransactionResult,
  at: number,
  deps: RunDueDeps,
): Promise<Verdict> {
  const { id, probe, target } = compiled;
  const { verdicts, state } = judgeRun(compiled, result, before.probe ?? undefined, at);
  const [verdict] = verdicts;
  if (!verdict) throw new Error(`the transaction ${id} has no verdict`);
  const round = {
    shard: `transaction/${id}`,
    at,
    results: [{ probe, verdicts, state }],
    configured: allProbes(deps.config),
    shardOf: [probe],
    probes: { [id]: state },
  };
  const { incidents } = (await deps.changeIncidents(target, { kind: "round", round }, at)).state;
  const { memory } = result;
  await change(compiled, deps, (one) =>
    holds(one, holder) ? { ...one, finishedAt: at, lease: null, probe: state, memory } : one,
  );
  // At once: others may take minutes.
  await announceLagging(target, incidents, deps);
  return verdict;
}

function tell(
  { id, target }: CompiledTransaction,
  { status }: Verdict,
  { findings, measures, leftovers }: TransactionResult,
  outcome: Outcome,
  { config, emit, log }: RunDueDeps,
): void {
  const ids = config.transactions.filter((one) => one.target === target).map((one) => one.id);
  const probed = config.targets.some(({ name }) => name === target);
  const { transaction, metrics } = planMetrics(id, ids, metricsOfTarget - (probed ? metricsOfRounds : 0));
  const values = {
    TransactionSuccess: outcome.success === null ? null : Number(outcome.success),
    TransactionLagSeconds: outcome.lagSeconds,
    TransactionSeconds: outcome.seconds,
  };
  const counted = metrics.flatMap((name) => (values[name] === null ? [] : [[name, values[name]] as const]));
  if (counted.length > 0) emit({ target, transaction, values: Object.fromEntries(counted) });
  log("info", "transaction", {
    transaction: id,
    target,
    status,
    found: findings.map((finding) => finding.id),
    leftovers: leftovers.length,
    durationMs: Math.round(outcome.seconds * 1000),
    ...Object.fromEntries(measures.map(({ name, value }) => [name, value])),
  });
}

/** What is not written is missing in a graph; what the run found is remembered and told all the same. */
async function write(
  compiled: CompiledTransaction,
  result: TransactionResult,
  outcome: Outcome,
  at: number,
  { writeResults, log }: RunDueDeps,
): Promise<void> {
  if (!writeResults) return;
  try {
    await writeResults(resultSeries(compiled, result, outcome, at));
  } catch (error) {
    const { id, seen } =
      error instanceof PrometheusError ? diagnoseWrite(error) : { id: "own-fault", seen: String(error) };
    log("warn", "results were not written", { transaction: compiled.id, found: id, seen });
  }
}

/** Targets of no rounds but these: their incidents age and are told here, each minute, whether a run is due or not. */
async function keepUp(target: string, now: number, deps: RunDueDeps): Promise<Ran | null> {
  const { config, store, changeIncidents, log } = deps;
  try {
    const key = storeKeys.incidents(target);
    const stored = await store.read(key);
    const incidents: Incidents = stored ? incidentsObject(target).parse(key, stored.body).incidents : {};
    const probed = config.targets.some(({ name }) => name === target);
    const aged =
      !probed && Object.values(incidents).some(isOpen)
        ? (await changeIncidents(target, { kind: "tick", at: now }, now)).state.incidents
        : incidents;
    await announceLagging(target, aged, deps);
    return null;
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    log("error", error.message, { target });
    return { name: target, error };
  }
}

async function announceLagging(target: string, incidents: Incidents, deps: RunDueDeps): Promise<void> {
  const lagging = await findLagging(incidents, deps);
  const announcements = lagging.map(({ announcement }) => announcement);
  if (announcements.length > 0) await deps.announce(target, announcements);
}
