import type { IncidentPolicy } from "../domain/incident-policy.ts";
import type { Announcement } from "../domain/incidents.ts";
import type { Store } from "../domain/store.ts";
import { buildChangeIncidents, type ChangeIncidents } from "./change-incidents.ts";
import type { BusEvent, PublishEvents } from "./event-bus.ts";

export interface IncidentDeskOptions {
  readonly store: Store;
  readonly policy: IncidentPolicy;
  readonly publish: PublishEvents;
  /** The event by which notifiers hear of a message that may lag behind. */
  readonly eventOf: (target: string, announcement: Announcement) => BusEvent;
  readonly nonce: () => string;
  readonly sleep: (ms: number) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** What every function needs that changes incidents. */
export interface IncidentDesk {
  readonly changeIncidents: ChangeIncidents;
  readonly announce: (target: string, announcements: readonly Announcement[]) => Promise<void>;
  /** Waits before another try to change what others change too. */
  readonly pause: (tried: number) => Promise<void>;
}

/** Times the tries so far, at the most. */
const pauseMs = 50;

export function buildIncidentDesk(options: IncidentDeskOptions): IncidentDesk {
  const { store, policy, publish, eventOf, nonce, sleep, random } = options;
  const pause = (tried: number) => sleep(random() * pauseMs * tried);
  return {
    changeIncidents: buildChangeIncidents(store, policy, { nonce, pause }),
    announce: (target, announcements) =>
      publish(announcements.map((announcement) => eventOf(target, announcement))),
    pause,
  };
}
