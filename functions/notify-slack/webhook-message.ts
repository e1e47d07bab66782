import { renderIncident } from "./blocks.ts";
import { decidePush } from "./decide.ts";
import { attempt, busy, newMessage, settle } from "./message.ts";
import type { Notifier } from "./notifier.ts";

/** Takes the next step of an incident's messages through a Slack webhook: at least once each, never edited. */
export const stepWebhookMessage: Notifier = async ({ incident, channel, name, held }, deps) => {
  const step = decidePush(incident, held?.state ?? null, deps.now());
  if (step.do === "nothing") return "done";
  if (step.do === "wait") throw busy(channel, step.ms);
  const own = held ?? newMessage(incident.id, channel, deps);
  if (step.do === "settle") return settle(incident, own, deps);
  const send = await deps.postToWebhook(name);
  const message = renderIncident(incident, deps.now());
  const { held: begun } = await attempt("post", incident.seq, own, deps, () => send(message));
  return settle(incident, begun, deps, "posted");
};
