import type { ConfigFault } from "./faults.ts";
import { grafanaFaults, readGrafanaRules } from "./grafana-rules.ts";
import type { LevelName, Probe } from "./probe.ts";
import { inspectQuery } from "./promql.ts";
import { type AlertRule, parseRuleFile, type RuleFile, RuleFileError, type RuleGroup } from "./rule-file.ts";
import { isMild } from "./severity.ts";

const defaultInterval = 60_000;
const defaultStaleAfter = 180_000;

/** The alert rules of one Prometheus rule file as probes; a file that Prometheus would refuse is a fault. */
export function compileRuleFile(file: string, data: unknown, faults: ConfigFault[]): Probe[] {
  const grafana = readGrafanaRules(data);
  if (grafana) {
    const advice = "holds alerts of Grafana's own: write Prometheus rules, or leave it to Grafana";
    for (const line of [advice, ...grafanaFaults(grafana)])
      faults.push({ path: ["rules"], message: `${file}: ${line}` });
    return [];
  }
  let parsed: RuleFile;
  try {
    parsed = parseRuleFile(data);
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error;
    for (const line of error.message.split("\n"))
      faults.push({ path: ["rules"], message: `${file}: ${line}` });
    return [];
  }
  const alerts = parsed.groups.flatMap((group) =>
    group.rules.flatMap((rule) => (rule.kind === "alert" ? [{ group, rule }] : [])),
  );
  return alerts.map(({ group, rule }, index) => {
    const twins = alerts.filter((other) => other.rule.name === rule.name);
    const before = alerts.slice(0, index).filter((other) => other.rule.name === rule.name).length;
    return compileAlert(file, group, rule, twins.length === 1 ? rule.name : `${rule.name}-${before + 1}`);
  });
}

function compileAlert(file: string, group: RuleGroup, rule: AlertRule, id: string): Probe {
  const inspected = inspectQuery(rule.expr);
  const guard = "facts" in inspected ? inspected.facts.guard : ({ kind: "none" } as const);
  const interval = group.interval ?? defaultInterval;
  const { annotations } = rule;
  return {
    id,
    kind: "rule",
    variants: [{ query: rule.expr, guard }],
    aliases: {},
    unit: "",
    levels: [{ level: levelOf(rule), when: "any", for: rule.for, keepFiringFor: rule.keepFiringFor }],
    every: interval,
    step: interval,
    noData: "unknown",
    staleAfter: defaultStaleAfter,
    labels: rule.labels,
    summary: annotations.summary ?? annotations.message ?? "",
    description: annotations.description ?? "",
    runbook: annotations.runbook_url ?? annotations.runbook ?? "",
    dashboard: annotations.dashboard_url ?? annotations.dashboard ?? "",
    playbook: "",
    source: { kind: "file", file, group: group.name },
  };
}

function levelOf({ labels }: AlertRule): LevelName {
  return isMild(labels.severity ?? "") ? "warn" : "fail";
}
