import type { CheckedRequest } from "./check-request.ts";
import { errorBody } from "./errors.ts";
import type { Framing, GatewayFault } from "./faults.ts";

/** A piece of the answer, and how long it waits for its turn. `end` closes the connection, in order or not. */
export type Step =
  | { readonly afterMs: number; readonly bytes: Buffer }
  | { readonly afterMs: number; readonly end: "close" | "reset" | "never" };

export interface Pace {
  readonly ttftMs: number;
  readonly interTokenMs: number;
}

export interface Said {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** The model that says it answers. */
  readonly model: string;
  readonly finishReason: string;
}

/** About four characters a token, and what the chat template adds. */
export function countTokens({ length, maxTokens }: CheckedRequest, fault: GatewayFault | null) {
  const completion = fault === "ignores-limit" ? maxTokens * 20 : maxTokens;
  const prompt = Math.ceil(length / 4) + 8;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** The events of a stream, each with its wait, and how it ends. */
export function streamSteps(
  request: CheckedRequest,
  said: Said,
  { ttftMs, interTokenMs }: Pace,
  framing: Framing,
  fault: GatewayFault | null,
): readonly Step[] {
  const event = (data: unknown, name = "") => frame(data, name, framing);
  const chunk = (delta: object, finishReason: string | null = null) => ({
    ...headOf(said, fault),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...(request.includeUsage && fault !== "no-usage" ? { usage: null } : {}),
  });
  const role: Step = { afterMs: 0, bytes: event(chunk({ role: "assistant", content: "" })) };
  const pieces = Array.from(
    { length: request.maxTokens },
    (_, index): Step => ({
      afterMs: index === 0 ? ttftMs : interTokenMs,
      bytes: event(chunk({ content: `${index + 1} ` })),
    }),
  );
  const half = [role, ...pieces.slice(0, Math.ceil(pieces.length / 2))];
  const finish: Step = { afterMs: 0, bytes: event(chunk({}, said.finishReason)) };
  const usage: Step[] =
    request.includeUsage && fault !== "no-usage"
      ? [
          {
            afterMs: 0,
            bytes: event({ ...headOf(said, fault), choices: [], usage: countTokens(request, fault) }),
          },
        ]
      : [];
  const done: Step = { afterMs: 0, bytes: event("[DONE]") };
  const close: Step = { afterMs: 0, end: "close" };
  const failure = errorBody({
    message: "The engine process has died.",
    type: "InternalServerError",
    code: null,
  });
  const failed = (name: string): Step => ({ afterMs: interTokenMs, bytes: event(failure, name) });
  switch (fault) {
    case "error-first":
      return [{ ...failed(""), afterMs: ttftMs }, done, close];
    case "error-mid-stream":
      return [...half, failed(""), done, close];
    case "named-error-mid-stream":
      return [...half, failed("error"), close];
    case "reset-mid-stream":
      return [...half, { afterMs: interTokenMs, end: "reset" }];
    case "stalls-mid-stream":
      return [...half, { afterMs: 0, end: "never" }];
    case "ends-mid-stream":
      return [...half, close];
    case "silent-death":
      return [{ afterMs: ttftMs, bytes: event(chunk({})) }, done, close];
    case "no-text":
      return [{ ...role, afterMs: ttftMs }, finish, ...usage, done, close];
    case "no-done":
      return [role, ...pieces, finish, ...usage, close];
    case "strange-events":
      return [{ afterMs: 0, bytes: event({ type: "ping" }) }, role, ...pieces, finish, ...usage, done, close];
    case "buffers":
      return buffered([role, ...pieces, finish, ...usage, done, close]);
    default:
      return [role, ...pieces, finish, ...usage, done, close];
  }
}

function headOf({ id, created, model }: Said, fault: GatewayFault | null): object {
  return { id, object: "chat.completion.chunk", created, ...(fault === "no-model" ? {} : { model }) };
}

/** Everything at once, when the last of it is there. */
function buffered(steps: readonly Step[]): readonly Step[] {
  const waits = steps.reduce((sum, { afterMs }) => sum + afterMs, 0);
  const bytes = Buffer.concat(steps.flatMap((step) => ("bytes" in step ? [step.bytes] : [])));
  return [
    { afterMs: waits, bytes },
    { afterMs: 0, end: "close" },
  ];
}

function frame(data: unknown, name: string, { lineEnd, comments }: Framing): Buffer {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  const lines = [
    ...(comments ? [": keep-alive", ""] : []),
    ...(name ? [`event: ${name}`] : []),
    `data: ${text}`,
    "",
    "",
  ];
  return Buffer.from(lines.join(lineEnd));
}
