import { checkBlocks, lengthOf } from "./slack-blocks.ts";
import type { Content, MessageMetadata } from "./slack-channels.ts";
import { isRecord } from "./slack-checks.ts";
import { parseJson } from "./slack-request.ts";

/** What Slack answers to arguments that it does not take. */
export interface Refusal {
  readonly error: string;
  readonly messages?: readonly string[];
}

/** 40,000 characters for a post; in an edit 4,000, counted in bytes. */
const maxText = { post: 40_000, update: 4_000 };
/** Found by those who hit it: github.com/slackapi/bolt-js/issues/2509. */
const maxBlocksText = 13_200;
const maxAttachments = 100;
const maxMetadata = 16_000;

const attachmentKeys = new Set([
  "id",
  "color",
  "fallback",
  "blocks",
  "pretext",
  "author_name",
  "author_link",
  "author_icon",
  "title",
  "title_link",
  "text",
  "fields",
  "image_url",
  "thumb_url",
  "footer",
  "footer_icon",
  "ts",
  "mrkdwn_in",
  "actions",
  "callback_id",
]);

/** Checks what a message holds, as far as it is given. An edit keeps what is not given. */
export function readContent(
  args: Readonly<Record<string, unknown>>,
  kind: "post" | "update",
): Partial<Content> | Refusal {
  const text = args.text === undefined ? undefined : String(args.text);
  if (text !== undefined && (kind === "update" ? Buffer.byteLength(text) : [...text].length) > maxText[kind])
    return { error: "msg_too_long" };
  const blocks = readList(args.blocks);
  if (blocks === "invalid") return { error: "invalid_blocks_format" };
  const attachments = readList(args.attachments);
  if (attachments === "invalid") return { error: "invalid_attachments" };
  const metadata = readMetadata(args.metadata);
  if (metadata !== undefined && metadata !== null && "error" in metadata) return metadata;
  const blockFaults = blocks ? checkBlocks(blocks) : [];
  if (blockFaults.length > 0) return { error: "invalid_blocks", messages: blockFaults };
  const attachmentFaults = attachments ? checkAttachments(attachments) : [];
  if (attachmentFaults.length > 0) return { error: "invalid_attachments", messages: attachmentFaults };
  if ((attachments?.length ?? 0) > maxAttachments) return { error: "too_many_attachments" };
  if (lengthOf(blocks ?? []) + lengthOf(attachments ?? []) > maxBlocksText)
    return { error: "msg_blocks_too_long" };
  if (kind === "post" && !text && !blocks?.length && !attachments?.length) return { error: "no_text" };
  return {
    ...(text === undefined ? {} : { text }),
    ...(blocks === undefined ? {} : { blocks }),
    ...(attachments === undefined ? {} : { attachments }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

export function isRefusal(result: Partial<Content> | Refusal): result is Refusal {
  return "error" in result;
}

/** Lists come as JSON text in a form, as lists in JSON. */
function readList(value: unknown): readonly unknown[] | undefined | "invalid" {
  if (value === undefined || value === "") return undefined;
  const data = typeof value === "string" ? parseJson(value) : value;
  return Array.isArray(data) ? data : "invalid";
}

function checkAttachments(attachments: readonly unknown[]): string[] {
  return attachments.flatMap((attachment, index) => {
    if (!isRecord(attachment)) return ["must be an object"];
    if (Object.keys(attachment).some((key) => !attachmentKeys.has(key))) return ["invalid_keys"];
    return attachment.blocks === undefined
      ? []
      : checkBlocks(attachment.blocks, `/attachments/${index}/blocks`);
  });
}

function readMetadata(value: unknown): MessageMetadata | null | undefined | Refusal {
  if (value === undefined || value === "") return undefined;
  const data = typeof value === "string" ? parseJson(value) : value;
  if (!isRecord(data)) return { error: "invalid_metadata_format" };
  if (Object.keys(data).length === 0) return null;
  const { event_type: type, event_payload: payload } = data;
  if (typeof type !== "string" || !isRecord(payload)) return { error: "invalid_metadata_schema" };
  if (Buffer.byteLength(JSON.stringify(data)) > maxMetadata) return { error: "metadata_too_large" };
  // Slack accepts the message and drops metadata whose type has other characters.
  return /^[a-z0-9_]+$/i.test(type) ? { event_type: type, event_payload: payload } : null;
}
