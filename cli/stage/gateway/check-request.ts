import * as z from "zod/mini";

import { apiError, type ErrorAnswer } from "./errors.ts";

/** What of a request the answer depends on. */
export interface CheckedRequest {
  readonly model: string;
  readonly maxTokens: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Characters of all messages. */
  readonly length: number;
}

/** The fields that the API knows, and what each must be. */
const fields = {
  model: { is: isText, expected: "a string" },
  messages: { is: Array.isArray, expected: "an array of objects" },
  max_tokens: { is: Number.isInteger, expected: "an integer" },
  max_completion_tokens: { is: Number.isInteger, expected: "an integer" },
  temperature: { is: isNumber, expected: "a decimal" },
  top_p: { is: isNumber, expected: "a decimal" },
  n: { is: Number.isInteger, expected: "an integer" },
  stop: { is: (value: unknown) => isText(value) || Array.isArray(value), expected: "a string or an array" },
  seed: { is: Number.isInteger, expected: "an integer" },
  user: { is: isText, expected: "a string" },
  metadata: { is: isObject, expected: "an object" },
  stream: { is: (value: unknown) => typeof value === "boolean", expected: "a boolean" },
  stream_options: { is: isObject, expected: "an object" },
} as const satisfies Readonly<Record<string, { is: (value: unknown) => boolean; expected: string }>>;

const message = z.object({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(z.object({ type: z.string() })).check(z.minLength(1))]),
});

/** Checks a chat completion request as strictly as OpenAI's API does: what is wrong is a 400 that names it. */
export function checkRequest(body: string): CheckedRequest | ErrorAnswer {
  const data = parsed(body);
  if (!isObject(data)) return bad("The request's body is not a JSON object.");
  const given = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
  for (const name of ["model", "messages"] as const)
    if (given[name] === undefined)
      return bad(`Missing required parameter: '${name}'.`, name, "missing_required_parameter");
  for (const [name, value] of Object.entries(given)) {
    const field = fieldOf(name);
    if (!field) return bad(`Unrecognized request argument supplied: ${name}`);
    if (!field.is(value))
      return bad(`Invalid type for '${name}': expected ${field.expected}.`, name, "invalid_type");
  }
  return checkMessages(given) ?? checkNumbers(given) ?? checkStream(given) ?? taken(given);
}

type Given = Readonly<Record<string, unknown>>;

function checkMessages({ messages }: Given): ErrorAnswer | null {
  const list = Array.isArray(messages) ? messages : [];
  if (list.length === 0)
    return bad(
      "Invalid 'messages': empty array. Expected an array with minimum length 1.",
      "messages",
      "empty_array",
    );
  const wrong = list.findIndex((one) => !message.safeParse(one).success);
  return wrong < 0
    ? null
    : bad(`Invalid value at 'messages[${wrong}]'.`, `messages[${wrong}]`, "invalid_value");
}

function checkNumbers(given: Given): ErrorAnswer | null {
  const below = (name: string, least: number) =>
    isNumber(given[name]) && given[name] < least
      ? bad(
          `Invalid '${name}': integer below minimum value. Expected a value >= ${least}.`,
          name,
          "integer_below_min_value",
        )
      : null;
  if (given.max_tokens !== undefined && given.max_completion_tokens !== undefined)
    return bad(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      "max_tokens",
    );
  const { temperature } = given;
  if (isNumber(temperature) && (temperature < 0 || temperature > 2))
    return bad(
      `Invalid 'temperature': ${temperature} is not between 0 and 2.`,
      "temperature",
      "decimal_out_of_range",
    );
  return below("max_tokens", 1) ?? below("max_completion_tokens", 1) ?? below("n", 1);
}

function checkStream({ stream, stream_options: options }: Given): ErrorAnswer | null {
  if (options === undefined) return null;
  if (stream !== true)
    return bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
  const { include_usage: usage } = Object(options);
  return usage === undefined || typeof usage === "boolean"
    ? null
    : bad(
        "Invalid type for 'stream_options.include_usage': expected a boolean.",
        "stream_options.include_usage",
        "invalid_type",
      );
}

function taken(given: Given): CheckedRequest {
  const limit = given.max_completion_tokens ?? given.max_tokens;
  return {
    model: String(given.model),
    maxTokens: isNumber(limit) ? limit : 16,
    stream: given.stream === true,
    includeUsage: Object(given.stream_options).include_usage === true,
    length: JSON.stringify(given.messages).length,
  };
}

function fieldOf(name: string) {
  return Object.entries(fields).find(([known]) => known === name)?.[1];
}

function bad(message: string, param: string | null = null, code: string | null = null): ErrorAnswer {
  return apiError(400, { message, param, code });
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
