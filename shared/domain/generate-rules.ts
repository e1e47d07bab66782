import { formatComparison } from "./comparison.ts";
import { drillAlert, drillLabel, drillMetric } from "./drill.ts";
import { formatDuration } from "./duration.ts";
import { type Pack, packAliases } from "./pack.ts";
import type { Level, Probe } from "./probe.ts";
import { watchdogAlert } from "./received-alert.ts";
import type { AlertRule, RecordingRule, Rule, RuleFile } from "./rule-file.ts";
import {
  defaultSloSummary,
  type SloSource,
  sloAlertExpression,
  sloInterval,
  sloRecordings,
} from "./slo-rules.ts";

/** A probe with the target's own names in its query. */
export interface RuleSource {
  readonly probe: Probe;
  readonly query: string;
}

/** A series to record, with the target's own names in its query. */
export interface RecordingSource {
  readonly component: string;
  readonly record: string;
  readonly query: string;
}

export interface GenerateOptions {
  /** Only Amazon Managed Prometheus and Prometheus 2.53 or later know `query_offset`. */
  readonly amp: boolean;
  /** How far behind the clock Sonde asks this target, in milliseconds: rules must look at the same moment. */
  readonly delay: number;
}

/** AMP evaluates no rule more often. */
const shortestInterval = 30_000;
const recordingInterval = 60_000;

/**
 * The rules that say what the probes say: one alert for each threshold, stepping at the probe's own step over
 * the probe's own query. Probes for information only have no rule; recordings serve dashboards. An SLO has a
 * group of its own, which records its windows and tells by them.
 */
export function generateRuleFile(
  sources: readonly RuleSource[],
  recordings: readonly RecordingSource[],
  { amp, delay }: GenerateOptions,
  slos: readonly SloSource[] = [],
): RuleFile {
  const alerts = Map.groupBy(
    sources.filter(({ probe }) => probe.levels.length > 0),
    ({ probe }) => `sonde-${componentOf(probe)}-${formatDuration(intervalOf(probe))}`,
  );
  const records = Map.groupBy(recordings, ({ component }) => `sonde-${component}-recordings`);
  const queryOffset = amp ? delay : null;
  return {
    groups: [
      ...(amp ? [group("sonde-watchdog", shortestInterval, queryOffset, [watchdogRule, drillRule])] : []),
      ...[...records].map(([name, members]) =>
        group(name, recordingInterval, queryOffset, members.map(recordingRule)),
      ),
      ...[...alerts].map(([name, members]) =>
        group(
          name,
          Math.max(...members.map(({ probe }) => intervalOf(probe))),
          queryOffset,
          members.flatMap(alertRules),
        ),
      ),
      ...slos.map((source) =>
        group(`sonde-slo-${source.probe.id}`, sloInterval, queryOffset, [
          ...sloRecordings(source),
          ...sloAlerts(source),
        ]),
      ),
    ],
  };
}

/** The recordings of the components in use, in a form that `resolveProbe` takes. */
export function packRecordings(
  packs: readonly Pack[],
  inUse: (pack: string, component: string) => boolean,
): (Pick<Probe, "variants" | "aliases" | "source"> & { component: string; record: string })[] {
  return packs.flatMap((pack) =>
    pack.components
      .filter(({ component }) => inUse(pack.name, component))
      .flatMap((file) =>
        (file.recordings ?? []).map(({ record, query }) => ({
          component: file.component,
          record,
          variants: [{ query, guard: { kind: "none" } as const }],
          aliases: packAliases(file),
          source: {
            kind: "pack" as const,
            pack: pack.name,
            component: file.component,
            named: false,
            hint: file.hint,
          },
        })),
      ),
  );
}

/** The alert's name: `gpu-temperature` is GpuTemperature. */
export function alertName(id: string): string {
  return id
    .split(/[^a-zA-Z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

/** The dead man's switch of rules and Alertmanager: Sonde listens for it, see docs/alertmanager.md. */
const watchdogRule: AlertRule = {
  kind: "alert",
  name: watchdogAlert,
  expr: "vector(1)",
  for: 0,
  keepFiringFor: 0,
  labels: { severity: "none" },
  annotations: { summary: "Always fires, so that its silence can be heard" },
};

/** Fires on what the alert-path probe writes, see docs/transactions.md; without a drill it finds nothing. */
const drillRule: AlertRule = {
  kind: "alert",
  name: drillAlert,
  expr: `max by (${drillLabel}, target) (${drillMetric}) > 0`,
  for: 0,
  keepFiringFor: 0,
  labels: { severity: "none" },
  annotations: { summary: "A drill of Sonde's, which tells nobody" },
};

function group(name: string, interval: number, queryOffset: number | null, rules: readonly Rule[]) {
  return { name, interval, queryOffset, limit: 0, rules };
}

function recordingRule({ record, query }: RecordingSource): RecordingRule {
  return { kind: "record", name: record, expr: query.trim(), labels: {} };
}

function alertRules({ probe, query }: RuleSource): AlertRule[] {
  return probe.levels.map((level) => alertRule(probe, level, expression(query.trim(), level)));
}

function sloAlerts({ probe }: SloSource): AlertRule[] {
  const summary = probe.summary || defaultSloSummary(probe.id, probe.slo);
  return probe.levels.map((level) =>
    alertRule({ ...probe, summary }, level, sloAlertExpression(probe.slo, level)),
  );
}

function alertRule(probe: Probe, level: Level, expr: string): AlertRule {
  return {
    kind: "alert",
    name: alertName(probe.id),
    expr,
    for: level.for,
    keepFiringFor: level.keepFiringFor,
    labels: { severity: level.level === "fail" ? "critical" : "warning", ...probe.labels, probe: probe.id },
    annotations: {
      ...(probe.summary ? { summary: probe.summary } : {}),
      ...(probe.description ? { description: probe.description } : {}),
      ...(probe.runbook ? { runbook_url: probe.runbook } : {}),
    },
  };
}

function expression(query: string, { when }: Level): string {
  if (when === "any") return query;
  return query.includes("\n")
    ? `(\n${query.replace(/^/gm, "  ")}\n) ${formatComparison(when)}`
    : `(${query}) ${formatComparison(when)}`;
}

function intervalOf(probe: Probe): number {
  return Math.max(probe.step, shortestInterval);
}

function componentOf({ source }: Probe): string {
  return source.kind === "pack" ? source.component : "probes";
}
