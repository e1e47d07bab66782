import type { Langfuse, ReadPath } from "../../shared/adapters/langfuse.ts";
import { compareTrace, missingSpans, type SentSpan } from "../../shared/domain/transactions/compare-trace.ts";
import { diagnoseLangfuse } from "../../shared/domain/transactions/diagnose-langfuse.ts";
import { type Exchange, errorText, isJsonOk } from "../../shared/domain/transactions/exchange.ts";
import type { Finding } from "../../shared/domain/transactions/finding.ts";
import { addLag, quantile, slowAbove } from "../../shared/domain/transactions/lag-history.ts";
import { type LangfusePlan, langfuseBudget } from "../../shared/domain/transactions/langfuse-budget.ts";
import { found } from "../../shared/domain/transactions/langfuse-diagnoses.ts";
import type { LangfuseEvidence, ReadBack } from "../../shared/domain/transactions/langfuse-evidence.ts";
import { planTrace, type TraceSettings } from "../../shared/domain/transactions/planned-trace.ts";
import { basePause, nextPause } from "../../shared/domain/transactions/poll-plan.ts";
import type {
  Measure,
  TransactionContext,
  TransactionResult,
} from "../../shared/domain/transactions/transaction.ts";
import type { Encoding } from "./encode-trace.ts";
import { Leftovers } from "./leftovers.ts";
import { readTraceMemory, type TraceMemory } from "./trace-memory.ts";

export interface TraceOptions extends TraceSettings {
  readonly url: string;
  readonly publicUrl: string;
  /** Id or name of the project in which the trace is to be; empty: any. */
  readonly project: string;
  readonly plan: LangfusePlan;
  readonly encoding: Encoding;
  /** How long to look for the trace where no history says when to give up, and at the most. Milliseconds. */
  readonly patience: number;
}

export interface TraceDeps {
  readonly langfuse: Langfuse;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly nonce: () => string;
}

/** Keys that were unknown are not tried within this: Langfuse remembers them for 300 s from the last try. */
const holdUnknownKey = 330_000;

/** One trace to Langfuse and back. Throws only where Sonde itself is at fault. */
export async function runTrace(
  options: TraceOptions,
  deps: TraceDeps,
  { memory, remember }: TransactionContext,
): Promise<TransactionResult> {
  const { now } = deps;
  const before = readTraceMemory(memory);
  const held = before.unknownKeyAt === null ? 0 : before.unknownKeyAt + holdUnknownKey - now();
  if (held > 0) return report(options, before, { ...nothingSeen(options, before), heldForMs: held });

  const health = deps.langfuse.health();
  const path = before.path ?? pathOf(await health);
  const leftovers = new Leftovers(options, deps, before);
  if (!leftovers.mayCreate(path)) return spent(options, before);

  const { encodeTrace } = await import("./encode-trace.ts");
  const planned = planTrace(now(), deps.nonce(), options);
  const { traceId, spans, encoded } = await encodeTrace(planned, options.encoding);
  // Known before it exists: whatever happens from here on, a later run finds and deletes it.
  const sentAt = now();
  leftovers.add(traceId, sentAt);
  await remember({ ...before, ...leftovers.memory() });

  const post = await deps.langfuse.post(encoded);
  const accepted = isJsonOk(post);
  const seenHealth = await health;
  if (!accepted) {
    if (wasNeverTaken(post)) leftovers.forget(traceId);
    const seen = await lookAround(post, deps);
    const after = { ...before, ...leftovers.memory(), unknownKeyAt: isUnknownKey(post) ? now() : null };
    return report(options, after, { ...nothingSeen(options, before), ...seen, post, health: seenHealth });
  }

  leftovers.accept(traceId);
  const asides = askAside(deps);
  const looked = await lookFor(traceId, spans, sentAt, path, options, deps, before);
  const earlier = await leftovers.clear(traceId, looked);
  const lags = looked.readBack.kind === "complete" ? addLag(before.lags, looked.readBack.lagMs) : before.lags;
  const after: TraceMemory = {
    ...before,
    ...leftovers.memory(),
    lags: [...lags],
    path: looked.path,
    unknownKeyAt: null,
  };
  return report(options, after, {
    ...nothingSeen(options, before),
    ...(await asides),
    post,
    health: seenHealth,
    readBack: looked.readBack,
    earlier,
    undeleted: leftovers.stuck(),
  });
}

function nothingSeen({ url, publicUrl, project }: TraceOptions, { lags }: TraceMemory): LangfuseEvidence {
  return {
    url,
    publicUrl,
    post: null,
    health: null,
    database: null,
    ready: null,
    providers: null,
    publicKey: null,
    expectedProject: project,
    project: null,
    readBack: { kind: "none" },
    lags,
    earlier: null,
    undeleted: 0,
    heldForMs: 0,
  };
}

/** v4 has the new read path, unless it writes the old way, which its 404 says. */
function pathOf(health: Exchange): ReadPath {
  const major = health.kind === "answered" ? /"version"\s*:\s*"v?(\d+)\./.exec(health.body)?.[1] : undefined;
  return major !== undefined && Number(major) < 4 ? "legacy" : "v2";
}

/** An answer of 4xx or a connection that never was: nothing was stored that could turn up later. */
function wasNeverTaken(post: Exchange): boolean {
  if (post.kind === "failed")
    return post.fault !== "timeout" && post.fault !== "reset" && post.fault !== "bad-answer";
  return post.status >= 300;
}

function isUnknownKey(post: Exchange): boolean {
  return post.kind === "answered" && post.status === 401 && /invalid credentials/i.test(errorText(post));
}

/** What else there is to see when the POST did not go well. Without keys: a wrong key must not be tried again. */
async function lookAround(post: Exchange, { langfuse }: TraceDeps): Promise<Partial<LangfuseEvidence>> {
  if (post.kind === "failed" && post.fault !== "timeout") return {};
  const [database, ready, providers] = await Promise.all([
    langfuse.database(),
    langfuse.ready(),
    langfuse.providers(),
  ]);
  return { database, ready, providers };
}

/** Asked while the trace is on its way. */
async function askAside({ langfuse }: TraceDeps): Promise<Partial<LangfuseEvidence>> {
  const [providers, publicKey, project] = await Promise.all([
    langfuse.providers(),
    langfuse.checkPublicKey(),
    langfuse.project(),
  ]);
  return { providers, publicKey, project };
}

export interface Looked {
  readonly readBack: ReadBack;
  readonly path: ReadPath;
  /** Something of the trace can be read, so it can be deleted. */
  readonly visible: boolean;
}

/** Looks until all spans are there, first often, then less so, and until patience is at an end. */
async function lookFor(
  traceId: string,
  spans: readonly SentSpan[],
  sentAt: number,
  first: ReadPath,
  options: TraceOptions,
  { langfuse, now, sleep }: TraceDeps,
  { lags }: TraceMemory,
): Promise<Looked> {
  let path = first;
  let turned = false;
  const until = sentAt + Math.min(options.patience, 2 * (slowAbove(lags) ?? options.patience));
  let missing: ReturnType<typeof missingSpans> | null = null;
  let last = sentAt;
  for (;;) {
    const { polls } = langfuseBudget(options.plan, path);
    const pause = nextPause(last - sentAt, basePause(lags, polls));
    // From look to look, however long an answer takes; the last one is when patience ends.
    const next = Math.min(last + pause, Math.max(until, last + polls.shortest));
    if (next > now()) await sleep(next - now());
    last = now();
    let answer = await langfuse.read(path, traceId);
    if (answer.kind === "other-path" && !turned) {
      turned = true;
      path = path === "v2" ? "legacy" : "v2";
      answer = await langfuse.read(path, traceId);
    }
    const waitedMs = now() - sentAt;
    if (answer.kind === "trace") {
      missing = missingSpans(spans, answer.trace);
      if (missing.length === 0) {
        const differences = compareTrace(spans, answer.trace);
        const { projectId } = answer.trace;
        return {
          path,
          visible: true,
          readBack: { kind: "complete", lagMs: waitedMs, projectId, differences },
        };
      }
    }
    const refusal = answer.kind === "refused" ? answer.exchange : null;
    if (now() >= until || (refusal && !isPassing(refusal)) || answer.kind === "other-path")
      return { path, visible: missing !== null, readBack: givenUp(missing, refusal, answer.kind, waitedMs) };
  }
}

/** A server that stumbles once may be well a moment later. */
function isPassing(exchange: Exchange): boolean {
  return exchange.kind === "failed" || exchange.status >= 500;
}

function givenUp(
  missing: ReturnType<typeof missingSpans> | null,
  refusal: Exchange | null,
  kind: string,
  waitedMs: number,
): ReadBack {
  if (refusal) return { kind: "refused", exchange: refusal };
  if (missing) return { kind: "incomplete", waitedMs, missing };
  if (kind === "other-path") return { kind: "refused", exchange: noPath };
  return { kind: "absent", waitedMs };
}

/** Each read path says that the other one is here. */
const noPath: Exchange = {
  kind: "answered",
  status: 404,
  contentType: "application/json",
  body: JSON.stringify({ message: "both read APIs answer that this deployment has the other one" }),
  location: "",
  retryAfterMs: null,
  aheadMs: null,
  tookMs: 0,
};

function spent(options: TraceOptions, memory: TraceMemory): TransactionResult {
  return result(options, memory, nothingSeen(options, memory), [found("deletes-spent")]);
}

function report(options: TraceOptions, memory: TraceMemory, evidence: LangfuseEvidence): TransactionResult {
  return result(options, memory, evidence, diagnoseLangfuse(evidence));
}

function result(
  { url, environment }: TraceOptions,
  memory: TraceMemory,
  evidence: LangfuseEvidence,
  findings: readonly Finding[],
): TransactionResult {
  const lagMs = evidence.readBack.kind === "complete" ? evidence.readBack.lagMs : null;
  return {
    findings,
    value: lagMs === null ? null : lagMs / 1000,
    says: lagMs === null ? "" : `visible and complete after ${(lagMs / 1000).toFixed(1)} s`,
    labels: { backend: "langfuse", environment },
    request: `POST ${url}/api/public/otel/v1/traces`,
    measures: measuresOf(evidence, memory, lagMs),
    leftovers: memory.pending.map(({ traceId }) => traceId),
    memory,
  };
}

function measuresOf(
  { post, readBack }: LangfuseEvidence,
  { lags, pending }: TraceMemory,
  lagMs: number | null,
): Measure[] {
  const fields = readBack.kind === "complete" ? readBack.differences : null;
  const count = (how: "lost" | "altered") => fields?.filter((one) => one.how === how).length ?? null;
  const measures: readonly (readonly [name: string, value: number | null])[] = [
    ["accept_seconds", isJsonOk(post) ? post.tookMs / 1000 : null],
    ["lag_seconds", lagMs === null ? null : lagMs / 1000],
    ["lag_p50_seconds", seconds(quantile(lags, 0.5))],
    ["lag_p95_seconds", seconds(quantile(lags, 0.95))],
    ["fields_lost", count("lost")],
    ["fields_altered", count("altered")],
    ["leftovers", pending.length],
  ];
  return measures.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
