import { Retryable } from "../domain/errors.ts";
import type { Store } from "../domain/store.ts";

/** How a kind of object is written down. */
export interface StoredAs<T> {
  /** Throws where the body is broken or newer than this code. */
  readonly parse: (key: string, body: string) => T;
  /** The writer's nonce must stand in the body: by it a store knows its own write after a lost answer. */
  readonly format: (value: T, writer: string) => string;
  /** What is there before the first write. */
  readonly empty: () => T;
}

/** A pure change: the new value, or the same one where there is nothing to change, and what it found. */
export type Change<T, R> = (value: T) => { readonly next: T; readonly result: R };

export interface ChangeDeps {
  readonly nonce: () => string;
  /** Waits before another try, so that many writers do not stay in step; `tried` counts from 1. */
  readonly pause: (tried: number) => Promise<void>;
  readonly tries?: number;
}

const defaultTries = 10;

/**
 * Changes an object that others change too: reads it, changes it, and writes it only if it is still the same;
 * who loses reads and changes anew. Throws Retryable where others were faster every time.
 */
export async function changeObject<T, R>(
  store: Store,
  key: string,
  kind: StoredAs<T>,
  change: Change<T, R>,
  { nonce, pause, tries = defaultTries }: ChangeDeps,
): Promise<{ readonly value: T; readonly result: R }> {
  for (let tried = 1; ; tried++) {
    const stored = await store.read(key);
    const value = stored ? kind.parse(key, stored.body) : kind.empty();
    const { next, result } = change(value);
    if (next === value) return { value, result };
    const condition = stored ? ({ ifMatch: stored.etag } as const) : ({ ifNoneMatch: "*" } as const);
    const written = await store.write(key, kind.format(next, nonce()), condition);
    if (written !== "conflict") return { value: next, result };
    if (tried >= tries) throw new Retryable(`${key} was changed by others ${tries} times in a row`);
    await pause(tried);
  }
}
