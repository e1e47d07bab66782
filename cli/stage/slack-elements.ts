import { isDeepStrictEqual } from "node:util";

import {
  anything,
  boolean,
  type Check,
  checkShape,
  element,
  isRecord,
  list,
  oneOf,
  type Shape,
  say,
  shaped,
  text,
  textObject,
} from "./slack-checks.ts";

export const url = text(1, 3000);
const actionId = text(1, 255);
export const plain = (max: number) => textObject(max, ["plain_text"]);
export const image: Shape = {
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
export const actions = { button, overflow, static_select: staticSelect, ...otherActions };

/** Each element of a block has an id of its own. */
export const actionElements: Check = (value, at) => {
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

/** The order of an object's keys does not count. */
function isSame(one: unknown): (other: unknown) => boolean {
  return (other) => isDeepStrictEqual(one, other);
}
