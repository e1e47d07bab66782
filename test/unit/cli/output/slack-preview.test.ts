import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { columns } from "../../../../cli/output/slack-mrkdwn.ts";
import { renderSlackPreview } from "../../../../cli/output/slack-preview.ts";
import type { StoredMessage } from "../../../../cli/stage/slack.ts";
import { renderIncident } from "../../../../functions/notify-slack/blocks.ts";
import { renderChange } from "../../../../functions/notify-slack/changes.ts";
import type { SlackMessage } from "../../../../shared/domain/slack.ts";
import { afterChange, anIncident, t0 } from "../../../support/incident.ts";

const plain = { color: false, width: 80, timeZone: "UTC" };

function stored(message: SlackMessage, more: Partial<StoredMessage> = {}): StoredMessage {
  const { text, blocks, color } = message;
  return {
    ...{
      channel: "#llm-oncall",
      channelId: "C0STAGE001",
      ts: "1772334360.000100",
      threadTs: null,
      broadcast: false,
    },
    ...{ via: "bot", text, blocks: [], metadata: null, edited: false },
    attachments: blocks.length === 0 ? [] : [{ color, fallback: text, blocks }],
    ...more,
  };
}

const said = (text: string, more: Partial<StoredMessage> = {}) => stored({ text, blocks: [] }, more);

function lines(messages: readonly StoredMessage[], options = plain): string[] {
  return renderSlackPreview(messages, options).split("\n");
}

describe("the preview", () => {
  test("shows an incident as Slack does: headline, facts behind a bar, its thread under it", () => {
    const over = afterChange(anIncident(), "recovered", t0 + 25 * 60_000, 71.4);
    const change = over.history.at(-1);
    const answer = change && renderChange(change, over);
    if (!answer) throw new Error("a recovery is told");
    const root = stored(renderIncident(over, t0), { edited: true });
    expect(lines([root, stored(answer, { ts: "1772335600.000100", threadTs: root.ts })])).toEqual([
      "#llm-oncall",
      "",
      "  Sonde 1 Mar, 03:06 · edited",
      "  ✅ Resolved after 25m · seoul · GPU 3 on gpu-node-7 is at 91.2 °C",
      "  ┃ From                                   To",
      "  ┃ 1 Mar, 03:00                           1 Mar, 03:25",
      "  ┃ Last value                             Was",
      "  ┃ 71.4 °C                                Critical > 85 °C",
      "  ┃ ▁▂▄▇█  70 °C to 91.2 °C over 4m",
      "  ┃ Hostname=gpu-node-7  gpu=3",
      "  ┃ 📖 Runbook   📈 Grafana panel",
      "  ╰ 1 answer in the thread",
      "      Sonde 1 Mar, 03:26",
      "      ✅ Recovered after 25m: 71.4 °C · 1 Mar, 03:25",
      "",
    ]);
  });

  test("keeps channels apart", () => {
    const shown = lines([said("a"), said("b", { channel: "#llm-ops" }), said("c")]);
    expect(shown.filter((line) => /^#|^ {2}[abc]$/.test(line))).toEqual([
      "#llm-oncall",
      "  a",
      "  c",
      "#llm-ops",
      "  b",
    ]);
  });

  test("says what was sent by webhook, and what the channel sees of a thread", () => {
    const shown = lines([
      said("a", { via: "webhook" }),
      said("b", { threadTs: "1772334360.000100", broadcast: true }),
    ]);
    expect(shown.join("\n")).toMatch(/by webhook[\s\S]*also sent to the channel/);
  });

  test("paints emphasis, code, links, mentions and the bar's own colour", () => {
    const text = "*bold* ~gone~ _so_ `code *x*` <https://x.y|link> <!channel>";
    const painted = renderSlackPreview(
      [
        stored({
          text,
          color: "#d72b3f",
          blocks: [{ type: "context", elements: [{ type: "mrkdwn", text: "x", verbatim: true }] }],
        }),
      ],
      {
        ...plain,
        color: true,
      },
    );
    for (const piece of [
      "\u001b[1mbold\u001b[22m",
      "\u001b[9mgone\u001b[29m",
      "\u001b[3mso\u001b[23m",
      "\u001b[36mcode *x*\u001b[39m",
      "\u001b[33m@channel",
      "\u001b[38;2;215;43;63m┃",
    ])
      expect(painted).toContain(piece);
  });

  test("shows what was escaped as it was meant, and steers no terminal", () => {
    const shown = lines([said("&lt;!channel&gt; &amp; \u001b[2J\u0007 x")]);
    expect(shown).toContain("  <!channel> & �[2J� x");
  });

  test("leaves markup alone that is none", () => {
    expect(lines([said("2 * 3 * 4, snake_case_name, a~b~c")])).toContain(
      "  2 * 3 * 4, snake_case_name, a~b~c",
    );
  });

  test("shows the other blocks that Slack knows", () => {
    const blocks = [
      { type: "header", text: { type: "plain_text", text: "Head" } },
      { type: "divider" },
      { type: "actions", elements: [{ type: "button", text: { type: "plain_text", text: "Approve" } }] },
    ];
    const shown = lines([said("fallback", { blocks })]);
    expect(shown.slice(3)).toEqual(["  Head", `  ${"─".repeat(78)}`, "  [ Approve ]", ""]);
  });

  test("is never wider than the terminal, whatever is said", () => {
    const text = fc.array(
      fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom("*a b*", "`c d`", "<https://x|y z>", "🔥", "字"),
      ),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 30, max: 120 }), (parts, width) => {
        const content = parts.join(" ");
        const message = stored({
          text: content,
          blocks:
            content.trim() === ""
              ? []
              : [{ type: "section", fields: [{ type: "mrkdwn", text: content, verbatim: true }] }],
        });
        for (const line of lines([message], { ...plain, width }))
          expect(columns(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});
