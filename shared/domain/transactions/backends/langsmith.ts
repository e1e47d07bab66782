import * as z from "zod/mini";

import { diagnosis } from "../diagnosis.ts";
import type { PlannedSpan } from "../planned-trace.ts";
import type { FoundSpan, TraceBackend } from "./backend.ts";
import { readDiagnoses, sendDiagnoses } from "./backend-diagnoses.ts";
import { fromJson } from "./json.ts";
import { plainAttributes } from "./plain-attributes.ts";

const words = {
  title: "LangSmith",
  taker: "LangSmith",
  address: "traces.endpoint (https://api.smith.langchain.com, or that of your region)",
  thing: "trace",
} as const;

const record = z.nullish(z.record(z.string(), z.unknown()));
const sessionsBody = z.array(z.looseObject({ id: z.string(), name: z.string() }));
const runsBody = z.looseObject({
  runs: z.array(
    z.looseObject({
      id: z.string(),
      trace_id: z.string(),
      parent_run_id: z.nullish(z.string()),
      name: z.string(),
      run_type: z.string(),
      start_time: z.string(),
      end_time: z.nullish(z.string()),
      extra: z.nullish(z.looseObject({ metadata: record })),
      prompt_tokens: z.nullish(z.number()),
      completion_tokens: z.nullish(z.number()),
    }),
  ),
});
type Run = z.infer<typeof runsBody>["runs"][number];

const kinds = {
  agent: "chain",
  retrieval: "retriever",
  tool: "tool",
  generation: "llm",
  priced: "llm",
} as const;
const metadataKeys = ["tenant_id", "sonde_code", "sonde_run", "environment"] as const;

/**
 * LangSmith: OTLP at /otel/v1/traces with x-api-key and Langsmith-Project, attributes mapped to runs
 * (https://docs.langchain.com/langsmith/trace-with-opentelemetry), read by POST /api/v1/runs/query. A run's id ends
 * in its span's, the trace's id is LangSmith's own: so it is found by metadata. Deletions are taken with 202 and
 * done at the weekend, unconfirmed (https://docs.langchain.com/langsmith/data-purging-compliance).
 */
export const langsmith: TraceBackend = {
  words,
  postUrl: ({ endpoint }) => `${endpoint}/otel/v1/traces`,
  postHeaders: ({ project }) => ({ "langsmith-project": project }),
  attributes: (span, run) => {
    const plain = plainAttributes(span, run);
    const metadata: readonly (readonly [string, PlannedSpan["attributes"][string] | undefined])[] = [
      ["tenant_id", plain.tenant_id],
      ["sonde_code", plain.sonde_code],
      ["sonde_run", run],
      ["environment", plain["deployment.environment.name"]],
    ];
    return {
      ...plain,
      "langsmith.span.kind": kinds[span.role],
      ...Object.fromEntries(
        metadata.flatMap(([key, value]) =>
          value === undefined ? [] : [[`langsmith.metadata.${key}`, value]],
        ),
      ),
    };
  },
  afterwards: "its deletion is asked for; LangSmith deletes at the weekend and does not confirm it",
  // Queries of runs with an API key are held to few in ten seconds.
  polls: { shortest: 2_000, longest: 10_000 },
  reading: {
    locate: {
      request: ({ query, project }) => ({
        method: "GET",
        url: `${query}/api/v1/sessions?${new URLSearchParams({ name: project, limit: "1" })}`,
      }),
      parse: ({ status, body }) => {
        const parsed = status === 200 ? sessionsBody.safeParse(fromJson(body)) : null;
        return parsed?.success ? (parsed.data[0]?.id ?? null) : undefined;
      },
    },
    find: ({ query }, { run, sentAt }, session) => ({
      method: "POST",
      url: `${query}/api/v1/runs/query`,
      body: {
        session: [session],
        filter: `and(eq(metadata_key, "sonde_run"), eq(metadata_value, ${JSON.stringify(run)}))`,
        start_time: new Date(sentAt - 3_600_000).toISOString(),
        limit: 20,
      },
    }),
    parse: ({ status, body }) => {
      const parsed = status === 200 ? runsBody.safeParse(fromJson(body)) : null;
      if (!parsed?.success) return null;
      const [first] = parsed.data.runs;
      return first ? { id: first.trace_id, spans: parsed.data.runs.map(toSpan) } : "nothing";
    },
    expected: ({ role, attributes }) => ({
      run_type: kinds[role],
      ...Object.fromEntries(
        metadataKeys.map((key) => [`metadata.${key}`, attributes[`langsmith.metadata.${key}`]]),
      ),
      ...(role === "generation" || role === "priced"
        ? {
            prompt_tokens: attributes["gen_ai.usage.input_tokens"],
            completion_tokens: attributes["gen_ai.usage.output_tokens"],
          }
        : {}),
    }),
    remove: ({ query }, { id }, session) => ({
      method: "POST",
      url: `${query}/api/v1/runs/delete`,
      body: { session_id: session, trace_ids: [id] },
    }),
  },
  diagnoses: {
    ...sendDiagnoses(words),
    ...readDiagnoses(words),
    unauthorized: diagnosis(
      "fail",
      '401 "Unauthorized"',
      "LangSmith gets no API key, or one that it cannot read",
      "store the key (lsv2_…) in the secret that config names for x-api-key; it takes no Bearer",
    ),
    forbidden: diagnosis(
      "fail",
      '403 "Forbidden"',
      "LangSmith does not know this API key here: it was deleted, is another region's, or is for several workspaces",
      "use your region's address (eu.api., apac.api. or aws.api.smith.langchain.com), or a key of one workspace; for a key of several send x-tenant-id",
    ),
    "wrong-path": diagnosis(
      "fail",
      "404 or 405",
      "LangSmith's OTLP path is not here: the address holds a path already, or a self-hosted one lacks its prefix",
      "give https://api.smith.langchain.com without a path, self-hosted ones with /api/v1: Sonde adds /otel/v1/traces",
    ),
    "rate-limited": diagnosis(
      "fail",
      "429 to the POST",
      "a limit of the plan is used up: events an hour, or traces a month; the team's traces are refused as well",
      "see Settings > Usage; sample, or take a larger plan",
    ),
    "never-visible": diagnosis(
      "fail",
      "accepted, and not visible long after it usually is",
      "the trace was accepted and is never ingested, or lands in another project",
      "look at status.smith.langchain.com, self-hosted at the queue and ClickHouse; check that traces.project is the project of this key's workspace",
    ),
    altered: diagnosis(
      "fail",
      "visible, fields are lost or changed",
      "what is stored differs from what was sent",
      "look at what changes spans on the way (a collector's processors, masking), and at LangSmith's table of attributes",
    ),
  },
};

function toSpan(run: Run): FoundSpan {
  return {
    id: run.id.replaceAll("-", ""),
    parentId: run.parent_run_id?.replaceAll("-", "") ?? null,
    name: run.name,
    startMs: parseTime(run.start_time),
    endMs: run.end_time ? parseTime(run.end_time) : Number.NaN,
    values: {
      run_type: run.run_type,
      prompt_tokens: run.prompt_tokens ?? null,
      completion_tokens: run.completion_tokens ?? null,
      ...Object.fromEntries(
        Object.entries(run.extra?.metadata ?? {}).map(([key, value]) => [`metadata.${key}`, value]),
      ),
    },
  };
}

/** LangSmith writes UTC without a zone. */
function parseTime(text: string): number {
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}
