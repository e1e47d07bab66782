import { describe, expect, it } from "vitest";

import {
  compareTrace,
  expectedUsage,
  missingSpans,
  type SentSpan,
} from "../../../../../shared/domain/transactions/compare-trace.ts";
import { planTrace, sentCost } from "../../../../../shared/domain/transactions/planned-trace.ts";
import type {
  StoredObservation,
  StoredTrace,
} from "../../../../../shared/domain/transactions/stored-trace.ts";

const now = Date.UTC(2026, 10, 25, 3);
const settings = { environment: "sonde-probe", pricedModel: "gpt-4o-mini", tenant: "acme" };
const sent: SentSpan[] = planTrace(now, "run-1", settings).map((span, index) => ({
  ...span,
  spanId: `span-${index}`,
}));
const idOf = new Map(sent.map(({ role, spanId }) => [role, spanId]));
const metadata = { tenant_id: "acme", sonde_run: "run-1", sonde_code: "00123" };
const trace = {
  name: "sonde trace probe",
  userId: "sonde-probe",
  sessionId: "sonde-2026-11-25",
  tags: ["trace-probe", "sonde"],
  metadata,
};

/** What Langfuse has of a span when nothing is lost. */
function stored(span: SentSpan): StoredObservation {
  const { attributes } = span;
  const model = attributes["gen_ai.response.model"];
  return {
    id: span.spanId,
    parentId: span.parent === null ? null : (idOf.get(span.parent) ?? null),
    name: span.name,
    type: String(attributes["langfuse.observation.type"]).toUpperCase(),
    startMs: span.startMs,
    endMs: span.endMs,
    environment: "sonde-probe",
    level: "DEFAULT",
    model: model === undefined ? null : String(model),
    input: attributes["langfuse.observation.input"] ?? attributes["gen_ai.input.messages"],
    output: attributes["langfuse.observation.output"] ?? attributes["gen_ai.output.messages"],
    usage: model === undefined ? {} : expectedUsage(),
    totalCost: model === undefined ? null : sentCost.total,
    latency: (span.endMs - span.startMs) / 1000,
    timeToFirstToken: model === undefined ? null : 0.12,
    metadata,
    trace,
  };
}

const whole: StoredTrace = { projectId: "p", trace: null, observations: sent.map(stored) };

/** The same trace with one of its observations changed. */
function changed(role: SentSpan["role"], change: Partial<StoredObservation>): StoredTrace {
  const id = idOf.get(role);
  return {
    ...whole,
    observations: whole.observations.map((one) => (one.id === id ? { ...one, ...change } : one)),
  };
}

describe("a trace that came back", () => {
  it("is the same where all is as Langfuse keeps it", () => {
    expect(compareTrace(sent, whole)).toEqual([]);
    expect(missingSpans(sent, whole)).toEqual([]);
  });

  it.each<[SentSpan["role"], Partial<StoredObservation>, string, "lost" | "altered"]>([
    ["tool", { parentId: "span-3" }, "parent", "altered"],
    ["tool", { parentId: null }, "parent", "lost"],
    ["agent", { parentId: "span-3" }, "parent", "altered"],
    ["agent", { name: "invoke_agent" }, "name", "altered"],
    ["agent", { name: null }, "name", "lost"],
    ["retrieval", { type: "SPAN" }, "type", "altered"],
    ["generation", { startMs: now }, "startTime", "altered"],
    ["generation", { endMs: null }, "endTime", "lost"],
    ["generation", { latency: 500 }, "latency", "altered"],
    ["agent", { environment: "default" }, "environment", "altered"],
    ["agent", { level: "ERROR" }, "level", "altered"],
    ["agent", { input: "" }, "input", "lost"],
    ["agent", { output: "<redacted>" }, "output", "altered"],
    ["generation", { model: "gpt-4o" }, "model", "altered"],
    ["agent", { model: "gpt-4o" }, "model", "altered"],
    ["generation", { timeToFirstToken: null }, "timeToFirstToken", "lost"],
    ["generation", { timeToFirstToken: 120 }, "timeToFirstToken", "altered"],
    ["generation", { usage: { ...expectedUsage(), input: 1_000 } }, "usage.input", "altered"],
    ["generation", { usage: { input: 700, output: 200, total: 1_200 } }, "usage.input_cached_tokens", "lost"],
    ["generation", { totalCost: 0.0034 }, "cost", "altered"],
    ["generation", { totalCost: null }, "cost", "lost"],
    ["priced", { totalCost: 0 }, "cost", "lost"],
    ["tool", { metadata: { ...metadata, tenant_id: undefined } }, "metadata.tenant_id", "lost"],
    ["tool", { metadata: { ...metadata, sonde_code: 123 } }, "metadata.sonde_code", "altered"],
    ["tool", { trace: { ...trace, userId: null } }, "userId", "lost"],
    ["tool", { trace: { ...trace, sessionId: "other" } }, "sessionId", "altered"],
    ["tool", { trace: { ...trace, tags: ["sonde"] } }, "tags", "altered"],
    ["tool", { trace: { ...trace, name: null } }, "traceName", "lost"],
  ])("of which %s has %o differs in %s: %s", (role, change, field, how) => {
    expect(compareTrace(sent, changed(role, change))).toEqual([{ span: role, field, how }]);
  });

  it.each<[string, SentSpan["role"], Partial<StoredObservation>]>([
    ["a tool's own name for the span's", "tool", { name: "queue_length" }],
    ["a millisecond of rounding", "tool", { startMs: (sent[2]?.startMs ?? 0) + 0.6 }],
    ["cost within rounding", "generation", { totalCost: sentCost.total + 4e-7 }],
    ["JSON as data, its keys in another order", "tool", { input: { pool: "default" } }],
    [
      "tags that this path does not tell",
      "tool",
      { trace: { name: trace.name, userId: trace.userId, sessionId: trace.sessionId, metadata } },
    ],
  ])("takes %s as the same", (_, role, change) => {
    expect(compareTrace(sent, changed(role, change))).toEqual([]);
  });

  it("names the spans that are not there, and compares the rest", () => {
    const part = { ...whole, observations: whole.observations.slice(0, 2) };
    expect(missingSpans(sent, part)).toEqual(["tool", "generation", "priced"]);
    expect(compareTrace(sent, part)).toEqual([]);
  });

  it("is compared with the trace's own record where the spans do not tell (v3)", () => {
    const v3 = {
      ...whole,
      trace: { ...trace, userId: "somebody" },
      observations: whole.observations.map((one) => ({ ...one, trace: null })),
    };
    expect(compareTrace(sent, v3)).toEqual([{ span: "trace", field: "userId", how: "altered" }]);
  });
});
