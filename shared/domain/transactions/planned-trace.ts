type AttributeValue = string | number | boolean | readonly string[];

export type SpanRole = "agent" | "retrieval" | "tool" | "generation" | "priced";

/** A span as it will be built and sent. Times are Unix milliseconds. */
export interface PlannedSpan {
  readonly role: SpanRole;
  readonly parent: SpanRole | null;
  readonly name: string;
  readonly kind: "internal" | "client";
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface TraceSettings {
  readonly environment: string;
  /** A model that Langfuse is to know a price of; empty: none is asked of it. */
  readonly pricedModel: string;
  readonly tenant: string;
}

export const probeUser = "sonde-probe";
export const probeTraceName = "sonde trace probe";
export const probeTags = ["sonde", "trace-probe"] as const;
/** The generation whose cost is given: no price list needs to know this one. */
export const probeModel = "sonde-probe-model";
/** What the generation reports, in tokens and US dollars. Cached tokens are part of the input. */
export const sentUsage = { input: 1_000, cached: 300, output: 200 } as const;
export const sentCost = { input: 0.00125, output: 0.0021, total: 0.00335 } as const;
/** A number in a text that must stay one. */
export const paddedCode = "00123";
const firstTokenAfter = 120;

const prompt = "Which index answers the question, and what does it say?";
const answer = "The index of manuals answers it: restart the pool, then watch the queue.";

/**
 * A small agent's work that ended at `now`: it retrieves, calls a tool and two models. By the GenAI conventions of
 * OpenTelemetry (https://opentelemetry.io/docs/specs/semconv/gen-ai/) and Langfuse's own attributes, the
 * trace's on every span, since v4 inherits nothing.
 */
export function planTrace(now: number, nonce: string, settings: TraceSettings): readonly PlannedSpan[] {
  const start = now - 1_000;
  const shared = sharedAttributes(now, nonce, settings);
  const span = (
    role: SpanRole,
    kind: PlannedSpan["kind"],
    name: string,
    [from, to]: readonly [number, number],
    attributes: PlannedSpan["attributes"],
  ): PlannedSpan => ({
    role,
    parent: role === "agent" ? null : "agent",
    name,
    kind,
    startMs: start + from,
    endMs: start + to,
    attributes: { ...shared, ...attributes },
  });
  const spans = [
    span("agent", "internal", "invoke_agent sonde", [0, 1_000], {
      "gen_ai.operation.name": "invoke_agent",
      "langfuse.observation.type": "agent",
      ...texts(prompt, answer),
    }),
    span("retrieval", "client", "retrieve manuals", [10, 110], {
      "langfuse.observation.type": "retriever",
      "gen_ai.data_source.id": "manuals",
      ...texts("restart pool", "manuals/pools.md"),
    }),
    span("tool", "internal", "execute_tool queue_length", [120, 180], {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "queue_length",
      "gen_ai.tool.type": "function",
      "langfuse.observation.type": "tool",
      ...texts('{"pool":"default"}', '{"waiting":0}'),
    }),
    span("generation", "client", `chat ${probeModel}`, [200, 700], {
      ...chat(probeModel, start + 200 + firstTokenAfter),
      "langfuse.observation.cost_details": JSON.stringify(sentCost),
    }),
    span(
      "priced",
      "client",
      `chat ${settings.pricedModel}`,
      [710, 990],
      chat(settings.pricedModel, start + 710 + firstTokenAfter),
    ),
  ];
  return settings.pricedModel ? spans : spans.filter(({ role }) => role !== "priced");
}

function sharedAttributes(
  now: number,
  nonce: string,
  { environment, tenant }: TraceSettings,
): PlannedSpan["attributes"] {
  const session = `sonde-${new Date(now).toISOString().slice(0, 10)}`;
  return {
    "langfuse.trace.name": probeTraceName,
    "langfuse.user.id": probeUser,
    "user.id": probeUser,
    "langfuse.session.id": session,
    "gen_ai.conversation.id": session,
    "langfuse.trace.tags": probeTags,
    "langfuse.environment": environment,
    ...metadata("tenant_id", tenant),
    ...metadata("sonde_run", nonce),
    ...metadata("sonde_code", paddedCode),
  };
}

/** v4 merges the two, v3 keeps them apart. */
function metadata(key: string, value: string): PlannedSpan["attributes"] {
  return { [`langfuse.trace.metadata.${key}`]: value, [`langfuse.observation.metadata.${key}`]: value };
}

function texts(input: string, output: string): PlannedSpan["attributes"] {
  return { "langfuse.observation.input": input, "langfuse.observation.output": output };
}

function chat(model: string, firstTokenAt: number): PlannedSpan["attributes"] {
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "sonde",
    "gen_ai.request.model": model,
    "gen_ai.response.model": model,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.request.temperature": 0,
    "gen_ai.usage.input_tokens": sentUsage.input,
    "gen_ai.usage.output_tokens": sentUsage.output,
    "gen_ai.usage.cache_read.input_tokens": sentUsage.cached,
    "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: prompt }] }]),
    "gen_ai.output.messages": JSON.stringify([
      { role: "assistant", parts: [{ type: "text", content: answer }], finish_reason: "stop" },
    ]),
    "langfuse.observation.type": "generation",
    "langfuse.observation.completion_start_time": new Date(firstTokenAt).toISOString(),
  };
}
