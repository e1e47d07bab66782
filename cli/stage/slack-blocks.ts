import {
  anything,
  boolean,
  type Complaint,
  checkShape,
  element,
  type Fields,
  isRecord,
  list,
  type Shape,
  say,
  size,
  text,
  textObject,
} from "./slack-checks.ts";
import { actionElements, actions, image, plain, url } from "./slack-elements.ts";

/** https://docs.slack.dev/reference/block-kit/blocks */
const maxBlocks = 50;
const maxBlockId = 255;

/** Checks blocks as Slack does for messages; what it finds goes into `response_metadata.messages`. */
export function checkBlocks(blocks: unknown, at = "/blocks"): Complaint[] {
  if (!Array.isArray(blocks)) return [say("must be an array", at)];
  if (blocks.length > maxBlocks) return [say(`no more than ${maxBlocks} items allowed`, at)];
  const seen = new Set<string>();
  return blocks.flatMap((block: unknown, index) => {
    const here = `${at}/${index}`;
    if (!isRecord(block)) return [say("must be an object", here)];
    const id = block.block_id;
    const duplicate =
      typeof id === "string" && seen.has(id) ? [say("duplicate block_id", `${here}/block_id`)] : [];
    if (typeof id === "string") seen.add(id);
    return [...duplicate, ...checkBlock(block, here)];
  });
}

/** All characters that blocks show; Slack refuses a message that has too many of them. */
export function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + lengthOf(item), 0);
  if (!isRecord(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [key, inner]) =>
      sum + (key === "text" && typeof inner === "string" ? size(inner) : lengthOf(inner)),
    0,
  );
}

function checkBlock(block: Fields, at: string): Complaint[] {
  const { type } = block;
  if (typeof type !== "string") return [say("missing required field: type", at)];
  const shape = shapes[type];
  if (!shape) return [say(`unsupported type: ${type}`, `${at}/type`)];
  const either =
    type === "section" && block.text === undefined && block.fields === undefined
      ? [say("must define either `text` or `fields`", `${at}/type`)]
      : [];
  return [...either, ...checkShape(block, shape, at)];
}

const blockId = { block_id: text(1, maxBlockId) };
const shapes: Readonly<Record<string, Shape>> = {
  section: {
    required: {},
    optional: {
      ...blockId,
      text: textObject(3000),
      fields: list(10, textObject(2000)),
      accessory: element({ image, ...actions }),
      expand: boolean,
    },
  },
  header: { required: { text: plain(150) }, optional: blockId },
  context: {
    required: {
      elements: list(10, element({ image, plain_text: textObject(3000), mrkdwn: textObject(3000) })),
    },
    optional: blockId,
  },
  divider: { required: {}, optional: blockId },
  actions: { required: { elements: actionElements }, optional: blockId },
  image: { ...image, optional: { ...image.optional, ...blockId, title: plain(2000) } },
  markdown: { required: { text: text(1, 12_000) }, optional: blockId },
  rich_text: { required: { elements: list(1000, anything) }, optional: blockId },
  table: { required: { rows: list(100, anything) }, optional: { ...blockId, column_settings: anything } },
  video: {
    required: { alt_text: text(1, 2000), title: plain(199), thumbnail_url: url, video_url: url },
    optional: {
      ...blockId,
      title_url: url,
      author_name: text(0, 50),
      description: plain(200),
      provider_name: anything,
    },
  },
};
