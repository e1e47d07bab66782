import { formatDuration } from "../../shared/domain/duration.ts";
import type { Probe } from "../../shared/domain/probe.ts";
import { type Answer, PrometheusError } from "../../shared/domain/prometheus.ts";
import { inspectQuery } from "../../shared/domain/promql.ts";
import type { AlertRule, RecordingRule, Rule } from "../../shared/domain/rule-file.ts";
import type { Labels, Series } from "../../shared/domain/series.ts";
import { type Alert, alertSamples, buildAlertRule, type Externals } from "./alert-rule.ts";
import { buildOutput, type RuleSample, samplesByTime } from "./outputs.ts";
import type { TestServer } from "./test-server.ts";

/** A rule in the order of evaluation; an alert comes with the probe that Sonde makes of it. */
export type LoadedRule = { readonly limit: number } & (
  | { readonly rule: RecordingRule }
  | { readonly rule: AlertRule; readonly probe: Probe }
);

export interface EvaluationPlan extends Externals {
  /** Evaluations are at 0, interval, 2 · interval, … up to `last`. Milliseconds. */
  readonly interval: number;
  readonly last: number;
  /** The evaluations whose alerts are asked for. */
  readonly wanted: ReadonlySet<number>;
}

/** By time of evaluation and name, the alerts that are pending or firing. */
export type AlertsByTime = ReadonlyMap<number, ReadonlyMap<string, readonly Alert[]>>;

/** A rule that cannot be evaluated with a test's data: that is a finding about the rule. */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
}

/** A range query answers at most 11,000 points. */
const mostPoints = 10_000;

/**
 * Evaluates rules as a Prometheus would and writes what they give back into it, ALERTS included. Rules come
 * in order and see what those before them gave at the same time; a rule that reads what comes after it sees
 * the evaluation before, and for its sake all rules go forward one evaluation at a time.
 */
export async function evaluateRules(
  rules: readonly LoadedRule[],
  { client, write }: Pick<TestServer, "client" | "write">,
  plan: EvaluationPlan,
): Promise<AlertsByTime> {
  const { interval, last, wanted } = plan;
  const kept = new Map<number, Map<string, Alert[]>>();
  const runs = rules.map((loaded) => ({
    rule: loaded.rule,
    evaluate: buildEvaluate(loaded, plan, (t, name, alerts) => {
      if (!wanted.has(t)) return;
      const there = kept.get(t) ?? new Map<string, Alert[]>();
      there.set(name, [...(there.get(name) ?? []), ...alerts]);
      kept.set(t, there);
    }),
    output: buildOutput(),
  }));
  const points = needsSteps(rules.map(({ rule }) => rule)) ? 1 : mostPoints;
  for (let start = 0; start <= last; start += points * interval) {
    const end = Math.min(last, start + (points - 1) * interval);
    for (const { rule, evaluate, output } of runs) {
      const data = await ask(rule, () => client.queryRange({ query: rule.expr, start, end, step: interval }));
      const byTime = samplesByTime(data);
      for (let t = start; t <= end; t += interval)
        naming(rule, t, () => output.evaluated(t, evaluate(t, byTime.get(t) ?? [])));
      await write(output.take());
    }
  }
  return kept;
}

type Keep = (t: number, name: string, alerts: readonly Alert[]) => void;

function buildEvaluate(loaded: LoadedRule, externals: Externals, keep: Keep) {
  const { rule, limit } = loaded;
  if (!("probe" in loaded)) {
    return (_: number, samples: readonly RuleSample[]): RuleSample[] => {
      within(limit, samples.length, "series");
      return samples.map(({ labels, value }) => ({ labels: recordedLabels(labels, rule), value }));
    };
  }
  const alertsAt = buildAlertRule(loaded.rule, loaded.probe, externals);
  return (t: number, samples: readonly RuleSample[]): RuleSample[] => {
    const alerts = alertsAt(t, samples);
    within(limit, alerts.length, "alerts");
    keep(t, rule.name, alerts);
    return alertSamples(alerts);
  };
}

function recordedLabels(labels: Labels, { name, labels: own }: Rule): Labels {
  return { ...labels, ...own, __name__: name };
}

function within(limit: number, count: number, what: string): void {
  if (limit > 0 && count > limit) throw new Error(`exceeded limit of ${limit} with ${count} ${what}`);
}

function naming(rule: Rule, t: number, evaluate: () => void): void {
  try {
    evaluate();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EvaluationError(`rule: ${rule.name}, time: ${formatDuration(t)}, err: ${why}`, { cause });
  }
}

async function ask(rule: Rule, send: () => Promise<Answer<Series[]>>): Promise<Series[]> {
  try {
    return (await send()).data;
  } catch (cause) {
    if (!(cause instanceof PrometheusError && cause.kind === "bad-query")) throw cause;
    throw new EvaluationError(`rule: ${rule.name}, err: ${cause.message}`, { cause });
  }
}

/**
 * Whether a range query would not do: a rule reads its own output or a later rule's, or asks for the start or
 * end of its query, which in a rule is the time of evaluation.
 */
export function needsSteps(rules: readonly Rule[]): boolean {
  return rules.some((rule, at) => {
    if (/@\s*(?:start|end)\s*\(/.test(rule.expr)) return true;
    const later = rules.slice(at).flatMap(outputNames);
    return readsAny(rule.expr, later);
  });
}

function outputNames(rule: Rule): string[] {
  return rule.kind === "record" ? [rule.name] : ["ALERTS", "ALERTS_FOR_STATE"];
}

function readsAny(expr: string, names: readonly string[]): boolean {
  const inspected = inspectQuery(expr);
  if ("fault" in inspected) return true;
  const { metrics, selectors } = inspected.facts;
  return metrics.some((name) => names.includes(name)) || selectors.some((text) => text.startsWith("{"));
}
