import { type ChangeDeps, changeObject } from "../../shared/adapters/change-object.ts";
import type { Answer, Outcome } from "../../shared/domain/answer.ts";
import type { Labels } from "../../shared/domain/series.ts";
import { addSilence, matchersOf, type Silence, silencesObject } from "../../shared/domain/silence.ts";
import { endOfSilence } from "../../shared/domain/slack-actions.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";

export interface Person {
  readonly id: string;
  readonly name: string;
}

/** What answers change. Each may be done twice for the same answer and counts once. */
export interface Incidents {
  /** What tells the incident from others, for a silence to match; null where it is not known any more. */
  readonly labelsOf: (target: string, incident: string) => Promise<Labels | null>;
  readonly acknowledge: (
    target: string,
    incident: string,
    by: Person,
    at: number,
    answer: string,
  ) => Promise<"done" | "gone">;
  /** Has the target's incidents, and so their messages, follow the silences as they are now. */
  readonly refresh: (target: string) => Promise<void>;
}

export interface ActDeps extends ChangeDeps {
  readonly store: Store;
  readonly incidents: Incidents;
  readonly now: () => number;
}

/** Does what an allowed answer asks for. After a crash half way it is simply done again. */
export async function act(answer: Answer, timeZone: string, deps: ActDeps): Promise<Outcome> {
  const { action, by, at, id } = answer;
  const { target, incident } = action;
  if (action.kind === "acknowledge") {
    const done = await deps.incidents.acknowledge(target, incident, by, at, id);
    return { result: done === "done" ? "applied" : "gone" };
  }
  const labels = await deps.incidents.labelsOf(target, incident);
  if (!labels) return { result: "gone" };
  const silence: Silence = {
    id,
    matchers: matchersOf(labels),
    startsAt: at,
    endsAt: endOfSilence(action.for, at, timeZone),
    by,
    reason: "",
    origin: "slack",
  };
  await changeObject(
    deps.store,
    storeKeys.silences,
    silencesObject,
    (silences) => ({ next: addSilence(silences, silence, deps.now()), result: null }),
    deps,
  );
  await deps.incidents.refresh(target);
  return { result: "applied" };
}
