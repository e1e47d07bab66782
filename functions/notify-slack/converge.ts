import type { GroupChanged } from "../../events/group-changed.ts";
import { type NotifierKind, parseChannel } from "../../shared/domain/channel.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import { incidentsObject } from "../../shared/domain/incident-state.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import { stepBotMessage } from "./bot-message.ts";
import { type Effect, loadMessage, type MessageDeps } from "./message.ts";
import type { Notifier, NotifierDeps } from "./notifier.ts";
import { stepPagerDuty } from "./pagerduty-events.ts";
import { stepSignedPost } from "./signed-post.ts";
import { stepWebhookMessage } from "./webhook-message.ts";

export interface ConvergeDeps extends MessageDeps, NotifierDeps {}

/** How each kind of channel is brought up to date. Another kind is another file, and a line here. */
const notifiers: Readonly<Record<NotifierKind, Notifier>> = {
  slack: stepBotMessage,
  "slack-webhook": stepWebhookMessage,
  pagerduty: stepPagerDuty,
  webhook: stepSignedPost,
};

/**
 * Brings one incident's message in one channel to what the incident's state says, and answers what it took.
 * The event is only a hint of where to look. Safe to run twice, late, or at the same time as another.
 */
export async function converge(event: GroupChanged, deps: ConvergeDeps): Promise<readonly Effect[]> {
  const incident = await readIncident(event, deps.store);
  if (!incident) return [];
  const { channel } = event;
  const { kind, name } = parseChannel(channel);
  const effects: Effect[] = [];
  let held = await loadMessage(deps.store, incident.id, channel);
  for (;;) {
    const taken = await notifiers[kind]({ incident, channel, name, held }, deps);
    if (taken === "done") return effects;
    held = taken.held;
    if (taken.effect) effects.push(taken.effect);
  }
}

/** Undefined where the incident is so old that its state is gone: then its message is left as it is. */
async function readIncident({ target, group }: GroupChanged, store: Store): Promise<Incident | undefined> {
  const key = storeKeys.incidents(target);
  const stored = await store.read(key);
  return stored ? incidentsObject(target).parse(key, stored.body).incidents[group] : undefined;
}
