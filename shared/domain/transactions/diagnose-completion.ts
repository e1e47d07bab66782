import { formatDuration } from "../duration.ts";
import { type CompletionDiagnosis, completionFound as found } from "./completion-diagnoses.ts";
import { type CompletionStream, type TokenUsage, usageOf } from "./completion-stream.ts";
import { gatewayShare } from "./engine-latency.ts";
import { type Answered, type Exchange, errorText, isHtml } from "./exchange.ts";
import type { Finding } from "./finding.ts";

/** What one run saw, and what config expects. */
export interface CompletionEvidence {
  /** Unix milliseconds. */
  readonly sentAt: number;
  readonly exchange: Exchange;
  readonly stream: CompletionStream;
  readonly model: string;
  /** The model that may answer in its place; empty: only itself. */
  readonly servedModel: string;
  readonly maxTokens: number;
  /** Milliseconds; null: none. */
  readonly ttft: { readonly warn: number | null; readonly fail: number | null };
  /** The engine's own median, seconds; null: not known. */
  readonly engineTtft: number | null;
  /** Whether the request's own trace was found; null: nobody looked. */
  readonly traced: boolean | null;
}

/** A completion by its numbers; latencies in seconds. */
export interface CompletionNumbers {
  readonly status: number | null;
  readonly ttft: number | null;
  /** The mean pause between pieces of text. */
  readonly interToken: number | null;
  readonly duration: number;
  readonly usage: TokenUsage | null;
  readonly model: string;
  readonly finishReason: string;
}

export function completionNumbers({ sentAt, exchange, stream }: CompletionEvidence): CompletionNumbers {
  const [first] = stream.pieces;
  const last = stream.pieces.at(-1);
  const gaps = stream.pieces.length - 1;
  return {
    status: exchange.kind === "answered" ? exchange.status : null,
    ttft: first === undefined ? null : (first - sentAt) / 1000,
    interToken: first === undefined || last === undefined || gaps < 1 ? null : (last - first) / gaps / 1000,
    duration: exchange.tookMs / 1000,
    usage: stream.usage ?? (exchange.kind === "answered" ? wholeCompletion(exchange)?.usage : null) ?? null,
    model: stream.model,
    finishReason: stream.finishReason,
  };
}

/** What one run's evidence says is wrong; nothing where all is well. */
export function diagnoseCompletion(evidence: CompletionEvidence): readonly Finding[] {
  const { exchange, stream } = evidence;
  if (exchange.kind === "failed") return [diagnoseFailure(exchange, stream)];
  if (exchange.status !== 200) return [diagnoseStatus(exchange)];
  if (stream.chunks === 0 && stream.error === null) return diagnoseNoStream(exchange, stream);
  return [...diagnoseStream(evidence), ...diagnoseSpeed(evidence), ...diagnoseTrace(evidence)];
}

const byFault = {
  refused: "refused",
  dns: "dns",
  unreachable: "unreachable",
  tls: "tls",
  reset: "reset",
  timeout: "timeout",
  credentials: "no-key",
  "bad-answer": "not-http",
} as const satisfies Readonly<Record<Extract<Exchange, { kind: "failed" }>["fault"], CompletionDiagnosis>>;

function diagnoseFailure(
  { fault, what, tookMs, reach }: Extract<Exchange, { kind: "failed" }>,
  stream: CompletionStream,
): Finding {
  const begun = stream.chunks > 0 || stream.cut;
  const tokens = `after ${plural(stream.pieces.length, "piece")} of text`;
  if (begun && fault === "timeout") return found("stream-stalled", `${tokens}, ${seconds(tookMs)} in all`);
  if (begun) return found("stream-reset", tokens);
  return { ...found(byFault[fault], what), ...(reach ? { reach } : {}) };
}

function diagnoseStatus(answer: Answered): Finding {
  const said = saidBy(answer);
  const seen = `${answer.status}${said ? ` ${said}` : isHtml(answer) ? " HTML" : ""}`;
  const id = byStatus(answer, said);
  if (id === "redirected") return found(id, `${answer.status} to ${originOf(answer.location)}`);
  if (answer.retryAfterMs === null) return found(id, seen);
  return found(id, `${seen}; retry after ${seconds(answer.retryAfterMs)}`);
}

function byStatus(answer: Answered, said: string): CompletionDiagnosis {
  const { status, body } = answer;
  const html = isHtml(answer);
  if (status >= 300 && status < 400) return "redirected";
  switch (status) {
    case 400:
    case 422:
      if (
        /model_not_found|(invalid|unknown|no such) model|model .*(not found|does not exist)/i.test(
          `${body} ${said}`,
        )
      )
        return "no-model";
      return /unsupported|unrecognized|unknown parameter|unsupported_(parameter|value)/i.test(
        `${body} ${said}`,
      )
        ? "parameter-refused"
        : "bad-request";
    case 401:
      return "unauthorized";
    case 402:
      return "quota-spent";
    case 403:
      return "forbidden";
    case 404:
    case 405:
      return !html && /model/i.test(said) ? "no-model" : "wrong-path";
    case 429:
      return /insufficient_quota|budget|quota/i.test(body) ? "quota-spent" : "rate-limited";
    case 502:
      return "bad-gateway";
    case 503:
      return errorText(answer) || said ? "overloaded" : "no-backend";
    case 529:
      return "overloaded";
    case 504:
      return "gateway-timeout";
    default:
      return status >= 500 ? "server-error" : "unexpected-status";
  }
}

function diagnoseNoStream(answer: Answered, { strange, done }: CompletionStream): readonly Finding[] {
  if (isHtml(answer)) return [found("html-answer")];
  if (wholeCompletion(answer)) return [found("not-streamed")];
  if (strange) return [found("strange-stream", `${strange} in its events`)];
  if (done || answer.contentType.includes("event-stream")) return [found("cut-short", "no chunk at all")];
  return [found("other-answer", answer.contentType.split(";", 1)[0] ?? "")];
}

/** A completion that came whole, as JSON; null where the body is none. */
function wholeCompletion({ body }: Answered): { usage: TokenUsage | null } | null {
  try {
    const { choices, usage } = Object(JSON.parse(body));
    return Array.isArray(choices) ? { usage: usageOf(usage) } : null;
  } catch {
    return null;
  }
}

function diagnoseStream(evidence: CompletionEvidence): Finding[] {
  const { stream, maxTokens } = evidence;
  const { pieces, finishReason, usage } = stream;
  if (stream.error !== null)
    return [found("stream-error", `${clip(stream.error)}, after ${plural(pieces.length, "piece")} of text`)];
  if (!finishReason) return [found("cut-short", `after ${plural(pieces.length, "piece")} of text`)];
  if (pieces.length === 0) return [found("empty-answer", `finish reason ${finishReason}`)];
  const tokens = usage?.completion ?? pieces.length;
  return [
    ...(stream.done ? [] : [found("no-done")]),
    ...(stream.strange ? [found("strange-events", stream.strange)] : []),
    ...(usage ? [] : [found("no-usage")]),
    ...(tokens > maxTokens ? [found("limit-ignored", `${tokens} for ${maxTokens}`)] : []),
    ...(isOther(evidence) ? [found("other-model", clip(stream.model) || "none is named")] : []),
    ...(["stop", "length"].includes(finishReason) ? [] : [found("odd-finish", clip(finishReason))]),
    ...(isBuffered(evidence)
      ? [found("buffered", `${pieces.length} pieces of text in ${spread(pieces)} ms`)]
      : []),
  ];
}

/** `provider/name` may answer as `name`, and `name` as `name-2026-01-31`. */
function isOther({ stream, model, servedModel }: CompletionEvidence): boolean {
  const served = stream.model.toLowerCase();
  const wanted = (servedModel || model).toLowerCase();
  const bare = (name: string) => name.replace(/^[^/]+\//, "");
  return ![wanted, bare(wanted)].some(
    (name) =>
      served === name ||
      bare(served) === name ||
      (served.startsWith(`${name}-`) && /^-\d{4}/.test(served.slice(name.length))),
  );
}

/** No engine makes several tokens in so short a time after so long a silence. */
function isBuffered({ sentAt, stream: { pieces } }: CompletionEvidence): boolean {
  const waited = (pieces[0] ?? sentAt) - sentAt;
  return pieces.length >= 4 && waited >= 100 && spread(pieces) <= 3;
}

function spread(pieces: readonly number[]): number {
  return Math.round((pieces.at(-1) ?? 0) - (pieces[0] ?? 0));
}

/** An engine that needs less than half of the time is not what is slow. */
const gatewayFrom = 0.5;

function diagnoseSpeed(evidence: CompletionEvidence): Finding[] {
  const { ttft, engineTtft } = evidence;
  const measured = completionNumbers(evidence).ttft;
  if (measured === null) return [];
  const over = (["fail", "warn"] as const).find((level) => {
    const bound = ttft[level];
    return bound !== null && measured * 1000 > bound;
  });
  if (!over) return [];
  const own = engineTtft === null ? "" : `, the engine's median ${seconds(engineTtft * 1000)}`;
  const seen = `${seconds(measured * 1000)}, ${over} over ${formatDuration(ttft[over] ?? 0)}${own}`;
  return [{ ...found(slowPart(measured, engineTtft), seen), verdict: over }];
}

function slowPart(ttft: number, engine: number | null): CompletionDiagnosis {
  if (engine === null) return "slow";
  return gatewayShare(ttft, engine) >= gatewayFrom ? "slow-gateway" : "slow-model";
}

function diagnoseTrace({ traced }: CompletionEvidence): Finding[] {
  return traced === false ? [found("no-trace")] : [];
}

/** The error's text in one short line, without anything that looks like a key. */
function saidBy(answer: Answered): string {
  const { error, message } = Object(jsonOf(answer.body));
  const nested = Object(error).message;
  const said = [nested, error, message].find((one) => typeof one === "string");
  return clip(said ?? "");
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

const longest = 160;

function clip(text: string): string {
  const line = text
    .replace(/[\p{Cc}\p{Zl}\p{Zp} ]+/gu, " ")
    .replace(/\b(sk|pk|key)-[\w*.-]+/gi, "$1-…")
    .trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}

function originOf(location: string): string {
  return URL.parse(location)?.origin ?? "another path";
}

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}ms` : `${(ms / 1_000).toFixed(1)}s`;
}
