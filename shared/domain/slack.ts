/** Slack's markup. Every text from outside in it is escaped; URLs and names in it are not made into links. */
export interface Mrkdwn {
  type: "mrkdwn";
  text: string;
  verbatim: true;
}

/** The Block Kit blocks that Sonde uses. */
export type SlackBlock =
  | { type: "section"; text: Mrkdwn }
  | { type: "section"; fields: Mrkdwn[] }
  | { type: "context"; elements: Mrkdwn[] }
  | { type: "actions"; elements: SlackButton[] };

/** A button that tells the app of a click, or opens a page. */
export interface SlackButton {
  readonly type: "button";
  readonly action_id: string;
  readonly text: { readonly type: "plain_text"; readonly text: string; readonly emoji: true };
  readonly value?: string;
  readonly url?: string;
}

/** A line that also stands alone in notifications, and under it the blocks behind a bar in a colour. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
  /** `#rrggbb` */
  readonly color?: string;
}

/** Where a message stands: a conversation's id and the message's timestamp, which is its id there. */
export interface MessagePlace {
  readonly channelId: string;
  readonly ts: string;
}

/**
 * Slack by a bot token. Everything throws Retryable or ConfigError; where a message may have arrived although
 * no answer came, that is an Unacknowledged.
 */
export interface Slack {
  /** Posts a new message that carries the nonce in its metadata. */
  readonly post: (channel: string, message: SlackMessage, nonce: string) => Promise<MessagePlace>;
  /** `gone`: somebody deleted the message. `not-editable`: it stays as it is. */
  readonly update: (
    place: MessagePlace,
    message: SlackMessage,
  ) => Promise<"updated" | "gone" | "not-editable">;
  /** Answers in the message's thread; `broadcast` shows the answer in the channel too. */
  readonly reply: (
    place: MessagePlace,
    message: SlackMessage,
    nonce: string,
    broadcast: boolean,
  ) => Promise<"replied" | "gone" | "refused">;
  /** The message with this nonce, in the channel or in a thread of it, no older than `since`; null where none is. */
  readonly findByNonce: (where: {
    readonly channel: string;
    readonly thread?: string;
    readonly nonce: string;
    /** Unix milliseconds. */
    readonly since: number;
  }) => Promise<MessagePlace | null>;
}

/** Sends one message to an incoming webhook. Nothing comes back by which it could be edited or found again. */
export type PostToWebhook = (message: SlackMessage) => Promise<void>;
