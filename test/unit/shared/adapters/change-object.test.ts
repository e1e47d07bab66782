import { describe, expect, it } from "vitest";
import * as z from "zod/mini";

import { changeObject, type StoredAs } from "../../../../shared/adapters/change-object.ts";
import { Retryable } from "../../../../shared/domain/errors.ts";
import type { Store } from "../../../../shared/domain/store.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";

const schema = z.object({ n: z.number(), writer: z.string() });
const counter: StoredAs<number> = {
  parse: (_, body) => schema.parse(JSON.parse(body)).n,
  format: (n, writer) => JSON.stringify({ n, writer }),
  empty: () => 0,
};
const increment = (n: number) => ({ next: n + 1, result: n });

let nonces = 0;
const deps = { nonce: () => `w${++nonces}`, pause: async () => {} };

/** A store in which somebody else writes just before each of the first writes. */
function withRivals(store: Store, rivals: number): Store {
  let left = rivals;
  return {
    ...store,
    write: async (key, body, condition) => {
      if (left-- > 0) await changeObject(store, key, counter, (n) => ({ next: n + 100, result: null }), deps);
      return store.write(key, body, condition);
    },
  };
}

describe("changing an object", () => {
  it("begins with the empty value, and answers the new one and what the change found", async () => {
    const store = buildMemoryStore();
    expect(await changeObject(store, "k", counter, increment, deps)).toEqual({ value: 1, result: 0 });
    expect(await changeObject(store, "k", counter, increment, deps)).toEqual({ value: 2, result: 1 });
  });

  it("writes nothing where nothing changes", async () => {
    const store = buildMemoryStore();
    await changeObject(store, "k", counter, increment, deps);
    const before = store.objects.get("k");
    const { result } = await changeObject(store, "k", counter, (n) => ({ next: n, result: "same" }), deps);
    expect(result).toBe("same");
    expect(store.objects.get("k")).toEqual(before);
  });

  it("changes what a faster writer left, not what it read before", async () => {
    const store = buildMemoryStore();
    const pauses: number[] = [];
    const pause = async (tried: number) => {
      pauses.push(tried);
    };
    const changed = await changeObject(withRivals(store, 2), "k", counter, increment, { ...deps, pause });
    expect(changed).toEqual({ value: 201, result: 200 });
    expect(pauses).toEqual([1, 2]);
  });

  it("gives up as something to try again later where others are always faster", async () => {
    const busy = withRivals(buildMemoryStore(), Number.POSITIVE_INFINITY);
    const error = await changeObject(busy, "k", counter, increment, { ...deps, tries: 3 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Retryable);
    expect(String(error)).toContain("k was changed by others 3 times in a row");
  });

  it("loses no change of fifty writers at once", async () => {
    const store = buildMemoryStore();
    await Promise.all(
      Array.from({ length: 50 }, () => changeObject(store, "k", counter, increment, { ...deps, tries: 50 })),
    );
    expect((await changeObject(store, "k", counter, increment, deps)).result).toBe(50);
  });
});
