import * as z from "zod/mini";

import { type SseEvent, SseReader } from "../sse.ts";

/** What a streamed chat completion has brought so far. Times are Unix milliseconds; texts are not kept. */
export interface CompletionStream {
  /** Chunks of the API's shape. */
  readonly chunks: number;
  /** When each piece of text arrived, the first one first. */
  readonly pieces: readonly number[];
  /** The model that says it has answered; empty where none does. */
  readonly model: string;
  readonly finishReason: string;
  readonly usage: TokenUsage | null;
  /** What the stream itself says went wrong. */
  readonly error: string | null;
  readonly done: boolean;
  /** The first event that is no chunk, in a few words. */
  readonly strange: string | null;
  /** It stopped in the middle of an event. */
  readonly cut: boolean;
}

export interface TokenUsage {
  readonly prompt: number;
  readonly completion: number;
}

export const emptyStream: CompletionStream = {
  chunks: 0,
  pieces: [],
  model: "",
  finishReason: "",
  usage: null,
  error: null,
  done: false,
  strange: null,
  cut: false,
};

const text = z.optional(z.nullable(z.string()));
const usageSchema = z.object({ prompt_tokens: z.number(), completion_tokens: z.number() });
/** As lenient as clients are: what vLLM, Bifrost, LiteLLM and OpenAI leave out or send as null. */
const chunkSchema = z.object({
  model: text,
  choices: z.optional(
    z.nullable(
      z.array(
        z.object({
          delta: z.optional(
            z.nullable(
              z.object({
                content: text,
                /** Models that think aloud begin with it, under either name. */
                reasoning_content: text,
                reasoning: text,
                tool_calls: z.optional(z.nullable(z.array(z.unknown()))),
              }),
            ),
          ),
          finish_reason: text,
        }),
      ),
    ),
  ),
  usage: z.optional(z.nullable(z.unknown())),
});
type Chunk = z.infer<typeof chunkSchema>;

/** Reads a completion while it arrives. */
export class CompletionReader {
  readonly #sse = new SseReader();
  #stream = emptyStream;

  push(bytes: Uint8Array, at: number): void {
    for (const event of this.#sse.push(bytes)) this.#stream = addEvent(this.#stream, event, at);
  }

  read(): CompletionStream {
    return { ...this.#stream, cut: this.#sse.unfinished };
  }
}

function addEvent(stream: CompletionStream, { event, data }: SseEvent, at: number): CompletionStream {
  if (data.trim() === "[DONE]") return { ...stream, done: true };
  const json = parsed(data);
  const error = errorOf(event, json);
  if (error !== null) return { ...stream, error: stream.error ?? error };
  const chunk = chunkSchema.safeParse(json);
  if (!chunk.success || !isChunk(chunk.data))
    return { ...stream, strange: stream.strange ?? (json === undefined ? "no JSON" : "another shape") };
  return addChunk(stream, chunk.data, at);
}

function isChunk({ choices, usage }: Chunk): boolean {
  return choices !== undefined || usage !== undefined;
}

function addChunk(stream: CompletionStream, chunk: Chunk, at: number): CompletionStream {
  const [choice] = chunk.choices ?? [];
  const delta = choice?.delta;
  const speaks =
    !!delta?.content ||
    !!delta?.reasoning_content ||
    !!delta?.reasoning ||
    (delta?.tool_calls?.length ?? 0) > 0;
  return {
    ...stream,
    chunks: stream.chunks + 1,
    pieces: speaks ? [...stream.pieces, at] : stream.pieces,
    model: chunk.model || stream.model,
    finishReason: choice?.finish_reason || stream.finishReason,
    usage: usageOf(chunk.usage) ?? stream.usage,
  };
}

/** The counts of a `usage`; null where there are none. */
export function usageOf(data: unknown): TokenUsage | null {
  const usage = usageSchema.safeParse(data);
  return usage.success
    ? { prompt: usage.data.prompt_tokens, completion: usage.data.completion_tokens }
    : null;
}

/** `{"error": {"message"}}` as vLLM and OpenAI send it, with or without the event's name that Bifrost gives it. */
function errorOf(event: string, json: unknown): string | null {
  const { error } = Object(json);
  if (error === undefined || error === null) return event === "error" ? "an error without a text" : null;
  if (typeof error === "string") return error;
  const { message, type, code } = Object(error);
  const said = [message, type, code].find((one) => typeof one === "string" && one !== "");
  return said ?? "an error without a text";
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
