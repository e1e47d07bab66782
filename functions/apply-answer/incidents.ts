import type { ChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { isOpen } from "../../shared/domain/incident.ts";
import { incidentsObject } from "../../shared/domain/incident-state.ts";
import type { Announcement } from "../../shared/domain/incidents.ts";
import { silencedLabels } from "../../shared/domain/silence.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import type { Incidents } from "./act.ts";

export interface IncidentsDeps {
  readonly store: Store;
  readonly change: ChangeIncidents;
  /** Says which messages should now be brought up to date; what is lost is said again by the next round. */
  readonly announce: (target: string, announcements: readonly Announcement[]) => Promise<void>;
  readonly now: () => number;
}

/** The incidents as they are stored, changed through their reducer. */
export function buildIncidents({ store, change, announce, now }: IncidentsDeps): Incidents {
  return {
    labelsOf: async (target, id) => {
      const key = storeKeys.incidents(target);
      const stored = await store.read(key);
      const incident = stored ? incidentsObject(target).parse(key, stored.body).incidents[id] : undefined;
      return incident ? silencedLabels(target, incident.groupedBy) : null;
    },
    acknowledge: async (target, id, by, at) => {
      const { state, effects } = await change(target, { kind: "acknowledge", incident: id, by, at }, now());
      await announce(target, effects);
      const incident = state.incidents[id];
      return incident && isOpen(incident) ? "done" : "gone";
    },
    refresh: async (target) => {
      const at = now();
      const { effects } = await change(target, { kind: "tick", at }, at);
      await announce(target, effects);
    },
  };
}
