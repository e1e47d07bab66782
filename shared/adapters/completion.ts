import {
  CompletionReader,
  type CompletionStream,
  emptyStream,
} from "../domain/transactions/completion-stream.ts";
import type { Exchange } from "../domain/transactions/exchange.ts";
import { exchange } from "./exchange.ts";
import { buildSend, type SendHttp } from "./http.ts";

export interface CompletionRequest {
  readonly model: string;
  readonly prompt: string;
  readonly maxTokens: number;
  /** Newer OpenAI models know the second name only, and no temperature but their own. */
  readonly limitBy: "max_tokens" | "max_completion_tokens";
  /** Beside those of the API: tenant, traceparent. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface CompletionAnswer {
  /** When the request went out, Unix milliseconds: what comes before it, such as reading the key, is ours. */
  readonly sentAt: number;
  readonly exchange: Exchange;
  readonly stream: CompletionStream;
}

/** Asks for one streamed chat completion. Throws nothing that the other side did. */
export type AskCompletion = (request: CompletionRequest) => Promise<CompletionAnswer>;

export interface CompletionOptions {
  /** What stands before `/chat/completions`, without a trailing slash. */
  readonly url: string;
  /** Null: the endpoint wants none. */
  readonly readKey: (() => Promise<string>) | null;
  readonly ca?: string;
  /** Unix milliseconds; fractions make for better latencies. */
  readonly now: () => number;
}

/** A stream of eight tokens is a few kilobytes; what is longer is no such stream. */
const largestAnswer = 1024 * 1024;
/** What a diagnosis reads of an error's body. */
const longestBody = 4_000;

/** A chat completion by OpenAI's API (https://platform.openai.com/docs/api-reference/chat/create). */
export function buildAskCompletion(options: CompletionOptions): AskCompletion {
  const { url, now } = options;
  const senderFor = keepSender(options);
  return async ({ prompt, headers, timeoutMs, ...request }) => {
    const reader = new CompletionReader();
    const send = await sender(options, senderFor);
    const sentAt = now();
    if ("failed" in send) return { sentAt, exchange: send.failed, stream: emptyStream };
    const seen = await exchange(
      () =>
        send.send({
          method: "POST",
          url: `${url}/chat/completions`,
          headers: {
            ...headers,
            "content-type": "application/json",
            accept: "text/event-stream, application/json",
            // Packed, a stream would come in lumps.
            "accept-encoding": "identity",
          },
          body: JSON.stringify(bodyOf(request, prompt)),
          timeoutMs,
          maxBytes: largestAnswer,
          onBytes: (bytes, status) => {
            if (status === 200) reader.push(bytes, now());
          },
        }),
      now,
    );
    return { sentAt, exchange: withoutTexts(seen, prompt), stream: reader.read() };
  };
}

function bodyOf(
  { model, maxTokens, limitBy }: Omit<CompletionRequest, "prompt" | "headers" | "timeoutMs">,
  prompt: string,
) {
  return {
    model,
    messages: [{ role: "user", content: prompt }],
    [limitBy]: maxTokens,
    ...(limitBy === "max_tokens" ? { temperature: 0 } : {}),
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** What a model says is nobody's business, and errors may repeat what was asked. */
function withoutTexts(seen: Exchange, prompt: string): Exchange {
  if (seen.kind === "failed") return seen;
  const body = seen.contentType.includes("event-stream") ? "" : seen.body;
  return { ...seen, body: body.slice(0, longestBody).replaceAll(prompt, "[prompt]") };
}

type Sender = { readonly send: SendHttp } | { readonly failed: Exchange };

async function sender(
  { readKey }: CompletionOptions,
  senderFor: (key: string | null) => SendHttp,
): Promise<Sender> {
  if (!readKey) return { send: senderFor(null) };
  try {
    return { send: senderFor(await readKey()) };
  } catch (error) {
    const what = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    return { failed: { kind: "failed", fault: "credentials", what, tookMs: 0 } };
  }
}

/** Connections are kept while the key stays the same. */
function keepSender({ ca, now }: CompletionOptions): (key: string | null) => SendHttp {
  let kept: { readonly key: string | null; readonly send: SendHttp } | undefined;
  return (key) => {
    if (kept?.key !== key || !kept) {
      const auth = key === null ? ({ kind: "none" } as const) : ({ kind: "bearer", token: key } as const);
      kept = { key, send: buildSend({ auth, now, ...(ca === undefined ? {} : { ca }) }) };
    }
    return kept.send;
  };
}
