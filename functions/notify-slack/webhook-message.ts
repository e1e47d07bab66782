import type { Incident } from "../../shared/domain/incident.ts";
import type { PostToWebhook } from "../../shared/domain/slack.ts";
import { renderIncident } from "./blocks.ts";
import { decideWebhook } from "./decide.ts";
import { attempt, busy, type Held, type MessageDeps, newMessage, settle, type Taken } from "./message.ts";

interface Deps extends MessageDeps {
  /** By the name of the secret that holds the webhook's URL. */
  readonly postToWebhook: (secret: string) => Promise<PostToWebhook>;
}

/** Takes the next step of an incident's messages through a webhook: at least once each, never edited. */
export async function stepWebhookMessage(
  incident: Incident,
  channel: string,
  secret: string,
  held: Held | null,
  deps: Deps,
): Promise<Taken> {
  const step = decideWebhook(incident, held?.state ?? null, deps.now());
  if (step.do === "nothing") return "done";
  if (step.do === "wait") throw busy(channel, step.ms);
  const own = held ?? newMessage(incident.id, channel, deps);
  if (step.do === "settle") return settle(incident, own, deps);
  const send = await deps.postToWebhook(secret);
  const message = renderIncident(incident, deps.now());
  const { held: begun } = await attempt("post", incident.seq, own, deps, () => send(message));
  return settle(incident, begun, deps, "posted");
}
