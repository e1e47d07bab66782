import type { AskCompletion } from "../../shared/adapters/completion.ts";
import type { QueryInstant } from "../../shared/domain/prometheus.ts";
import type { CompletionSettings } from "../../shared/domain/transactions/compiled.ts";
import {
  type CompletionMemory,
  readCompletionMemory,
  reserve,
  settle,
  tokensPerRun,
} from "../../shared/domain/transactions/completion-budget.ts";
import { completionFound as found } from "../../shared/domain/transactions/completion-diagnoses.ts";
import {
  type CompletionEvidence,
  type CompletionNumbers,
  completionNumbers,
  diagnoseCompletion,
} from "../../shared/domain/transactions/diagnose-completion.ts";
import { askEngineTtft, gatewayShare } from "../../shared/domain/transactions/engine-latency.ts";
import type { Finding } from "../../shared/domain/transactions/finding.ts";
import type {
  Measure,
  TransactionContext,
  TransactionResult,
} from "../../shared/domain/transactions/transaction.ts";

export interface CompletionDeps {
  readonly ask: AskCompletion;
  /** The target's own answers, at its own delay; null: the engine's latency is not known. */
  readonly engine: { readonly queryInstant: QueryInstant; readonly delay: number } | null;
  /**
   * Whether the trace with this id can be read at the trace backend before long; null where that cannot be asked,
   * or where nobody looks.
   */
  readonly findTrace: ((traceId: string) => Promise<boolean | null>) | null;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A UUID. */
  readonly nonce: () => string;
}

/** Always the same, so that runs compare: eight tokens answer it, and a prefix cache may know it. */
const prompt = "Count from 1 to 8. Write the numbers only.";
const maxTokens = 8;

/** One streamed completion. Throws only where Sonde itself is at fault. */
export async function runCompletion(
  settings: CompletionSettings,
  deps: CompletionDeps,
  { memory, remember }: TransactionContext,
): Promise<TransactionResult> {
  const before = readCompletionMemory(memory, deps.now());
  if (before.tokens + tokensPerRun > settings.maxTokensADay)
    return report(
      settings,
      before,
      [found("tokens-spent", `${before.tokens} of ${settings.maxTokensADay}`)],
      null,
      null,
    );
  const reserved = reserve(before);
  await remember(reserved);

  const traceId = deps.nonce().replaceAll("-", "");
  const answer = await deps.ask({
    model: settings.model,
    prompt,
    maxTokens,
    limitBy: settings.limitBy,
    headers: {
      ...settings.headers,
      [settings.tenantHeader]: settings.tenant,
      traceparent: `00-${traceId}-${deps.nonce().replaceAll("-", "").slice(0, 16)}-01`,
    },
    timeoutMs: settings.requestTimeout,
  });
  const told = answer.stream.pieces.length > 0;
  const [engineTtft, traced] = await Promise.all([
    told ? engineOf(settings, deps, answer.stream.model) : null,
    told && deps.findTrace ? deps.findTrace(traceId) : null,
  ]);
  const evidence: CompletionEvidence = {
    ...answer,
    model: settings.model,
    servedModel: settings.servedModel,
    maxTokens,
    ttft: settings.ttft,
    engineTtft,
    traced,
  };
  const numbers = completionNumbers(evidence);
  const taken = numbers.usage ? numbers.usage.prompt + numbers.usage.completion : null;
  // Nothing was asked of a model that was never reached.
  const after = settle(reserved, neverReached(evidence) ? 0 : taken);
  return report(settings, after, diagnoseCompletion(evidence), numbers, engineTtft);
}

async function engineOf(
  { model }: CompletionSettings,
  { engine, now }: CompletionDeps,
  served: string,
): Promise<number | null> {
  return engine && askEngineTtft(engine.queryInstant, served || model, now() - engine.delay);
}

function neverReached({ exchange }: CompletionEvidence): boolean {
  if (exchange.kind === "answered") return exchange.status >= 300;
  return ["refused", "dns", "unreachable", "tls", "credentials"].includes(exchange.fault);
}

function report(
  settings: CompletionSettings,
  memory: CompletionMemory,
  findings: readonly Finding[],
  numbers: CompletionNumbers | null,
  engineTtft: number | null,
): TransactionResult {
  return {
    findings,
    value: numbers?.ttft ?? null,
    says: numbers ? describe(numbers, engineTtft) : "",
    labels: { model: settings.model, tenant: settings.tenant },
    request: `POST ${settings.url}/chat/completions`,
    measures: measuresOf(settings, memory, numbers, engineTtft),
    leftovers: [],
    memory,
  };
}

function describe(
  { ttft, interToken, usage, model, finishReason }: CompletionNumbers,
  engineTtft: number | null,
): string {
  const parts = [
    ttft === null ? "" : `first token after ${ms(ttft)}`,
    interToken === null ? "" : `then one every ${ms(interToken)}`,
    usage ? `${usage.prompt} + ${usage.completion} tokens` : "",
    model && `by ${model.slice(0, 100)}`,
    finishReason && `finish reason ${finishReason.slice(0, 40)}`,
    ttft === null || engineTtft === null
      ? ""
      : `${Math.round(gatewayShare(ttft, engineTtft) * 100)} % of the wait before the engine`,
  ];
  return parts.filter(Boolean).join(", ");
}

function ms(seconds: number): string {
  return `${Math.round(seconds * 1000)} ms`;
}

function costOf(
  price: CompletionSettings["price"],
  usage: NonNullable<CompletionNumbers["usage"]>,
): number | null {
  return price && (usage.prompt * price.input + usage.completion * price.output) / 1_000_000;
}

function measuresOf(
  { maxTokensADay, price }: CompletionSettings,
  { tokens }: CompletionMemory,
  numbers: CompletionNumbers | null,
  engineTtft: number | null,
): Measure[] {
  const { status = null, ttft = null, interToken = null, usage = null } = numbers ?? {};
  const given: readonly (readonly [string, number | null])[] = [
    ["http_status", status],
    ["ttft_seconds", ttft],
    ["inter_token_seconds", interToken],
    ["duration_seconds", numbers?.duration ?? null],
    ["prompt_tokens", usage?.prompt ?? null],
    ["completion_tokens", usage?.completion ?? null],
    ["engine_ttft_seconds", engineTtft],
    ["gateway_share_ratio", ttft === null || engineTtft === null ? null : gatewayShare(ttft, engineTtft)],
    ["tokens_left_today", maxTokensADay - tokens],
    ["cost_usd", usage && costOf(price, usage)],
  ];
  return given.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}
