import type { Incident } from "../../shared/domain/incident.ts";
import { incidentsObject } from "../../shared/domain/incident-state.ts";
import { type Silence, silencesObject } from "../../shared/domain/silence.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";

/** What Sonde remembers of all targets. */
export interface Remembered {
  readonly incidents: readonly Incident[];
  readonly silences: readonly Silence[];
  /** When each target was last evaluated, Unix milliseconds, by its oldest shard; null where it never was. */
  readonly evaluated: Readonly<Record<string, number | null>>;
}

const prefix = "incidents/";

export async function readState(store: Store): Promise<Remembered> {
  const keys = await store.list(prefix);
  const objects = await Promise.all(
    keys.map(async (key) => {
      const target = decodeURIComponent(key.slice(prefix.length).replace(/\.json$/, ""));
      const stored = await store.read(key);
      return stored ? [incidentsObject(target).parse(key, stored.body)] : [];
    }),
  );
  const targets = objects.flat();
  const stored = await store.read(storeKeys.silences);
  return {
    incidents: targets.flatMap(({ incidents }) => Object.values(incidents)),
    silences: stored ? silencesObject.parse(storeKeys.silences, stored.body) : silencesObject.empty(),
    evaluated: Object.fromEntries(
      targets.map(({ target, rounds }) => {
        const ends = Object.values(rounds);
        return [target, ends.length > 0 ? Math.min(...ends) : null] as const;
      }),
    ),
  };
}
