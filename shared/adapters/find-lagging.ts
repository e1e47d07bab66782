import type { Incident } from "../domain/incident.ts";
import type { Announcement, Incidents } from "../domain/incidents.ts";
import { parseMessageState } from "../domain/state.ts";
import { type Store, storeKeys } from "../domain/store.ts";

export interface LaggingDeps {
  readonly store: Pick<Store, "read">;
  /** Up to which change a message is known to show its incident, so that it need not be looked at again. */
  readonly shown: Map<string, number>;
}

/** A message that does not show its incident's last change. */
interface Lagging {
  readonly announcement: Announcement;
  readonly incident: Incident;
  /** Up to which change the message shows it. */
  readonly posted: number;
}

/**
 * Messages that do not show their incident's last change: new ones, and those whose event was lost. One that
 * cannot be looked at counts as well: notify-slack runs into the same and says so, and the round goes on.
 */
export async function findLagging(incidents: Incidents, { store, shown }: LaggingDeps): Promise<Lagging[]> {
  const wanted = Object.values(incidents).flatMap((incident) =>
    incident.channels.map((channel) => ({ incident, channel })),
  );
  const looked = await Promise.all(
    wanted.map(async ({ incident, channel }): Promise<Lagging[]> => {
      const { id, seq } = incident;
      const key = storeKeys.message(id, channel);
      if ((shown.get(key) ?? 0) >= seq) return [];
      const posted = await readPostedSeq(store, key).catch(() => 0);
      if (posted < seq) return [{ announcement: { incident: id, channel, seq }, incident, posted }];
      remember(shown, key, posted);
      return [];
    }),
  );
  return looked.flat();
}

/** The queue gives a hint again every six minutes: by then it was tried twice. */
const behindAfter = 15 * 60_000;

export function isBehind({ incident, posted }: Lagging, now: number): boolean {
  return incident.history.some(({ seq, at }) => seq > posted && now - at >= behindAfter);
}

async function readPostedSeq(store: LaggingDeps["store"], key: string): Promise<number> {
  const stored = await store.read(key);
  return stored ? parseMessageState(key, stored.body).postedSeq : 0;
}

/** Enough for every message of a bad day; what is forgotten is looked at again. */
const rememberedMessages = 5_000;

function remember(shown: Map<string, number>, key: string, seq: number): void {
  if (shown.size >= rememberedMessages) shown.clear();
  shown.set(key, seq);
}
