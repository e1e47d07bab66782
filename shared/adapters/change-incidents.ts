import type { IncidentPolicy } from "../domain/incident-policy.ts";
import { incidentsObject } from "../domain/incident-state.ts";
import { type IncidentInput, type Reduced, reduceIncidents } from "../domain/incidents.ts";
import { silencesObject } from "../domain/silence.ts";
import { type Store, storeKeys } from "../domain/store.ts";
import { type ChangeDeps, changeObject } from "./change-object.ts";

/** Carries one input into a target's incidents; `now` is Unix milliseconds. */
export type ChangeIncidents = (target: string, input: IncidentInput, now: number) => Promise<Reduced>;

/** The one way by which incidents change: the reducer over the stored object, by conditional writes. */
export function buildChangeIncidents(
  store: Store,
  policy: IncidentPolicy,
  deps: ChangeDeps,
): ChangeIncidents {
  return async (target, input, now) => {
    const key = storeKeys.silences;
    const stored = await store.read(key);
    const silences = stored ? silencesObject.parse(key, stored.body) : silencesObject.empty();
    const { result } = await changeObject(
      store,
      storeKeys.incidents(target),
      incidentsObject(target),
      (before) => {
        const reduced = reduceIncidents(before, input, { now, policy, silences });
        return { next: reduced.state, result: reduced };
      },
      deps,
    );
    return result;
  };
}
