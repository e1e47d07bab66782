import * as z from "zod/mini";

import { probeStateSchema } from "../state.ts";
import { parseVersioned } from "../versioned.ts";

const version = 1;

const rememberedSchema = z.object({
  /** Unix milliseconds; a run that has started and not finished is under way, or has crashed. */
  startedAt: z.number(),
  finishedAt: z.number(),
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

const never: RememberedTransaction = { startedAt: 0, finishedAt: 0, probe: null, memory: null };

export function remembered({ transactions }: TransactionsState, id: string): RememberedTransaction {
  return transactions[id] ?? never;
}

/** A run is due an `every` after the last one began, unless that one may still be under way. */
export function isDue(
  { startedAt, finishedAt }: RememberedTransaction,
  { every, timeout }: { readonly every: number; readonly timeout: number },
  now: number,
): boolean {
  const underWay = finishedAt < startedAt && now - startedAt < timeout;
  return !underWay && now - startedAt >= every;
}
