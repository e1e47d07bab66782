import { isDeepStrictEqual } from "node:util";

/** One thing wrong with a payload, in Slack's words and with its pointer, without the `[ERROR]` before it. */
export type Complaint = string;

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

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown, at: string) => Complaint[];

/** `required` says "must define", as Slack does for sections, where one of two will do. */
interface Shape {
  readonly required: Readonly<Record<string, Check>>;
  readonly optional: Readonly<Record<string, Check>>;
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

function checkShape(value: Fields, { required, optional }: Shape, at: string): Complaint[] {
  const known: Shape["optional"] = { ...required, ...optional };
  return [
    ...Object.keys(required).flatMap((key) =>
      value[key] === undefined ? [say(`missing required field: ${key}`, at)] : [],
    ),
    ...Object.entries(value).flatMap(([key, inner]) => {
      if (key === "type" || inner === undefined) return [];
      const check = known[key];
      return check ? check(inner, `${at}/${key}`) : [say(`invalid additional property: ${key}`, at)];
    }),
  ];
}

function text(min: number, max: number): Check {
  return (value, at) => {
    if (typeof value !== "string") return [say("must be a string", at)];
    if (size(value) > max) return [say(`must be less than ${max + 1} characters`, at)];
    return size(value) < min ? [say(`must be more than ${min - 1} characters`, at)] : [];
  };
}

const boolean: Check = (value, at) => (typeof value === "boolean" ? [] : [say("must be a boolean", at)]);
const anything: Check = () => [];

function oneOf(...allowed: readonly string[]): Check {
  return (value, at) =>
    allowed.some((one) => one === value)
      ? []
      : [say(`must be a valid enum value: ${allowed.join(", ")}`, at)];
}

/** A text object. Slack complains of the object first, then of what is wrong in it. */
function textObject(max: number, types: readonly string[] = ["plain_text", "mrkdwn"]): Check {
  return (value, at) => {
    if (!isRecord(value)) return [say("must be an object", at)];
    const complaints = [
      ...oneOf(...types)(value.type, `${at}/type`),
      ...checkShape(
        value,
        {
          required: { text: text(1, max) },
          optional: value.type === "mrkdwn" ? { verbatim: boolean } : { emoji: boolean },
        },
        at,
      ),
    ];
    return complaints.length === 0 ? [] : [say("failed to match all allowed schemas", at), ...complaints];
  };
}

function list(max: number, item: Check): Check {
  return (value, at) => {
    if (!Array.isArray(value)) return [say("must be an array", at)];
    if (value.length === 0) return [say("no less than 1 items allowed", at)];
    if (value.length > max) return [say(`no more than ${max} items allowed`, at)];
    return value.flatMap((one: unknown, index) => item(one, `${at}/${index}`));
  };
}

function shaped(shape: Shape): Check {
  return (value, at) => (isRecord(value) ? checkShape(value, shape, at) : [say("must be an object", at)]);
}

function element(elements: Readonly<Record<string, Shape | Check>>): Check {
  return (value, at) => {
    if (!isRecord(value)) return [say("must be an object", at)];
    const found = typeof value.type === "string" ? elements[value.type] : undefined;
    if (!found) return [say(`unsupported type: ${String(value.type)}`, `${at}/type`)];
    return typeof found === "function" ? found(value, at) : checkShape(value, found, at);
  };
}

const url = text(1, 3000);
const actionId = text(1, 255);
const plain = (max: number) => textObject(max, ["plain_text"]);
const image: Shape = {
  required: { alt_text: text(1, 2000) },
  optional: { image_url: url, slack_file: anything },
};
const style = oneOf("primary", "danger");
/** https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object */
const confirm = shaped({
  required: { title: plain(100), text: textObject(300), confirm: plain(30), deny: plain(30) },
  optional: { style },
});
const button: Shape = {
  required: { text: plain(75) },
  optional: {
    action_id: actionId,
    url,
    value: text(0, 2000),
    style,
    confirm,
    accessibility_label: text(0, 75),
  },
};
/** https://docs.slack.dev/reference/block-kit/composition-objects/option-object */
const option: Shape = {
  required: { text: plain(75), value: text(1, 150) },
  optional: { description: plain(75) },
};
/** Links are for overflow menus alone. */
const overflow: Shape = {
  required: { options: list(5, shaped({ ...option, optional: { ...option.optional, url } })) },
  optional: { action_id: actionId, confirm },
};
const optionGroup = shaped({
  required: { label: plain(75), options: list(100, shaped(option)) },
  optional: {},
});
const staticSelectShape: Shape = {
  required: {},
  optional: {
    action_id: actionId,
    options: list(100, shaped(option)),
    option_groups: list(100, optionGroup),
    initial_option: shaped(option),
    placeholder: plain(150),
    confirm,
    focus_on_load: boolean,
  },
};
const staticSelect: Check = (value, at) => {
  if (!isRecord(value)) return [say("must be an object", at)];
  const { options, option_groups: groups, initial_option: initial } = value;
  const complaints = checkShape(value, staticSelectShape, at);
  if ((options === undefined) === (groups === undefined))
    return [say("must provide either `options` or `option_groups`", at), ...complaints];
  const unknown = Array.isArray(options) && initial !== undefined && !options.some(isSame(initial));
  return unknown
    ? [say("must be one of the provided options", `${at}/initial_option`), ...complaints]
    : complaints;
};
const otherActions = Object.fromEntries(
  [
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "radio_buttons",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "timepicker",
    "workflow_button",
  ].map((type): [string, Check] => [type, anything]),
);
const actions = { button, overflow, static_select: staticSelect, ...otherActions };

/** Each element of a block has an id of its own. */
const actionElements: Check = (value, at) => {
  const ids = Array.isArray(value)
    ? value.map((one: unknown) => (isRecord(one) ? one.action_id : undefined))
    : [];
  const twice = ids.flatMap((id, index) =>
    typeof id === "string" && ids.indexOf(id) < index
      ? [say("duplicate action_id", `${at}/${index}/action_id`)]
      : [],
  );
  return [...twice, ...list(25, element(actions))(value, at)];
};

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

/** The order of an object's keys does not count. */
function isSame(one: unknown): (other: unknown) => boolean {
  return (other) => isDeepStrictEqual(one, other);
}

function say(what: string, at: string): Complaint {
  return `${what} [json-pointer:${at}]`;
}

/** Slack counts characters, not UTF-16 units. */
function size(value: string): number {
  return [...value].length;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
