/** An object as stored; `etag` is opaque and goes back unchanged in a conditional write. */
export interface StoredObject {
  readonly body: string;
  readonly etag: string;
}

/** Write only if the object is still the one that was read, or only if there is none yet. */
export type WriteCondition = { readonly ifMatch: string } | { readonly ifNoneMatch: "*" };

/**
 * `conflict`: somebody else wrote first, read again and decide again. A writer's nonce in the body tells an
 * adapter that a conflict is its own earlier try whose answer was lost; that counts as written.
 */
export type WriteResult = { readonly etag: string } | "conflict";

/** Writes an object that is not there yet; one that is stays as it is. */
export type CreateObject = (key: string, body: string) => Promise<"created" | "exists">;

export type ReadObject = (key: string) => Promise<StoredObject | null>;
export type WriteObject = (key: string, body: string, condition: WriteCondition) => Promise<WriteResult>;
/** All keys that begin so, ascending. For prefixes that hold few: each thousand is a request. */
export type ListKeys = (prefix: string) => Promise<readonly string[]>;

/** Where state lives: an S3 bucket, or a directory in the local stage and on the command line. */
export interface Store {
  readonly read: ReadObject;
  readonly write: WriteObject;
  readonly list: ListKeys;
}

/** Keys of the objects. Each but the target's and the silences has exactly one writing function. */
export const storeKeys = {
  target: (target: string) => `targets/${encodeURIComponent(target)}.json`,
  /** What the probes of one shard remember; a target that is evaluated as a whole has one object. */
  shard: (target: string, shard: string) =>
    shard === "1/1"
      ? `targets/${encodeURIComponent(target)}.json`
      : `targets/${encodeURIComponent(target)}/${shard.replace("/", "-of-")}.json`,
  /** Changed through the reducer only: by rounds, by what Alertmanager tells, and by answers. */
  incidents: (target: string) => `incidents/${encodeURIComponent(target)}.json`,
  /** Written by run-transactions alone. */
  transactions: (target: string) => `transactions/${encodeURIComponent(target)}.json`,
  message: (incident: string, channel: string) =>
    `messages/${encodeURIComponent(incident)}/${encodeURIComponent(channel)}.json`,
  /** Written once, by the function that Alertmanager's messages come to. */
  drill: (id: string) => `drills/${encodeURIComponent(id)}.json`,
  silences: "silences.json",
  answers: (day: string) => `answers/${day}/`,
  answer: (day: string, id: string) => `answers/${day}/${encodeURIComponent(id)}.json`,
  applied: (day: string, id: string) => `applied/${day}/${encodeURIComponent(id)}.json`,
} as const;
