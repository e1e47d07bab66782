import { createHmac } from "node:crypto";
import type { StoredMessage } from "./slack-channels.ts";
import { isRecord } from "./slack-checks.ts";

/** Who clicks. `teamId` is the person's own: in a channel shared with others it is not the app's. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly teamId: string;
}

/** Whose app it is that the click goes to. */
export interface Installation {
  readonly appId: string;
  readonly teamId: string;
  readonly signingSecret: string;
}

/** A click as it goes over the wire. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface FoundElement {
  readonly element: Readonly<Record<string, unknown>>;
  readonly blockId: string;
  /** From 1; null where the block stands in the message itself. */
  readonly attachment: number | null;
}

/** The button, or the option of a menu, that a click meets; undefined where the message shows none by this id. */
export function findElement(message: StoredMessage, actionId: string): FoundElement | undefined {
  const own = elementsOf(message.blocks, null);
  const attached = message.attachments.flatMap((attachment, index) =>
    isRecord(attachment) ? elementsOf(attachment.blocks, index + 1) : [],
  );
  return [...own, ...attached].find(({ element }) => element.action_id === actionId);
}

function elementsOf(blocks: unknown, attachment: number | null): FoundElement[] {
  if (!Array.isArray(blocks)) return [];
  return blocks.flatMap((block: unknown, index) => {
    if (!isRecord(block)) return [];
    const elements: readonly unknown[] =
      block.type === "actions" && Array.isArray(block.elements) ? block.elements : [block.accessory];
    // Slack makes up an id for a block that has none.
    const blockId = typeof block.block_id === "string" ? block.block_id : `b${attachment ?? 0}${index}`;
    return elements.filter(isRecord).map((element) => ({ element, blockId, attachment }));
  });
}

export interface Click {
  readonly message: StoredMessage;
  readonly actionId: string;
  /** Of the option that is chosen, in a menu. */
  readonly option?: string;
  readonly person: Person;
  readonly responseUrl: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/**
 * The payload of a click (docs.slack.dev/reference/interaction-payloads/block_actions-payload). `team` is where
 * the app is installed; who clicks from outside has another `team_id` (github.com/slackapi/java-slack-sdk/issues/1041).
 */
export function clickPayload(click: Click, { appId, teamId }: Installation, shown: unknown) {
  const { message, actionId, person, responseUrl, at } = click;
  const found = findElement(message, actionId);
  if (!found) throw new Error(`the message ${message.ts} shows nothing that is called ${actionId}`);
  const { element, blockId, attachment } = found;
  const seconds = (at / 1000).toFixed(6);
  return {
    type: "block_actions",
    user: { id: person.id, username: person.name, name: person.name, team_id: person.teamId },
    api_app_id: appId,
    token: "Shh_its_a_seekrit",
    container: {
      type: attachment === null ? "message" : "message_attachment",
      message_ts: message.ts,
      ...(attachment === null ? {} : { attachment_id: attachment }),
      channel_id: message.channelId,
      is_ephemeral: false,
      ...(attachment === null ? {} : { is_app_unfurl: false }),
    },
    trigger_id: `${Math.floor(at)}.${teamId}.stage`,
    team: { id: teamId, domain: "stage" },
    enterprise: null,
    is_enterprise_install: false,
    // Private channels have no name here, only what they are.
    channel: { id: message.channelId, name: message.channel.replace(/^#/, "") },
    message: shown,
    state: { values: {} },
    response_url: responseUrl,
    actions: [{ ...actionOf(element, click.option), block_id: blockId, action_ts: seconds }],
  };
}

function actionOf(element: Readonly<Record<string, unknown>>, option: string | undefined) {
  const { type, action_id, text, value, style, options } = element;
  if (type === "button")
    return {
      type,
      action_id,
      text,
      ...(value === undefined ? {} : { value }),
      ...(style === undefined ? {} : { style }),
    };
  const chosen = Array.isArray(options)
    ? options.filter(isRecord).find((one) => one.value === option)
    : undefined;
  if (!chosen) throw new Error(`the menu ${String(action_id)} has no option ${option ?? "without a value"}`);
  return { type, action_id, selected_option: chosen };
}

/** Signs as Slack does (docs.slack.dev/authentication/verifying-requests-from-slack). */
export function signRequest(payload: unknown, signingSecret: string, at: number): SignedRequest {
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac("sha256", signingSecret).update(`v0:${timestamp}:${body}`).digest("hex");
  return {
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": `v0=${signature}`,
    },
    body,
  };
}
