import pLimit from "p-limit";

import type { ChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { changeObject } from "../../shared/adapters/change-object.ts";
import { findLagging } from "../../shared/adapters/find-lagging.ts";
import { isOpen } from "../../shared/domain/incident.ts";
import { incidentsObject } from "../../shared/domain/incident-state.ts";
import type { Announcement, Incidents } from "../../shared/domain/incidents.ts";
import { allProbes, type CompiledConfig } from "../../shared/domain/probe.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import type { CompiledTransaction } from "../../shared/domain/transactions/compiled.ts";
import { judgeRun } from "../../shared/domain/transactions/judge.ts";
import type { Transaction, TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import {
  isDue,
  type RememberedTransaction,
  remembered,
  transactionsObject,
} from "../../shared/domain/transactions/transaction-state.ts";
import type { Status, Verdict } from "../../shared/domain/verdict.ts";
import { runOne } from "./run-one.ts";

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
  readonly emit: (metrics: {
    readonly target: string;
    readonly values: Readonly<Record<string, number>>;
  }) => void;
  readonly log: (
    level: "info" | "warn" | "error",
    message: string,
    data: Readonly<Record<string, unknown>>,
  ) => void;
}

export interface TransactionsReport {
  /** The status of each transaction that was due. */
  readonly ran: Readonly<Record<string, Status>>;
}

/** They wait more than they work; a few at a time keep memory and sockets in bounds. */
const concurrency = 4;

/**
 * Runs what is due, each by itself: trouble with one leaves the others be. Throws at the end where one broke by
 * its own fault or could not be remembered, so that the alarm on errors hears of it.
 */
export async function runDue(now: number, deps: RunDueDeps): Promise<TransactionsReport> {
  const limit = pLimit(concurrency);
  const outcomes = await Promise.all(
    deps.config.transactions.map((compiled) => limit(() => runIfDue(compiled, now, deps))),
  );
  await keepUp(now, deps);
  const failed = outcomes.flatMap((outcome) => (outcome?.error ? [outcome.error] : []));
  if (failed.length > 0) throw new AggregateError(failed, failed.map(({ message }) => message).join("; "));
  return { ran: Object.fromEntries(outcomes.flatMap((one) => (one?.status ? [[one.id, one.status]] : []))) };
}

interface Outcome {
  readonly id: string;
  readonly status?: Status;
  readonly error?: Error;
}

async function runIfDue(
  compiled: CompiledTransaction,
  now: number,
  deps: RunDueDeps,
): Promise<Outcome | null> {
  const { id, target } = compiled;
  try {
    const before = await claim(compiled, now, deps);
    if (!before) return null;
    const started = deps.now();
    const { result, error } = await runOne(deps.build(compiled), started, {
      memory: before.memory,
      remember: async (memory) => {
        await change(compiled, deps, (one) => ({ ...one, memory }));
      },
    });
    const verdict = await remember(compiled, before, result, deps);
    tell(compiled, verdict, result, deps.now() - started, deps);
    return { id, status: verdict.status, ...(error ? { error } : {}) };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    deps.log("error", error.message, { transaction: id, target });
    return { id, error };
  }
}

/** Takes the run if it is due and nobody else has it; what was remembered before it. */
async function claim(
  compiled: CompiledTransaction,
  now: number,
  deps: RunDueDeps,
): Promise<RememberedTransaction | null> {
  const times = { every: compiled.probe.every, timeout: compiled.timeout };
  return change(compiled, deps, (one) => (isDue(one, times, now) ? { ...one, startedAt: now } : one));
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
async function remember(
  compiled: CompiledTransaction,
  before: RememberedTransaction,
  result: TransactionResult,
  deps: RunDueDeps,
): Promise<Verdict> {
  const { id, probe, target } = compiled;
  const at = deps.now();
  const { verdicts, state } = judgeRun(compiled, result, before.probe ?? undefined, at);
  const round = {
    shard: `transaction/${id}`,
    at,
    results: [{ probe, verdicts, state }],
    configured: allProbes(deps.config),
    shardOf: [probe],
    probes: { [id]: state },
  };
  await deps.changeIncidents(target, { kind: "round", round }, at);
  await change(compiled, deps, (one) => ({ ...one, finishedAt: at, probe: state, memory: result.memory }));
  const [verdict] = verdicts;
  if (!verdict) throw new Error(`the transaction ${id} has no verdict`);
  return verdict;
}

function tell(
  { id, kind, target }: CompiledTransaction,
  { status }: Verdict,
  { findings, measures, leftovers }: TransactionResult,
  durationMs: number,
  { emit, log }: RunDueDeps,
): void {
  emit({
    target,
    values: {
      ...Object.fromEntries(measures.map(({ name, value }) => [pascalCase(`${kind}_${name}`), value])),
      TransactionsFailing: status === "fail" ? 1 : 0,
      TransactionsUnknown: status === "unknown" ? 1 : 0,
    },
  });
  log("info", "transaction", {
    transaction: id,
    target,
    status,
    found: findings.map((finding) => finding.id),
    leftovers: leftovers.length,
    durationMs: Math.round(durationMs),
    ...Object.fromEntries(measures.map(({ name, value }) => [name, value])),
  });
}

function pascalCase(name: string): string {
  return name
    .split(/[_-]/)
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join("");
}

/** Targets of no rounds but these: their incidents age and are told here, each minute, whether a run is due or not. */
async function keepUp(now: number, deps: RunDueDeps): Promise<void> {
  const { config, store, changeIncidents, announce } = deps;
  const probed = new Set(config.targets.map(({ name }) => name));
  for (const target of new Set(config.transactions.map((one) => one.target))) {
    const key = storeKeys.incidents(target);
    const stored = await store.read(key);
    const incidents: Incidents = stored ? incidentsObject(target).parse(key, stored.body).incidents : {};
    const aged =
      !probed.has(target) && Object.values(incidents).some(isOpen)
        ? (await changeIncidents(target, { kind: "tick", at: now }, now)).state.incidents
        : incidents;
    const lagging = await findLagging(aged, deps);
    if (lagging.length > 0)
      await announce(
        target,
        lagging.map(({ announcement }) => announcement),
      );
  }
}
