import { type Answer, type Outcome, parseAnswer } from "../../shared/domain/answer.ts";
import type { SlackAccess } from "../../shared/domain/slack-access.ts";
import { parseMessageState } from "../../shared/domain/state.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import { type ActDeps, act } from "./act.ts";
import { judge } from "./judge.ts";
import { changeRecord, createRecord, type HeldRecord, loadRecord } from "./record.ts";
import { describeOutcome } from "./tell.ts";

export interface ApplyDeps extends ActDeps {
  readonly access: SlackAccess | null;
  /** Tells the person who clicked what nobody else sees. */
  readonly tell: (responseUrl: string, text: string) => Promise<void>;
  readonly log: (
    level: "info" | "warn" | "error",
    message: string,
    data: Readonly<Record<string, unknown>>,
  ) => void;
}

/** Longer than an invocation may take: who began before this is not at it any more. */
const leaseMs = 45_000;

/**
 * Applies one kept answer, once: no audit record, no action. What was begun and not finished is done again;
 * `elsewhere` where another invocation is at it.
 */
export async function applyAnswer(key: string, deps: ApplyDeps): Promise<Outcome | "elsewhere"> {
  const answer = await readAnswer(key, deps.store);
  const held = await loadRecord(answer, deps);
  if (held?.record.outcome) return held.record.outcome;
  if (held && deps.now() < held.record.begunAt + leaseMs) return "elsewhere";
  const begun = held ? await changeRecord(held, { begunAt: deps.now() }, deps) : await begin(answer, deps);
  if (!begun) return "elsewhere";
  const outcome = begun.record.outcome ?? (await finish(answer, begun, deps));
  const { action, by } = answer;
  deps.log("info", "answer settled", { answer: answer.id, action: action.kind, by: by.id, ...outcome });
  await tellOutcome(answer, outcome, deps);
  return outcome;
}

async function readAnswer(key: string, store: Store): Promise<Answer> {
  const stored = await store.read(key);
  if (!stored) throw new Error(`there is no answer ${key}: it may be older than the bucket keeps answers`);
  return parseAnswer(key, stored.body);
}

/** Writes down what is about to be done, or at once how it ends where it may not be done. */
async function begin(answer: Answer, deps: ApplyDeps): Promise<HeldRecord | null> {
  const { incident, channel } = answer.action;
  const key = storeKeys.message(incident, channel);
  const stored = await deps.store.read(key);
  const message = stored && parseMessageState(key, stored.body);
  const judged = judge(answer, { access: deps.access, message, now: deps.now() });
  return createRecord(answer, judged === "allowed" ? null : judged, deps);
}

/** Whoever has taken this over in the meantime has done the same, which counts once. */
async function finish(answer: Answer, begun: HeldRecord, deps: ApplyDeps): Promise<Outcome> {
  const outcome = await act(answer, deps.access?.timezone ?? "UTC", deps);
  await changeRecord(begun, { finishedAt: deps.now(), outcome }, deps);
  return outcome;
}

/** What was applied shows in the message itself. The record stands, whether or not this arrives. */
async function tellOutcome(answer: Answer, outcome: Outcome, deps: ApplyDeps): Promise<void> {
  const text = describeOutcome(outcome, answer.action);
  if (text === null || answer.responseUrl === null) return;
  try {
    await deps.tell(answer.responseUrl, text);
  } catch (error) {
    deps.log("warn", "who clicked could not be told", {
      answer: answer.id,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}
