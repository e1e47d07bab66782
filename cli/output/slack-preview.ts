import * as z from "zod/mini";

import type { StoredMessage } from "../stage/slack.ts";
import { columns, formatDate, parseMrkdwn, wrapSpans } from "./slack-mrkdwn.ts";
import { paint, type Style } from "./style.ts";

export interface PreviewOptions extends Style {
  /** IANA name; this machine's own unless told. */
  readonly timeZone?: string;
}

const textObject = z.object({ text: z.string() });
const blockSchema = z.object({
  type: z.string(),
  text: z.optional(z.union([textObject, z.string()])),
  fields: z.optional(z.array(textObject)),
  elements: z.optional(z.array(z.object({ text: z.optional(z.union([textObject, z.string()])) }))),
});
const attachmentSchema = z.object({
  color: z.optional(z.string()),
  text: z.optional(z.string()),
  blocks: z.optional(z.array(blockSchema)),
});
type Block = z.infer<typeof blockSchema>;

const gutter = "  ";
const defaultColor = "#dddddd";

/** The channels as Slack would show them, in a terminal: messages with their bars, threads under them. */
export function renderSlackPreview(messages: readonly StoredMessage[], options: PreviewOptions): string {
  const channels = Map.groupBy(messages, ({ channel }) => channel);
  const lines = [...channels].flatMap(([channel, own]) => [
    paint(options, "bold", channel),
    ...own
      .filter(({ threadTs }) => threadTs === null)
      .flatMap((message) => renderThread(message, own, options)),
    "",
  ]);
  return lines.join("\n");
}

function renderThread(root: StoredMessage, all: readonly StoredMessage[], options: PreviewOptions): string[] {
  const answers = all.filter(({ threadTs }) => threadTs === root.ts);
  const inner = narrower(options, 6);
  const count = answers.length === 1 ? "1 answer in the thread" : `${answers.length} answers in the thread`;
  return [
    "",
    ...renderMessage(root, narrower(options, gutter.length)).map((line) => `${gutter}${line}`),
    ...(answers.length === 0 ? [] : [paint(options, "dim", `${gutter}╰ ${count}`)]),
    ...answers.flatMap((answer) => renderMessage(answer, inner).map((line) => `${gutter}    ${line}`)),
  ];
}

function renderMessage(message: StoredMessage, options: PreviewOptions): string[] {
  const { ts, via, edited, broadcast, text, blocks, attachments } = message;
  const notes = [
    formatDate(Number(ts) * 1000, options.timeZone),
    ...(via === "webhook" ? ["by webhook"] : []),
    ...(edited ? ["edited"] : []),
    ...(broadcast ? ["also sent to the channel"] : []),
  ].join(" · ");
  const head = `${paint(options, "bold", "Sonde")} ${paint(options, "dim", notes)}`;
  // Blocks take the place of the text; attachments stand under it.
  const own = z.array(blockSchema).parse(blocks);
  const body = own.length > 0 ? renderBlocks(own, options) : renderText(text, options);
  return [head, ...body, ...attachments.flatMap((attachment) => renderAttachment(attachment, options))];
}

function renderAttachment(attachment: unknown, options: PreviewOptions): string[] {
  const { color = defaultColor, text = "", blocks = [] } = attachmentSchema.parse(attachment);
  const bar = paintHex(color, "┃", options);
  const inner = narrower(options, 2);
  const lines = [...(text === "" ? [] : renderText(text, inner)), ...renderBlocks(blocks, inner)];
  return lines.map((line) => `${bar} ${line}`.trimEnd());
}

function renderBlocks(blocks: readonly Block[], options: PreviewOptions): string[] {
  return blocks.flatMap((block) => {
    switch (block.type) {
      case "divider":
        return [paint(options, "dim", "─".repeat(options.width))];
      case "header":
        return renderText(textOf(block.text), options).map((line) => paint(options, "bold", line));
      case "context": {
        const elements = (block.elements ?? []).map(({ text }) => textOf(text)).filter((text) => text !== "");
        return renderText(elements.join("  "), options).map((line) => paint(options, "dim", line));
      }
      case "actions":
        return [(block.elements ?? []).map(({ text }) => `[ ${textOf(text)} ]`).join("  ")];
      default:
        return [
          ...(block.text === undefined ? [] : renderText(textOf(block.text), options)),
          ...(block.fields === undefined ? [] : renderFields(block.fields, options)),
        ];
    }
  });
}

/** Fields stand in two columns, as on Slack's desktop. */
function renderFields(fields: readonly { readonly text: string }[], options: PreviewOptions): string[] {
  const width = Math.max(8, Math.floor((options.width - 2) / 2));
  const cells = fields.map(({ text }) => renderText(text, { ...options, width }));
  const plain = fields.map(({ text }) => renderText(text, { ...options, width, color: false }));
  const lines: string[] = [];
  for (let index = 0; index < cells.length; index += 2) {
    const [left = [], right = []] = [cells[index], cells[index + 1]];
    for (let row = 0; row < Math.max(left.length, right.length); row++) {
      const padding = " ".repeat(Math.max(0, width - columns(plain[index]?.[row] ?? "")));
      lines.push(`${left[row] ?? ""}${padding}  ${right[row] ?? ""}`.trimEnd());
    }
  }
  return lines;
}

function textOf(text: Block["text"]): string {
  return typeof text === "string" ? text : (text?.text ?? "");
}

function renderText(text: string, options: PreviewOptions): string[] {
  return text === "" ? [] : wrapSpans(parseMrkdwn(text, options.timeZone), options.width, options);
}

function narrower(options: PreviewOptions, by: number): PreviewOptions {
  return { ...options, width: Math.max(20, options.width - by) };
}

function paintHex(color: string, text: string, { color: colored }: Style): string {
  const hex = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (!colored || !hex) return text;
  const [red, green, blue] = hex.slice(1).map((part) => Number.parseInt(part, 16));
  return `\u001b[38;2;${red};${green};${blue}m${text}\u001b[39m`;
}
