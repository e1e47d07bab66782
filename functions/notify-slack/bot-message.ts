import { ConfigError } from "../../shared/domain/errors.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import type { MessagePlace, SlackMessage } from "../../shared/domain/slack.ts";
import type { MessageState } from "../../shared/domain/state.ts";
import { renderIncident } from "./blocks.ts";
import { buttonsOf } from "./buttons.ts";
import { decideMessage, type Step, toldUpTo } from "./decide.ts";
import {
  attempt,
  busy,
  type Held,
  type MessageDeps,
  newMessage,
  saveMessage,
  settle,
  type Taken,
} from "./message.ts";
import type { Notifier, NotifierDeps } from "./notifier.ts";

type Deps = MessageDeps & NotifierDeps;

/** How far Slack's clock and this one may be apart. */
const skewMs = 60_000;

/** Takes the next step of a message by the bot token. */
export const stepBotMessage: Notifier = async ({ incident, channel, held }, deps) => {
  const step = decideMessage(incident, held?.state ?? null, deps.now());
  if (step.do === "nothing") return "done";
  if (step.do === "wait") throw busy(channel, step.ms);
  const own = held ?? newMessage(incident.id, channel, deps);
  switch (step.do) {
    case "settle":
      return settle(incident, own, deps);
    case "look":
      return step.for === "post"
        ? lookForPost(step.seq, own, deps)
        : lookForReply(incident, step.seq, own, deps);
    case "post":
      return post(incident, own, deps);
    case "update":
      return update(incident, own, deps);
    case "reply":
      return reply(incident, step, own, deps);
  }
};

async function post(incident: Incident, own: Held, deps: Deps): Promise<Taken> {
  const message = render(incident, own, deps);
  const { held, result } = await attempt("post", incident.seq, own, deps, ({ channel, nonce }) =>
    deps.slack.post(channel, message, nonce),
  );
  const posted = { ...arrived(held.state, result, incident.seq), messageSeq: incident.seq };
  const next = { ...posted, postedSeq: toldUpTo(incident, 0) };
  return { held: await saveMessage(deps, held, next), effect: "posted" };
}

function render(incident: Incident, { state }: Held, deps: Deps): SlackMessage {
  return renderIncident(incident, deps.now(), buttonsOf(incident, state.channel, deps.access));
}

async function update(incident: Incident, own: Held, deps: Deps): Promise<Taken> {
  const message = render(incident, own, deps);
  const { held, result } = await attempt("update", incident.seq, own, deps, (state) =>
    deps.slack.update(placeOf(state), message),
  );
  if (result === "gone") return startOver(incident, held, deps);
  const next = {
    ...held.state,
    attempt: null,
    editable: result === "updated",
    messageSeq: incident.seq,
    postedSeq: toldUpTo(incident, held.state.postedSeq),
  };
  return { held: await saveMessage(deps, held, next), effect: "updated" };
}

async function reply(
  incident: Incident,
  { seq, message, broadcast }: Extract<Step, { do: "reply" }>,
  own: Held,
  deps: Deps,
): Promise<Taken> {
  const { held, result } = await attempt("reply", seq, own, deps, (state) =>
    deps.slack.reply(placeOf(state), message, replyNonce(state, seq), broadcast),
  );
  if (result === "gone") return startOver(incident, held, deps);
  // A thread that takes no answers does not hold up the message, which tells the same.
  return replied(incident, seq, held, deps, "replied");
}

async function replied(incident: Incident, seq: number, held: Held, deps: Deps, effect: "replied" | "found") {
  const next = { ...held.state, attempt: null, postedSeq: toldUpTo(incident, seq) };
  return { held: await saveMessage(deps, held, next), effect };
}

/** Looking needs permissions that posting does not: without them this message is stuck, and the channel is not. */
async function find(
  { slack }: Deps,
  where: Parameters<Deps["slack"]["findByNonce"]>[0],
): Promise<MessagePlace | null> {
  try {
    return await slack.findByNonce(where);
  } catch (error) {
    if (error instanceof ConfigError) throw new Error(error.message, { cause: error });
    throw error;
  }
}

/** Found, the post counts as done; which of several tries it was is not known, so it may show an older seq. */
async function lookForPost(seq: number, own: Held, deps: Deps): Promise<Taken> {
  const { channel, nonce, triedAt } = own.state;
  const place = await find(deps, { channel, nonce, since: triedAt - skewMs });
  if (!place) return notThere(own);
  const next = { ...arrived(own.state, place, seq), messageSeq: 0, postedSeq: 0 };
  return { held: await saveMessage(deps, own, next), effect: "found" };
}

async function lookForReply(incident: Incident, seq: number, own: Held, deps: Deps): Promise<Taken> {
  const { channelId, ts } = placeOf(own.state);
  const nonce = replyNonce(own.state, seq);
  const since = own.state.triedAt - skewMs;
  const place = await find(deps, { channel: channelId, thread: ts, nonce, since });
  return place ? replied(incident, seq, own, deps, "found") : notThere(own);
}

/** The way is free to do it again; that is saved with the next attempt. */
function notThere(own: Held): Taken {
  return { held: { ...own, state: { ...own.state, attempt: null } } };
}

/** Somebody deleted the message. While the incident fires it needs one; afterwards nobody misses it. */
async function startOver(incident: Incident, held: Held, deps: Deps): Promise<Taken> {
  if (incident.status === "resolved") return settle(incident, held, deps);
  const fresh = newMessage(held.state.incident, held.state.channel, deps);
  return { held: await saveMessage(deps, held, fresh.state) };
}

function arrived(state: MessageState, { channelId, ts }: MessagePlace, firstSeq: number): MessageState {
  return { ...state, attempt: null, channelId, ts, firstSeq };
}

function replyNonce({ nonce }: MessageState, seq: number): string {
  return `${nonce}/${seq}`;
}

function placeOf({ channelId, ts, incident }: MessageState): MessagePlace {
  if (channelId === null || ts === null)
    throw new Error(`the message of ${incident} has no place in Slack yet`);
  return { channelId, ts };
}
