import { ConfigError, Retryable, Unacknowledged } from "../../shared/domain/errors.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import { formatMessageState, type MessageState, parseMessageState } from "../../shared/domain/state.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import { graceMs } from "./decide.ts";

/** A message's state as it was last read or written; without an etag it is not stored yet. */
export interface Held {
  readonly state: MessageState;
  readonly etag: string | null;
}

export interface MessageDeps {
  readonly store: Store;
  readonly now: () => number;
  readonly nonce: () => string;
  /** Waits until the channel may be written to again. */
  readonly pace: (channel: string) => Promise<void>;
}

export type Effect = "posted" | "found" | "updated" | "replied" | "settled";

/** What one step left behind. */
export type Taken = { readonly held: Held; readonly effect?: Effect } | "done";

/** A call that starts later than this after its attempt was saved is not made: it might overlap the next. */
const startWithinMs = 10_000;

export async function loadMessage(store: Store, incident: string, channel: string): Promise<Held | null> {
  const key = storeKeys.message(incident, channel);
  const stored = await store.read(key);
  return stored && { state: parseMessageState(key, stored.body), etag: stored.etag };
}

/** Writes only over what was held; throws Retryable where another invocation was faster. */
export async function saveMessage(deps: MessageDeps, held: Held, next: MessageState): Promise<Held> {
  const state = { ...next, writer: deps.nonce() };
  const key = storeKeys.message(state.incident, state.channel);
  const condition = held.etag === null ? ({ ifNoneMatch: "*" } as const) : { ifMatch: held.etag };
  const written = await deps.store.write(key, formatMessageState(state), condition);
  if (written === "conflict")
    throw new Retryable(`another invocation is at the message of ${state.incident} in ${state.channel}`, {
      afterMs: 1_000,
    });
  return { state, etag: written.etag };
}

export function newMessage(incident: string, channel: string, { nonce, now }: MessageDeps): Held {
  const state: MessageState = {
    version: 1,
    incident,
    channel,
    writer: "",
    nonce: nonce(),
    triedAt: now(),
    attempt: null,
    ts: null,
    channelId: null,
    editable: true,
    firstSeq: 0,
    messageSeq: 0,
    postedSeq: 0,
  };
  return { state, etag: null };
}

/**
 * Saves what is about to be done, does it, and leaves the note standing where it may have been done without
 * an answer. A conditional write lets only one of several invocations come this far at a time.
 */
export async function attempt<T>(
  effect: "post" | "update" | "reply",
  seq: number,
  held: Held,
  deps: MessageDeps,
  act: (state: MessageState) => Promise<T>,
): Promise<{ held: Held; result: T }> {
  await deps.pace(held.state.channel);
  const at = deps.now();
  const begun = await saveMessage(deps, held, { ...held.state, attempt: { effect, seq, at } });
  if (deps.now() - at > startWithinMs) throw busy(held.state.channel, graceMs);
  try {
    return { held: begun, result: await act(begun.state) };
  } catch (error) {
    // Best effort: an attempt that stays is looked for, found missing, and made again.
    if (neverArrived(error))
      await saveMessage(deps, begun, { ...begun.state, attempt: null }).catch(() => undefined);
    throw error;
  }
}

function neverArrived(error: unknown): boolean {
  return (error instanceof Retryable && !(error instanceof Unacknowledged)) || error instanceof ConfigError;
}

/** Remembers that nothing is left to show up to the incident's seq, and that what was begun may have arrived. */
export async function settle(
  incident: Incident,
  held: Held,
  deps: MessageDeps,
  effect: Effect = "settled",
): Promise<Taken> {
  const { seq } = incident;
  const firstSeq = held.state.firstSeq || (held.state.attempt?.seq ?? 0);
  const settled = { ...held.state, attempt: null, firstSeq, messageSeq: seq, postedSeq: seq };
  return { held: await saveMessage(deps, held, settled), effect };
}

export function busy(channel: string, afterMs: number): Retryable {
  return new Retryable(`a write to ${channel} was begun a moment ago and is not known to be over`, {
    afterMs,
  });
}
