import type { WriteSamples } from "../../shared/adapters/remote-write.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import { quote } from "../../shared/domain/go-quote.ts";
import { PrometheusError, type QueryInstant } from "../../shared/domain/prometheus.ts";
import type { Labels } from "../../shared/domain/series.ts";
import type { WritePathSettings } from "../../shared/domain/transactions/compiled.ts";
import { recommendedDelay } from "../../shared/domain/transactions/delay-advice.ts";
import { diagnoseRead, diagnoseWrite } from "../../shared/domain/transactions/diagnose-write.ts";
import type { Finding } from "../../shared/domain/transactions/finding.ts";
import {
  addLag,
  type LagHistory,
  quantile,
  slowAbove,
} from "../../shared/domain/transactions/lag-history.ts";
import { basePause, nextPause } from "../../shared/domain/transactions/poll-plan.ts";
import type { TransactionContext, TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import { writePathFound as found } from "../../shared/domain/transactions/write-path-diagnoses.ts";
import { readWritePathMemory } from "./write-path-memory.ts";

export interface WritePathDeps {
  readonly write: WriteSamples;
  readonly queryInstant: QueryInstant;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export const writePathMetric = "sonde_write_path";

/** An instant query reads one series: cheap, but a request each. */
const polls = { shortest: 250, longest: 5_000 };

/** One sample to the target and back. Throws only where Sonde itself is at fault. */
export async function runWritePath(
  settings: WritePathSettings,
  deps: WritePathDeps,
  { memory }: TransactionContext,
): Promise<TransactionResult> {
  const lags = readWritePathMemory(memory).lags;
  const labels = { target: settings.target, probe: settings.probe };
  const sentAt = deps.now();
  const refused = await attempt(() =>
    // Its value is its time, by which it is known from those before it.
    deps.write([{ labels: { __name__: writePathMetric, ...labels }, samples: [{ t: sentAt, v: sentAt }] }]),
  );
  if (refused) return report(settings, labels, lags, null, null, [diagnoseWrite(refused)]);
  const acceptedMs = deps.now() - sentAt;
  const looked = await lookFor(labels, sentAt, settings, deps, lags);
  if (looked.kind === "failed")
    return report(settings, labels, lags, acceptedMs, null, [diagnoseRead(looked.error)]);
  if (looked.kind === "absent")
    return report(settings, labels, lags, acceptedMs, null, [absent(looked.waitedMs, lags)]);
  return report(
    settings,
    labels,
    addLag(lags, looked.lagMs),
    acceptedMs,
    looked.lagMs,
    tooSlow(looked.lagMs, settings),
  );
}

type Looked =
  | { readonly kind: "seen"; readonly lagMs: number }
  | { readonly kind: "absent"; readonly waitedMs: number }
  | { readonly kind: "failed"; readonly error: PrometheusError };

/** Looks first often, then less so, until the sample is there or patience is at an end. */
async function lookFor(
  labels: Labels,
  sentAt: number,
  { patience }: WritePathSettings,
  { queryInstant, now, sleep }: WritePathDeps,
  lags: LagHistory,
): Promise<Looked> {
  const query = `${writePathMetric}{${Object.entries(labels)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(",")}}`;
  const base = basePause(lags, polls);
  const until = sentAt + patience;
  for (;;) {
    const found: { value?: number | undefined } = {};
    const error = await attempt(async () => {
      // Not behind the clock: the question is when the newest sample can be read.
      const { data } = await queryInstant({ query, at: now() });
      found.value = data[0]?.sample.v;
    });
    const passed = now() - sentAt;
    if (found.value !== undefined && found.value >= sentAt) return { kind: "seen", lagMs: passed };
    if (now() >= until) return error ? { kind: "failed", error } : { kind: "absent", waitedMs: passed };
    if (error && !isPassing(error)) return { kind: "failed", error };
    await sleep(Math.min(nextPause(passed, base), Math.max(polls.shortest, until - now())));
  }
}

function isPassing({ kind }: PrometheusError): boolean {
  return ["unreachable", "timeout", "server-error", "rate-limited"].includes(kind);
}

/** The other side's failure; anything else is thrown on. */
async function attempt(act: () => Promise<void>): Promise<PrometheusError | null> {
  try {
    await act();
    return null;
  } catch (error) {
    if (error instanceof PrometheusError) return error;
    throw error;
  }
}

/** Without history: no target that is well takes so long. */
const longestWhenWell = 60_000;

function absent(waitedMs: number, lags: LagHistory): Finding {
  const slow = slowAbove(lags);
  const waited = `not in ${seconds(waitedMs)}`;
  if (waitedMs < (slow ?? longestWhenWell)) return found("not-yet-visible", waited);
  return found("never-visible", slow === null ? waited : `${waited}, usually under ${seconds(slow)}`);
}

function tooSlow(lagMs: number, { lag }: WritePathSettings): Finding[] {
  const over = (["fail", "warn"] as const).find((level) => lag[level] !== null && lagMs > lag[level]);
  if (!over) return [];
  const seen = `${seconds(lagMs)}, ${over} over ${formatDuration(lag[over] ?? 0)}`;
  return [{ ...found("slow", seen), verdict: over }];
}

function report(
  settings: WritePathSettings,
  labels: Labels,
  lags: LagHistory,
  acceptedMs: number | null,
  lagMs: number | null,
  findings: readonly Finding[],
): TransactionResult {
  const advice = recommendedDelay(lags);
  const p95 = quantile(lags, 0.95);
  const measures: readonly (readonly [string, number | null])[] = [
    ["accept_seconds", inSeconds(acceptedMs)],
    ["lag_seconds", inSeconds(lagMs)],
    ["lag_p95_seconds", inSeconds(p95)],
    ["recommended_delay_seconds", inSeconds(advice)],
  ];
  return {
    findings,
    value: inSeconds(lagMs),
    says: lagMs === null ? "" : `readable after ${seconds(lagMs)}${describeAdvice(advice, settings.delay)}`,
    labels,
    request: `POST ${settings.url}`,
    measures: measures.flatMap(([name, value]) => (value === null ? [] : [{ name, value }])),
    leftovers: [],
    memory: { lags },
  };
}

function describeAdvice(advice: number | null, delay: number): string {
  if (advice === null) return "";
  return `; a delay of ${formatDuration(advice)} and what collectors take would do, config has ${formatDuration(delay)}`;
}

function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}ms` : `${(ms / 1_000).toFixed(1)}s`;
}
