import * as z from "zod/mini";

import { probeStateSchema } from "../state.ts";
import { parseVersioned } from "../versioned.ts";

const version = 1;

const rememberedSchema = z.object({
  /** The time that the last run was scheduled for, Unix milliseconds. */
  startedAt: z.number(),
  finishedAt: z.number(),
  /** Who runs it, and until when nobody else may; null where nobody does. It outlives a crash, and lapses. */
  lease: z.nullable(z.object({ holder: z.string(), until: z.number() })),
  probe: z.nullable(probeStateSchema),
  /** The transaction's own; its own schema reads it. */
  memory: z.unknown(),
});
export type RememberedTransaction = z.infer<typeof rememberedSchema>;

const stateSchema = z.object({
  version: z.literal(version),
  target: z.string(),
  writer: z.string(),
  transactions: z.record(z.string(), rememberedSchema),
});
/** What the transactions of a target remember: one object, written by run-transactions alone. */
export type TransactionsState = z.infer<typeof stateSchema>;

/** How the object of a target is stored. */
export function transactionsObject(target: string) {
  return {
    parse: (key: string, body: string): TransactionsState => parseVersioned(stateSchema, version, key, body),
    format: (state: TransactionsState, writer: string) => JSON.stringify({ ...state, writer }),
    empty: (): TransactionsState => ({ version, target, writer: "", transactions: {} }),
  };
}

const never: RememberedTransaction = {
  startedAt: 0,
  finishedAt: 0,
  lease: null,
  probe: null,
  memory: null,
};

export function remembered({ transactions }: TransactionsState, id: string): RememberedTransaction {
  return transactions[id] ?? never;
}

/** After its timeout a run is cut off; so long it may then take to be told and remembered. Milliseconds. */
export const afterwards = 30_000;

/** The longest timeout that a transaction may have: the function has ten minutes for it and what comes after. */
export const longestTimeout = 540_000;

/**
 * A run is due an `every` after the last one was, unless somebody holds it. `now` is the time that is asked about,
 * `clock` the time that it is: an invocation may come late, and leases run by the clock.
 */
export function isDue(
  { startedAt, lease }: RememberedTransaction,
  every: number,
  now: number,
  clock: number,
): boolean {
  return (lease === null || clock >= lease.until) && now - startedAt >= every;
}

/** The turn is taken, until the run must be over by its timeout and what comes after. */
export function taken(
  one: RememberedTransaction,
  holder: string,
  timeout: number,
  now: number,
  clock: number,
): RememberedTransaction {
  return { ...one, startedAt: now, lease: { holder, until: clock + timeout + afterwards } };
}

export function holds({ lease }: RememberedTransaction, holder: string): boolean {
  return lease?.holder === holder;
}
