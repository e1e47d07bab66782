/** One thing wrong with a payload, in Slack's words and with its pointer, without the `[ERROR]` before it. */
export type Complaint = string;

export type Fields = Readonly<Record<string, unknown>>;
export type Check = (value: unknown, at: string) => Complaint[];

/** `required` says "must define", as Slack does for sections, where one of two will do. */
export interface Shape {
  readonly required: Readonly<Record<string, Check>>;
  readonly optional: Readonly<Record<string, Check>>;
}

export function checkShape(value: Fields, { required, optional }: Shape, at: string): Complaint[] {
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

export function text(min: number, max: number): Check {
  return (value, at) => {
    if (typeof value !== "string") return [say("must be a string", at)];
    if (size(value) > max) return [say(`must be less than ${max + 1} characters`, at)];
    return size(value) < min ? [say(`must be more than ${min - 1} characters`, at)] : [];
  };
}

export const boolean: Check = (value, at) =>
  typeof value === "boolean" ? [] : [say("must be a boolean", at)];
export const anything: Check = () => [];

export function oneOf(...allowed: readonly string[]): Check {
  return (value, at) =>
    allowed.some((one) => one === value)
      ? []
      : [say(`must be a valid enum value: ${allowed.join(", ")}`, at)];
}

/** A text object. Slack complains of the object first, then of what is wrong in it. */
export function textObject(max: number, types: readonly string[] = ["plain_text", "mrkdwn"]): Check {
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

export function list(max: number, item: Check): Check {
  return (value, at) => {
    if (!Array.isArray(value)) return [say("must be an array", at)];
    if (value.length === 0) return [say("no less than 1 items allowed", at)];
    if (value.length > max) return [say(`no more than ${max} items allowed`, at)];
    return value.flatMap((one: unknown, index) => item(one, `${at}/${index}`));
  };
}

export function shaped(shape: Shape): Check {
  return (value, at) => (isRecord(value) ? checkShape(value, shape, at) : [say("must be an object", at)]);
}

export function element(elements: Readonly<Record<string, Shape | Check>>): Check {
  return (value, at) => {
    if (!isRecord(value)) return [say("must be an object", at)];
    const found = typeof value.type === "string" ? elements[value.type] : undefined;
    if (!found) return [say(`unsupported type: ${String(value.type)}`, `${at}/type`)];
    return typeof found === "function" ? found(value, at) : checkShape(value, found, at);
  };
}

export function say(what: string, at: string): Complaint {
  return `${what} [json-pointer:${at}]`;
}

/** Slack counts characters, not UTF-16 units. */
export function size(value: string): number {
  return [...value].length;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
