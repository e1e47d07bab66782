import type { Mrkdwn, SlackBlock, SlackButton } from "../../shared/domain/slack.ts";

/**
 * Lengths in characters after escaping. Slack takes 3,000 a text, 2,000 a field, 4,000 bytes of `text` in an
 * edit, and (undocumented: github.com/slackapi/bolt-js/issues/2509) about 13,000 over all blocks.
 */
export const room = {
  summary: 600,
  name: 80,
  description: 900,
  label: 180,
  details: 2900,
  member: 240,
  small: 60,
};

function mrkdwn(text: string): Mrkdwn {
  return { type: "mrkdwn", text, verbatim: true };
}

export function section(text: string): SlackBlock[] {
  return text === "" ? [] : [{ type: "section", text: mrkdwn(text) }];
}

export function context(text: string): SlackBlock[] {
  return text === "" ? [] : [{ type: "context", elements: [mrkdwn(text)] }];
}

export function actions(buttons: readonly SlackButton[]): SlackBlock[] {
  return buttons.length === 0 ? [] : [{ type: "actions", elements: [...buttons] }];
}

export function fields(rows: readonly (readonly [name: string, text: string])[]): SlackBlock[] {
  const filled = rows.filter(([, text]) => text !== "").map(([name, text]) => mrkdwn(`*${name}*\n${text}`));
  return filled.length === 0 ? [] : [{ type: "section", fields: filled }];
}

export function joinUpTo(parts: readonly string[], separator: string, max: number): string {
  let joined = "";
  for (const part of parts) {
    if (joined.length + separator.length + part.length + 1 > max) return `${joined}${separator}…`;
    joined += joined === "" ? part : `${separator}${part}`;
  }
  return joined;
}
