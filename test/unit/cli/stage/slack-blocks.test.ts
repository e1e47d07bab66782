import { describe, expect, test } from "vitest";

import { checkBlocks } from "../../../../cli/stage/slack-blocks.ts";

const text = (content: string) => ({ type: "mrkdwn", text: content });
const section = (content = "hello") => ({ type: "section", text: text(content) });

describe("blocks", () => {
  test("of every kind that Slack takes in messages are taken", () => {
    const button = {
      type: "button",
      text: { type: "plain_text", text: "Go" },
      action_id: "go",
      url: "https://x.y",
    };
    expect(
      checkBlocks([
        section("x".repeat(3000)),
        {
          type: "section",
          fields: [text("a"), { type: "plain_text", text: "b", emoji: true }],
          accessory: button,
        },
        { type: "header", text: { type: "plain_text", text: "h".repeat(150) }, block_id: "head" },
        {
          type: "context",
          elements: [text("c"), { type: "image", image_url: "https://x.y/z.png", alt_text: "z" }],
        },
        { type: "divider" },
        { type: "actions", elements: [button, { type: "static_select", options: [] }] },
        { type: "image", image_url: "https://x.y/z.png", alt_text: "z" },
        { type: "markdown", text: "**m**" },
        { type: "rich_text", elements: [{ type: "rich_text_section", elements: [] }] },
      ]),
    ).toEqual([]);
  });

  test.each([
    {
      what: "a text that is too long",
      blocks: [section("x".repeat(3001))],
      says: [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
      ],
    },
    {
      what: "an empty text",
      blocks: [section("")],
      says: [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
      ],
    },
    {
      what: "a section without anything",
      blocks: [{ type: "section" }],
      says: ["must define either `text` or `fields` [json-pointer:/blocks/0/type]"],
    },
    {
      what: "a kind that does not exist",
      blocks: [section(), { type: "sparkline" }],
      says: ["unsupported type: sparkline [json-pointer:/blocks/1/type]"],
    },
    {
      what: "a property that does not exist",
      blocks: [{ ...section(), colour: "red" }],
      says: ["invalid additional property: colour [json-pointer:/blocks/0]"],
    },
    {
      what: "a header in mrkdwn",
      blocks: [{ type: "header", text: text("h") }],
      says: [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be a valid enum value: plain_text [json-pointer:/blocks/0/text/type]",
      ],
    },
    {
      what: "too many fields",
      blocks: [{ type: "section", fields: Array.from({ length: 11 }, () => text("f")) }],
      says: ["no more than 10 items allowed [json-pointer:/blocks/0/fields]"],
    },
    {
      what: "too many elements in a context",
      blocks: [{ type: "context", elements: Array.from({ length: 11 }, () => text("c")) }],
      says: ["no more than 10 items allowed [json-pointer:/blocks/0/elements]"],
    },
    {
      what: "too many blocks",
      blocks: Array.from({ length: 51 }, () => section()),
      says: ["no more than 50 items allowed [json-pointer:/blocks]"],
    },
    {
      what: "the same id twice",
      blocks: [
        { ...section(), block_id: "a" },
        { ...section(), block_id: "a" },
      ],
      says: ["duplicate block_id [json-pointer:/blocks/1/block_id]"],
    },
    {
      what: "a link that is too long",
      blocks: [
        {
          type: "actions",
          elements: [
            {
              type: "button",
              text: { type: "plain_text", text: "Go" },
              url: `https://x.y/${"z".repeat(3000)}`,
            },
          ],
        },
      ],
      says: ["must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]"],
    },
    {
      what: "a button without a text",
      blocks: [{ type: "actions", elements: [{ type: "button", action_id: "x".repeat(256) }] }],
      says: [
        "missing required field: text [json-pointer:/blocks/0/elements/0]",
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
      ],
    },
  ])("are refused in Slack's words for $what", ({ blocks, says }) => {
    expect(checkBlocks(blocks)).toEqual(says);
  });

  test("are counted in characters: an emoji is one", () => {
    expect(checkBlocks([section("🔥".repeat(3000))])).toEqual([]);
  });
});
