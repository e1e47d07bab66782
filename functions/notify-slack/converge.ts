import type { GroupChanged } from "../../events/group-changed.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import type { PostToWebhook, Slack } from "../../shared/domain/slack.ts";
import { parseTargetState } from "../../shared/domain/state.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import { stepBotMessage } from "./bot-message.ts";
import { type Effect, loadMessage, type MessageDeps } from "./message.ts";
import { stepWebhookMessage } from "./webhook-message.ts";

export interface ConvergeDeps extends MessageDeps {
  readonly slack: Slack;
  /** By the name of the secret that holds the webhook's URL. */
  readonly postToWebhook: (secret: string) => Promise<PostToWebhook>;
}

/**
 * Brings one incident's message in one channel to what the incident's state says, and answers what it took.
 * The event is only a hint of where to look. Safe to run twice, late, or at the same time as another.
 */
export async function converge(event: GroupChanged, deps: ConvergeDeps): Promise<readonly Effect[]> {
  const incident = await readIncident(event, deps.store);
  if (!incident) return [];
  const { channel } = event;
  const secret = /^webhook:(.+)$/.exec(channel)?.[1];
  const effects: Effect[] = [];
  let held = await loadMessage(deps.store, incident.id, channel);
  for (;;) {
    const taken =
      secret === undefined
        ? await stepBotMessage(incident, channel, held, deps)
        : await stepWebhookMessage(incident, channel, secret, held, deps);
    if (taken === "done") return effects;
    held = taken.held;
    if (taken.effect) effects.push(taken.effect);
  }
}

/** Undefined where the incident is so old that its state is gone: then its message is left as it is. */
async function readIncident({ target, group }: GroupChanged, store: Store): Promise<Incident | undefined> {
  const key = storeKeys.target(target);
  const stored = await store.read(key);
  return stored ? parseTargetState(key, stored.body).incidents[group] : undefined;
}
