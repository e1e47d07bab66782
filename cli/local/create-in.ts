import type { CreateObject, Store } from "../../shared/domain/store.ts";

/** Writes what nobody has written yet. */
export function createIn(store: Pick<Store, "write">): CreateObject {
  return async (key, body) =>
    (await store.write(key, body, { ifNoneMatch: "*" })) === "conflict" ? "exists" : "created";
}
