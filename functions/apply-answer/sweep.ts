import { dayOf } from "../../shared/domain/answer.ts";
import { storeKeys } from "../../shared/domain/store.ts";
import { type ApplyDeps, applyAnswer } from "./apply.ts";

export interface SweepDeps extends ApplyDeps {
  /** Keys of answers that are known to be settled: they need not be looked at again. */
  readonly settled: Set<string>;
}

const dayMs = 24 * 60 * 60_000;
/** Slack's clock may be ahead by as much as answer-slack lets pass. */
const skewMs = 5 * 60_000;

/**
 * Applies what was kept within the last day and is not settled: answers that apply-answer was never started
 * for, and those it crashed over. One that fails holds up no other. `deadline` is when the last one must have
 * begun, Unix milliseconds.
 */
export async function sweep(deadline: number, deps: SweepDeps): Promise<{ readonly applied: number }> {
  const failed: unknown[] = [];
  let applied = 0;
  for (const key of await unsettled(deps)) {
    if (deps.now() >= deadline) break;
    try {
      const outcome = await applyAnswer(key, deps);
      if (outcome === "elsewhere") continue;
      deps.settled.add(key);
      applied += 1;
    } catch (error) {
      failed.push(error);
      deps.log("error", error instanceof Error ? error.message : String(error), { answer: key });
    }
  }
  if (failed.length > 0)
    throw new Error(`${failed.length} answers could not be applied: the next sweep tries them again`, {
      cause: failed[0],
    });
  return { applied };
}

async function unsettled({ now, store, settled }: SweepDeps): Promise<string[]> {
  const days = new Set([now() - dayMs, now(), now() + skewMs].map(dayOf));
  const keys = await Promise.all([...days].map((day) => store.list(storeKeys.answers(day))));
  return keys.flat().filter((key) => !settled.has(key));
}
