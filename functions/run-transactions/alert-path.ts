import type { WriteSamples } from "../../shared/adapters/remote-write.ts";
import { type DrillArrival, drillLabel, drillMetric } from "../../shared/domain/drill.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import { type ListRules, PrometheusError } from "../../shared/domain/prometheus.ts";
import { alertPathFound as found } from "../../shared/domain/transactions/alert-path-diagnoses.ts";
import type { AlertPathSettings } from "../../shared/domain/transactions/compiled.ts";
import { diagnoseLost } from "../../shared/domain/transactions/diagnose-drill.ts";
import { diagnoseWrite } from "../../shared/domain/transactions/diagnose-write.ts";
import type { Finding } from "../../shared/domain/transactions/finding.ts";
import { nextPause } from "../../shared/domain/transactions/poll-plan.ts";
import type { Measure, TransactionResult } from "../../shared/domain/transactions/transaction.ts";

export interface AlertPathDeps {
  readonly write: WriteSamples;
  readonly listRules: ListRules;
  /** What receive-alertmanager wrote of a drill; null until it has come back. */
  readonly readArrival: (drill: string) => Promise<DrillArrival | null>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly nonce: () => string;
}

/** Looked for in state only: a second is soon enough for what takes half a minute. */
const shortestPause = 1_000;
/** A sample is seen for five minutes; written as often as a scrape would, it is seen for as long as need be. */
const refreshEvery = 15_000;

/** One alert all the way to Sonde. Throws only where Sonde itself is at fault. */
export async function runAlertPath(
  settings: AlertPathSettings,
  deps: AlertPathDeps,
): Promise<TransactionResult> {
  const drill = deps.nonce();
  const series = { __name__: drillMetric, [drillLabel]: drill, target: settings.target };
  const startedAt = deps.now();
  try {
    await deps.write([{ labels: series, samples: [{ t: startedAt, v: 1 }] }]);
  } catch (error) {
    const { cause, seen, reach } = diagnoseWrite(asFailure(error));
    const finding = found("not-written", `${cause}: ${seen}`);
    return report(settings, null, startedAt, [reach ? { ...finding, reach } : finding]);
  }
  const arrival = await waitFor(drill, series, startedAt, settings, deps);
  if (!arrival) {
    const lost = await howFar(
      drill,
      deps,
      formatDuration(Math.round((deps.now() - startedAt) / 1000) * 1000),
    );
    await end(series, deps);
    return report(settings, null, startedAt, [lost]);
  }
  await end(series, deps);
  return report(settings, arrival, startedAt, tooLate(arrival, startedAt, settings));
}

async function waitFor(
  drill: string,
  labels: Readonly<Record<string, string>>,
  startedAt: number,
  { patience }: AlertPathSettings,
  { readArrival, write, now, sleep }: AlertPathDeps,
): Promise<DrillArrival | null> {
  let writtenAt = startedAt;
  for (;;) {
    const arrival = await readArrival(drill);
    const passed = now() - startedAt;
    if (arrival || passed >= patience) return arrival;
    if (now() - writtenAt >= refreshEvery) {
      writtenAt = now();
      // The first write was taken; one that is not taken later changes nothing of what is waited for.
      await write([{ labels, samples: [{ t: writtenAt, v: 1 }] }]).catch(asFailure);
    }
    await sleep(Math.min(nextPause(passed, shortestPause), refreshEvery, Math.max(1, patience - passed)));
  }
}

/** The alert resolves by this, and not five minutes later by what is no longer seen. */
async function end(labels: Readonly<Record<string, string>>, { write, now }: AlertPathDeps): Promise<void> {
  await write([{ labels, samples: [{ t: now(), v: "stale" }] }]).catch(asFailure);
}

async function howFar(drill: string, { listRules }: AlertPathDeps, waited: string): Promise<Finding> {
  try {
    return diagnoseLost(drill, (await listRules()).data, waited);
  } catch (error) {
    const { status, kind } = asFailure(error);
    return found("rules-unreadable", `${status ?? kind} after ${waited}`);
  }
}

/** The other side's failure; anything else is thrown on. */
function asFailure(error: unknown): PrometheusError {
  if (error instanceof PrometheusError) return error;
  throw error;
}

function tooLate(arrival: DrillArrival, startedAt: number, { latency }: AlertPathSettings): Finding[] {
  const took = arrival.receivedAt - startedAt;
  const over = (["fail", "warn"] as const).find((level) => latency[level] !== null && took > latency[level]);
  if (!over) return [];
  const seen = `${seconds(took)}, ${over} over ${formatDuration(latency[over] ?? 0)}: ${parts(arrival, startedAt)}`;
  return [{ ...found("late", seen), verdict: over }];
}

/** Where the time went. Clocks of several machines stand in it, so that a part may seem a little short. */
function parts({ firedAt, sentAt, receivedAt }: DrillArrival, startedAt: number): string {
  const fired = firedAt ?? startedAt;
  return [
    ...(firedAt === null ? [] : [`rule ${seconds(fired - startedAt)}`]),
    `Alertmanager ${seconds(sentAt - fired)}`,
    `delivery ${seconds(receivedAt - sentAt)}`,
  ].join(", ");
}

function report(
  { target, url }: AlertPathSettings,
  arrival: DrillArrival | null,
  startedAt: number,
  findings: readonly Finding[],
): TransactionResult {
  const took = arrival && arrival.receivedAt - startedAt;
  return {
    findings,
    value: took === null ? null : took / 1000,
    says: arrival && took !== null ? `back after ${seconds(took)}: ${parts(arrival, startedAt)}` : "",
    labels: { target },
    request: `drill by ${url}`,
    measures: arrival ? measuresOf(arrival, startedAt) : [],
    leftovers: [],
    memory: null,
  };
}

function measuresOf({ firedAt, sentAt, receivedAt }: DrillArrival, startedAt: number): Measure[] {
  return [
    { name: "latency_seconds", value: (receivedAt - startedAt) / 1000 },
    ...(firedAt === null ? [] : [{ name: "rule_seconds", value: Math.max(0, firedAt - startedAt) / 1000 }]),
    { name: "alertmanager_seconds", value: Math.max(0, sentAt - (firedAt ?? startedAt)) / 1000 },
    { name: "delivery_seconds", value: Math.max(0, receivedAt - sentAt) / 1000 },
  ];
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)}s`;
}
