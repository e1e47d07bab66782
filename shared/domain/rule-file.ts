import * as z from "zod/mini";
import { formatDuration, parseDuration } from "./duration.ts";
import { type ConfigFault, describePath, schemaFaults } from "./faults.ts";
import { inspectQuery } from "./promql.ts";
import type { Labels } from "./series.ts";
import { checkPrometheusTemplate } from "./template.ts";

/** A Prometheus rule file, checked. Durations are milliseconds; label and annotation values are templates. */
export interface RuleFile {
  readonly groups: readonly RuleGroup[];
}
export interface RuleGroup {
  readonly name: string;
  /** Null: the server's own evaluation interval. */
  readonly interval: number | null;
  /** How far behind the clock the group is evaluated; null: the server's own setting. */
  readonly queryOffset: number | null;
  /** Most series or alerts of one rule; 0 is no limit. */
  readonly limit: number;
  readonly rules: readonly Rule[];
}
export interface AlertRule {
  readonly kind: "alert";
  readonly name: string;
  readonly expr: string;
  readonly for: number;
  readonly keepFiringFor: number;
  /** The group's labels included. */
  readonly labels: Labels;
  readonly annotations: Labels;
}
export interface RecordingRule {
  readonly kind: "record";
  readonly name: string;
  readonly expr: string;
  readonly labels: Labels;
}
export type Rule = AlertRule | RecordingRule;

/** A rule file that Prometheus would refuse. */
export class RuleFileError extends Error {
  override readonly name = "RuleFileError";
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ path, message }) => `${describePath(path)}${message}`).join("\n"));
    this.faults = faults;
  }
}

/** YAML reads `severity: 1` as a number where Prometheus takes it for text. */
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const texts = z.nullish(z.record(z.string(), scalar));
const duration = z.nullish(scalar);

const ruleSchema = z.strictObject({
  alert: z.nullish(scalar),
  record: z.nullish(scalar),
  expr: scalar,
  for: duration,
  keep_firing_for: duration,
  labels: texts,
  annotations: texts,
});
const groupSchema = z.strictObject({
  name: scalar,
  interval: duration,
  query_offset: duration,
  limit: z.nullish(z.int()),
  labels: texts,
  rules: z.nullish(z.array(ruleSchema)),
  // What the Prometheus operator and rulers beside Prometheus add to a group; it changes no evaluation here.
  partial_response_strategy: z.nullish(z.string()),
  source_tenants: z.nullish(z.array(z.string())),
});
const ruleFileSchema = z.strictObject({ groups: z.nullish(z.array(groupSchema)) });
type RuleData = z.infer<typeof ruleSchema>;
type GroupData = z.infer<typeof groupSchema>;

type Path = ConfigFault["path"];
type Report = (path: Path, message: string) => void;

/**
 * Checks parsed YAML as Prometheus would on loading it; a Kubernetes `PrometheusRule` (`spec.groups`) is
 * accepted too. Throws a RuleFileError that holds every fault with its path.
 */
export function parseRuleFile(data: unknown): RuleFile {
  const { content, base } = unwrapKubernetes(data ?? {});
  const parsed = ruleFileSchema.safeParse(content);
  if (!parsed.success) throw new RuleFileError(schemaFaults(ruleFileSchema, parsed.error, content, base));
  const faults: ConfigFault[] = [];
  const report: Report = (path, message) => faults.push({ path: [...base, ...path], message });
  const groups = (parsed.data.groups ?? []).map((group, at) => readGroup(group, ["groups", at], report));
  groups.forEach(({ name }, at) => {
    if (groups.findIndex((group) => group.name === name) < at)
      report(["groups", at, "name"], `two groups are called "${name}"`);
  });
  if (faults.length > 0) throw new RuleFileError(faults);
  return { groups };
}

const kubernetesSchema = z.looseObject({ kind: z.literal("PrometheusRule"), spec: z.unknown() });

function unwrapKubernetes(data: unknown): { content: unknown; base: Path } {
  const parsed = kubernetesSchema.safeParse(data);
  return parsed.success ? { content: parsed.data.spec, base: ["spec"] } : { content: data, base: [] };
}

function readGroup(group: GroupData, path: Path, report: Report): RuleGroup {
  const name = String(group.name);
  if (name === "") report([...path, "name"], "must not be empty");
  const shared = readTexts(group.labels, [...path, "labels"], report);
  const span = (key: "interval" | "query_offset") => readDuration(group[key], [...path, key], report);
  return {
    name,
    interval: span("interval") || null,
    queryOffset: span("query_offset"),
    limit: group.limit ?? 0,
    rules: (group.rules ?? []).flatMap((rule, at) => readRule(rule, shared, [...path, "rules", at], report)),
  };
}

function readRule(rule: RuleData, shared: Labels, path: Path, report: Report): Rule[] {
  const alert = String(rule.alert ?? "");
  const record = String(rule.record ?? "");
  if ((alert === "") === (record === "")) {
    report(path, alert === "" ? 'needs "alert" or "record"' : 'has both "alert" and "record"');
    return [];
  }
  const expr = String(rule.expr);
  checkExpression(expr, [...path, "expr"], report);
  const labels = { ...shared, ...readTexts(rule.labels, [...path, "labels"], report) };
  if (labels.__name__ !== undefined) report([...path, "labels"], "must not set __name__");
  const annotations = readTexts(rule.annotations, [...path, "annotations"], report);
  const hold = readDuration(rule.for, [...path, "for"], report) ?? 0;
  const keep = readDuration(rule.keep_firing_for, [...path, "keep_firing_for"], report) ?? 0;
  if (alert !== "") {
    checkTemplates(labels, [...path, "labels"], report);
    checkTemplates(annotations, [...path, "annotations"], report);
    return [{ kind: "alert", name: alert, expr, for: hold, keepFiringFor: keep, labels, annotations }];
  }
  for (const key of ["for", "keep_firing_for", "annotations"] as const)
    if (rule[key] !== undefined && rule[key] !== null)
      report([...path, key], "is for alerts, not for recording rules");
  return [{ kind: "record", name: record, expr, labels }];
}

function readTexts(data: z.infer<typeof texts>, path: Path, report: Report): Labels {
  const entries = Object.entries(data ?? {});
  if (entries.some(([name]) => name === "")) report(path, "has a name that is empty");
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function readDuration(data: z.infer<typeof duration>, path: Path, report: Report): number | null {
  if (data === undefined || data === null) return null;
  try {
    return parseDuration(String(data));
  } catch {
    report(path, `"${data}" is not a duration such as 30s, 5m or 1h30m`);
    return null;
  }
}

function checkExpression(expr: string, path: Path, report: Report): void {
  const inspected = inspectQuery(expr);
  if (expr.trim() === "") report(path, "must not be empty");
  else if ("fault" in inspected)
    report(path, `PromQL does not parse at character ${inspected.fault.at + 1}: ${inspected.fault.message}`);
}

function checkTemplates(values: Labels, path: Path, report: Report): void {
  for (const [name, text] of Object.entries(values)) {
    const fault = checkPrometheusTemplate(text);
    if (fault) report([...path, name], fault);
  }
}

/** A rule file as it is written: what YAML or JSON is made from. */
export interface RuleFileData {
  readonly groups: readonly {
    readonly name: string;
    readonly interval?: string;
    readonly query_offset?: string;
    readonly limit?: number;
    readonly rules: readonly RuleFileRule[];
  }[];
}
export interface RuleFileRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

/** The inverse of `parseRuleFile`: plain data, without what is empty or the default. */
export function renderRuleFile(file: RuleFile): RuleFileData {
  return {
    groups: file.groups.map(({ name, interval, queryOffset, limit, rules }) => ({
      name,
      ...(interval === null ? {} : { interval: formatDuration(interval) }),
      ...(queryOffset === null ? {} : { query_offset: formatDuration(queryOffset) }),
      ...(limit === 0 ? {} : { limit }),
      rules: rules.map(renderRule),
    })),
  };
}

function renderRule(rule: Rule): RuleFileRule {
  const labels = Object.keys(rule.labels).length > 0 ? { labels: rule.labels } : {};
  if (rule.kind === "record") return { record: rule.name, expr: rule.expr, ...labels };
  return {
    alert: rule.name,
    expr: rule.expr,
    ...(rule.for === 0 ? {} : { for: formatDuration(rule.for) }),
    ...(rule.keepFiringFor === 0 ? {} : { keep_firing_for: formatDuration(rule.keepFiringFor) }),
    ...labels,
    ...(Object.keys(rule.annotations).length > 0 ? { annotations: rule.annotations } : {}),
  };
}
