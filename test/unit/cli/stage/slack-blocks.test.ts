import { describe, expect, test } from "vitest";

import { checkBlocks } from "../../../../cli/stage/slack-blocks.ts";

const text = (content: string) => ({ type: "mrkdwn", text: content });
const section = (content = "hello") => ({ type: "section", text: text(content) });

const plain = (content: string) => ({ type: "plain_text", text: content });
const option = (value: string) => ({ text: plain(value), value });
const actions = (...elements: unknown[]) => [{ type: "actions", elements }];
const at = "[json-pointer:/blocks/0/elements";

describe("blocks", () => {
  test("of every kind that Slack takes in messages are taken", () => {
    const button = {
      type: "button",
      text: { type: "plain_text", text: "Go" },
      action_id: "go",
      url: "https://x.y",
    };
    const options = [option("1h"), option("4h")];
    const select = {
      type: "static_select",
      action_id: "for",
      placeholder: plain("Silence"),
      options,
      initial_option: option("4h"),
      confirm: { title: plain("Sure?"), text: text("*Sure?*"), confirm: plain("Yes"), deny: plain("No") },
    };
    const overflow = {
      type: "overflow",
      action_id: "more",
      options: [...options, { ...option("docs"), url: "https://x.y" }],
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
        { type: "actions", elements: [button, select, overflow] },
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
    {
      what: "two buttons of the same id",
      blocks: actions(
        { type: "button", text: plain("a"), action_id: "go" },
        { type: "button", text: plain("b"), action_id: "go" },
      ),
      says: [`duplicate action_id ${at}/1/action_id]`],
    },
    {
      what: "a button's text and value that are too long",
      blocks: actions({ type: "button", text: plain("x".repeat(76)), value: "v".repeat(2001) }),
      says: [
        `failed to match all allowed schemas ${at}/0/text]`,
        `must be less than 76 characters ${at}/0/text/text]`,
        `must be less than 2001 characters ${at}/0/value]`,
      ],
    },
    {
      what: "a style that does not exist",
      blocks: actions({ type: "button", text: plain("a"), style: "warning" }),
      says: [`must be a valid enum value: primary, danger ${at}/0/style]`],
    },
    {
      what: "more than 25 elements",
      blocks: actions(
        ...Array.from({ length: 26 }, (_, index) => ({
          type: "button",
          text: plain("a"),
          action_id: `${index}`,
        })),
      ),
      says: [`no more than 25 items allowed ${at}]`],
    },
    {
      what: "an option's value that is too long",
      blocks: actions({ type: "overflow", options: [{ text: plain("a"), value: "v".repeat(151) }] }),
      says: [`must be less than 151 characters ${at}/0/options/0/value]`],
    },
    {
      what: "an overflow menu of six",
      blocks: actions({ type: "overflow", options: Array.from({ length: 6 }, (_, n) => option(`${n}`)) }),
      says: [`no more than 5 items allowed ${at}/0/options]`],
    },
    {
      what: "a link in a select menu",
      blocks: actions({ type: "static_select", options: [{ ...option("a"), url: "https://x.y" }] }),
      says: [`invalid additional property: url ${at}/0/options/0]`],
    },
    {
      what: "a select menu without options",
      blocks: actions({ type: "static_select", placeholder: plain("a") }),
      says: [`must provide either \`options\` or \`option_groups\` ${at}/0]`],
    },
    {
      what: "an initial option that is not among the options",
      blocks: actions({ type: "static_select", options: [option("a")], initial_option: option("b") }),
      says: [`must be one of the provided options ${at}/0/initial_option]`],
    },
    {
      what: "a question without an answer",
      blocks: actions({
        type: "button",
        text: plain("a"),
        confirm: { title: plain("Sure?"), text: plain("Sure?"), confirm: plain("Yes") },
      }),
      says: [`missing required field: deny ${at}/0/confirm]`],
    },
  ])("are refused in Slack's words for $what", ({ blocks, says }) => {
    expect(checkBlocks(blocks)).toEqual(says);
  });

  test("are counted in characters: an emoji is one", () => {
    expect(checkBlocks([section("🔥".repeat(3000))])).toEqual([]);
  });
});
