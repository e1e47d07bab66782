import {
  type Answer,
  type Applied,
  dayOf,
  formatApplied,
  type Outcome,
  parseApplied,
} from "../../shared/domain/answer.ts";
import { type Store, storeKeys, type WriteCondition } from "../../shared/domain/store.ts";

/** An audit record as it is stored. */
export interface HeldRecord {
  readonly record: Applied;
  readonly etag: string;
}

export interface RecordDeps {
  readonly store: Store;
  readonly now: () => number;
  readonly nonce: () => string;
}

export async function loadRecord(answer: Answer, { store }: RecordDeps): Promise<HeldRecord | null> {
  const key = keyOf(answer);
  const stored = await store.read(key);
  return stored && { record: parseApplied(key, stored.body), etag: stored.etag };
}

/** The record of an answer that nobody has begun; null where somebody else was faster. */
export function createRecord(
  answer: Answer,
  outcome: Outcome | null,
  deps: RecordDeps,
): Promise<HeldRecord | null> {
  const { id, by, action, place, at } = answer;
  const now = deps.now();
  const finishedAt = outcome === null ? null : now;
  const record = {
    version: 1 as const,
    answer: id,
    by,
    action,
    place,
    at,
    begunAt: now,
    finishedAt,
    outcome,
  };
  return save({ ...record, writer: deps.nonce() }, { ifNoneMatch: "*" }, deps);
}

/** Changes a record that is still as it was held; null where it is not. */
export function changeRecord(
  { record, etag }: HeldRecord,
  change: Partial<Pick<Applied, "begunAt" | "finishedAt" | "outcome">>,
  deps: RecordDeps,
): Promise<HeldRecord | null> {
  return save({ ...record, ...change, writer: deps.nonce() }, { ifMatch: etag }, deps);
}

async function save(
  record: Applied,
  condition: WriteCondition,
  { store }: RecordDeps,
): Promise<HeldRecord | null> {
  const key = storeKeys.applied(dayOf(record.at), record.answer);
  const written = await store.write(key, formatApplied(record), condition);
  return written === "conflict" ? null : { record, etag: written.etag };
}

function keyOf({ at, id }: Answer): string {
  return storeKeys.applied(dayOf(at), id);
}
