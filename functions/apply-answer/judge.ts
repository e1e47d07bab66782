import type { Answer, Outcome } from "../../shared/domain/answer.ts";
import { refusalOf, type SlackAccess } from "../../shared/domain/slack-access.ts";
import type { MessageState } from "../../shared/domain/state.ts";

/** What was not begun by then is not begun any more: nobody expects it. */
const lastMs = 60 * 60_000;

/** What is known of the message that an answer says it was given at. */
export interface Circumstances {
  readonly access: SlackAccess | null;
  /** Of the incident that the button names, in the channel that it names. */
  readonly message: Pick<MessageState, "channelId" | "ts"> | null;
  readonly now: number;
}

/** Whether an answer that Slack has signed may be applied; else how it ends. */
export function judge(answer: Answer, { access, message, now }: Circumstances): "allowed" | Outcome {
  if (now - answer.at > lastMs) return { result: "expired" };
  if (!access) return { result: "refused", because: "config" };
  const { place, action, by } = answer;
  // A button's value is as good as its message: of another message it may be anything.
  if (message?.ts !== place.ts || message.channelId !== place.channelId)
    return { result: "refused", because: "message" };
  const because = refusalOf(access.actions[action.kind], { user: by.id, channel: action.channel });
  return because === null ? "allowed" : { result: "refused", because };
}
