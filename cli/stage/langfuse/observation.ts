import type { AttributeValue, OtlpSpan } from "./otlp.ts";

type Attributes = OtlpSpan["attributes"];
type Numbers = Readonly<Record<string, number>>;

/** What Langfuse makes of one span. Times are Unix milliseconds, money is US dollars. */
export interface StageObservation {
  readonly id: string;
  readonly traceId: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly type: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly completionStartMs: number | null;
  readonly level: string;
  readonly statusMessage: string;
  readonly model: string | null;
  readonly input: string | null;
  readonly output: string | null;
  readonly usage: Numbers;
  readonly cost: Numbers;
  readonly environment: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly trace: {
    readonly name: string | null;
    readonly userId: string | null;
    readonly sessionId: string | null;
    readonly tags: readonly string[];
    readonly metadata: Readonly<Record<string, unknown>>;
  };
}

/** Dollars for a million tokens: the models that this Langfuse knows a price of. */
export type Prices = Readonly<Record<string, { readonly input: number; readonly output: number }>>;

export function toObservation(span: OtlpSpan, prices: Prices): StageObservation {
  const { attributes } = span;
  const text = (...names: string[]) => firstText(attributes, names);
  const agent = attributes["gen_ai.operation.name"] === "invoke_agent";
  const model = agent
    ? null
    : text("langfuse.observation.model.name", "gen_ai.response.model", "gen_ai.request.model");
  const usage = agent ? {} : usageOf(attributes);
  const started = Date.parse(text("langfuse.observation.completion_start_time") ?? "");
  return {
    id: span.spanId,
    traceId: span.traceId,
    parentId: span.parentSpanId,
    name: text("gen_ai.tool.name") ?? span.name,
    type: typeOf(attributes),
    startMs: span.startMs,
    endMs: span.endMs,
    completionStartMs: Number.isNaN(started) ? null : started,
    level: text("langfuse.observation.level") ?? (span.failed ? "ERROR" : "DEFAULT"),
    statusMessage: span.statusMessage,
    model,
    input: text("langfuse.observation.input", "gen_ai.input.messages"),
    output: text("langfuse.observation.output", "gen_ai.output.messages"),
    usage,
    cost: agent ? {} : costOf(attributes, usage, prices[model ?? ""]),
    environment: environmentOf(text("langfuse.environment", "deployment.environment.name")),
    metadata: metadataOf(attributes, "langfuse.observation.metadata."),
    trace: {
      name: text("langfuse.trace.name"),
      userId: text("langfuse.user.id", "user.id"),
      sessionId: text("langfuse.session.id", "session.id", "gen_ai.conversation.id"),
      tags: tagsOf(attributes["langfuse.trace.tags"]),
      metadata: metadataOf(attributes, "langfuse.trace.metadata."),
    },
  };
}

function firstText(attributes: Attributes, names: readonly string[]): string | null {
  for (const name of names) {
    const value = attributes[name];
    if (value !== undefined && value !== null && value !== "") return asText(value);
  }
  return null;
}

function asText(value: AttributeValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Lower-cased; letters, digits, dashes and underscores, not `langfuse…`. Anything else becomes `default`, unsaid. */
function environmentOf(name: string | null): string {
  const lower = name?.toLowerCase() ?? "";
  return /^(?!langfuse)[a-z0-9_-]{1,40}$/.test(lower) ? lower : "default";
}

const types = [
  "span",
  "generation",
  "event",
  "embedding",
  "agent",
  "tool",
  "chain",
  "retriever",
  "guardrail",
  "evaluator",
];
const openInference: Readonly<Record<string, string>> = {
  CHAIN: "CHAIN",
  RETRIEVER: "RETRIEVER",
  LLM: "GENERATION",
  EMBEDDING: "EMBEDDING",
  AGENT: "AGENT",
  TOOL: "TOOL",
  GUARDRAIL: "GUARDRAIL",
  EVALUATOR: "EVALUATOR",
};
const operations: Readonly<Record<string, string>> = {
  chat: "GENERATION",
  text_completion: "GENERATION",
  generate_content: "GENERATION",
  embeddings: "EMBEDDING",
  invoke_agent: "AGENT",
  create_agent: "AGENT",
  execute_tool: "TOOL",
};

function typeOf(attributes: Attributes): string {
  const own = String(attributes["langfuse.observation.type"] ?? "");
  if (types.includes(own)) return own.toUpperCase();
  const kind = openInference[String(attributes["openinference.span.kind"] ?? "")];
  const operation = operations[String(attributes["gen_ai.operation.name"] ?? "")];
  if (kind ?? operation) return kind ?? operation ?? "";
  if (attributes["gen_ai.tool.name"]) return "TOOL";
  const models = ["langfuse.observation.model.name", "gen_ai.response.model", "gen_ai.request.model"];
  return models.some((name) => attributes[name]) ? "GENERATION" : "SPAN";
}

function usageOf(attributes: Attributes): Numbers {
  const given = numbersIn(attributes["langfuse.observation.usage_details"]);
  if (given) return given;
  const count = (name: string) => {
    const value = Number(attributes[`gen_ai.usage.${name}`] ?? Number.NaN);
    return Number.isNaN(value) ? null : value;
  };
  const input = count("input_tokens") ?? count("prompt_tokens");
  const output = count("output_tokens") ?? count("completion_tokens");
  const cached = count("cache_read.input_tokens") ?? count("cache_read_input_tokens");
  const reasoning = count("reasoning.output_tokens") ?? count("reasoning_tokens");
  if (input === null && output === null) return {};
  const total = count("total_tokens") ?? (input ?? 0) + (output ?? 0);
  return {
    ...(input === null ? {} : { input: Math.max(0, input - (cached ?? 0)) }),
    ...(cached === null ? {} : { input_cached_tokens: cached }),
    ...(output === null ? {} : { output: Math.max(0, output - (reasoning ?? 0)) }),
    ...(reasoning === null ? {} : { output_reasoning_tokens: reasoning }),
    total,
  };
}

/** Any cost that is given switches the computed one off; a model without a price has none. */
function costOf(attributes: Attributes, usage: Numbers, price: Prices[string] | undefined): Numbers {
  const given = numbersIn(attributes["langfuse.observation.cost_details"]);
  if (given) return { ...given, total: given.total ?? sum(Object.values(given)) };
  const total = Number(attributes["gen_ai.usage.cost"] ?? Number.NaN);
  if (!Number.isNaN(total)) return { total };
  if (!price || Object.keys(usage).length === 0) return {};
  const input = ((usage.input ?? 0) * price.input) / 1e6;
  const output = ((usage.output ?? 0) * price.output) / 1e6;
  return { input, output, total: input + output };
}

/** Only a JSON *string* is read. */
function numbersIn(value: AttributeValue | undefined): Numbers | null {
  if (typeof value !== "string") return null;
  try {
    const entries = Object.entries(Object(JSON.parse(value)));
    return Object.fromEntries(entries.flatMap(([key, one]) => (typeof one === "number" ? [[key, one]] : [])));
  } catch {
    return null;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function tagsOf(value: AttributeValue | undefined): string[] {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== "string" || value === "") return [];
  if (!value.trim().startsWith("[")) return value.split(",").map((tag) => tag.trim());
  try {
    return [JSON.parse(value)].flat().map(String);
  } catch {
    return [value];
  }
}

function metadataOf(attributes: Attributes, prefix: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), coerce(value)]] : [],
    ),
  );
}

/** "12345" becomes a number and "true" a boolean; "00123" stays what it is. */
function coerce(value: AttributeValue): unknown {
  if (typeof value !== "string") return value;
  if (value === "true" || value === "false") return value === "true";
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(value) ? Number(value) : value;
}
