import { formatDuration } from "../../shared/domain/duration.ts";
import { formatFloat } from "../../shared/domain/go-format.ts";
import { quote } from "../../shared/domain/go-quote.ts";
import type { Labels } from "../../shared/domain/series.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";
import type { Alert } from "./alert-rule.ts";
import type { AlertTest, ExpectedVerdict, ExpressionTest, ProbeTest } from "./test-file.ts";

/** One question that was answered otherwise than expected: what was asked, and the difference, line by line. */
export interface Failure {
  readonly asked: string;
  /** `-` is expected and missing, `+` is there and was not expected. */
  readonly difference: readonly string[];
}

/** Labels as PromQL writes them, in the order of their names. */
export function formatLabels({ __name__ = "", ...labels }: Labels): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = pairs.map(([name, value]) => `${name}=${quote(value)}`).join(", ");
  return __name__ !== "" && text === "" ? __name__ : `${__name__}{${text}}`;
}

export function compareAlerts(test: AlertTest, alerts: readonly Alert[]): Failure | null {
  const firing = alerts.filter(({ state }) => state === "firing");
  const { missing, unexpected } = difference(
    test.expected,
    firing,
    (a, b) => sameLabels(a.labels, b.labels) && sameLabels(a.annotations, b.annotations),
  );
  if (missing.length + unexpected.length === 0) return null;
  const lines: string[] = [];
  const others = [...unexpected];
  for (const expected of missing) {
    const at = others.findIndex(({ labels }) => sameLabels(labels, expected.labels));
    const [twin] = at === -1 ? [] : others.splice(at, 1);
    if (twin)
      lines.push(
        `  ${formatLabels(twin.labels)}`,
        ...annotationLines(expected.annotations, twin.annotations),
      );
    else lines.push(`- ${formatLabels(expected.labels)}`, ...annotationLines(expected.annotations, {}));
  }
  for (const { labels, annotations } of others)
    lines.push(`+ ${formatLabels(labels)}`, ...annotationLines({}, annotations));
  const pending = alerts.filter(({ state }) => state === "pending");
  for (const { labels, activeAt } of pending)
    lines.push(`  (pending since ${formatDuration(activeAt)}: ${formatLabels(labels)})`);
  return { asked: `alertname: ${test.alertname}, time: ${formatDuration(test.at)}`, difference: lines };
}

function annotationLines(expected: Labels, got: Labels): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(got)])].sort();
  return names.flatMap((name) => {
    const [wanted = "", found = ""] = [expected[name], got[name]];
    if (wanted === found) return [];
    return [
      ...(wanted === "" ? [] : [`-     ${name}: ${quote(wanted)}`]),
      ...(found === "" ? [] : [`+     ${name}: ${quote(found)}`]),
    ];
  });
}

interface LabelledValue {
  readonly labels: Labels;
  readonly value: number;
}

export function compareSamples(
  test: ExpressionTest,
  got: readonly LabelledValue[],
  fuzzy: boolean,
): Failure | null {
  const same = fuzzy ? nearlyEqual : equalValues;
  const { missing, unexpected } = difference(
    test.expected,
    got,
    (a, b) => sameLabels(a.labels, b.labels) && same(a.value, b.value),
  );
  if (missing.length + unexpected.length === 0) return null;
  const show = ({ labels, value }: LabelledValue) =>
    `${formatLabels(labels)} ${formatFloat(value, "g", null)}`;
  return {
    asked: `expr: ${quote(test.expr)}, time: ${formatDuration(test.at)}`,
    difference: [...missing.map((one) => `- ${show(one)}`), ...unexpected.map((one) => `+ ${show(one)}`)],
  };
}

export function compareVerdicts(test: ProbeTest, got: readonly Verdict[]): Failure | null {
  const { missing, unexpected } = difference(test.expected, got, fits);
  if (missing.length + unexpected.length === 0) return null;
  return {
    asked: `probe: ${test.probe}, time: ${formatDuration(test.at)}`,
    difference: [
      ...missing.map((one) => `- ${describeExpected(one)}`),
      ...unexpected.map((one) => `+ ${describeVerdict(one)}`),
    ],
  };
}

function fits(expected: ExpectedVerdict, { labels, status, value, cause, since }: Verdict): boolean {
  return (
    sameLabels(expected.labels, labels) &&
    expected.status === status &&
    (expected.value === undefined || (value !== null && equalValues(expected.value, value))) &&
    (expected.cause === undefined || expected.cause === cause) &&
    (expected.since === undefined || expected.since === since)
  );
}

function describeExpected({ labels, status, value, cause, since }: ExpectedVerdict): string {
  return [
    formatLabels(labels),
    status,
    ...(value === undefined ? [] : [`value ${formatFloat(value, "g", null)}`]),
    ...(cause === undefined ? [] : [`cause ${cause}`]),
    ...(since === undefined ? [] : [`since ${formatDuration(since)}`]),
  ].join(" ");
}

function describeVerdict({ labels, status, value, cause, since, reason }: Verdict): string {
  const known = {
    labels,
    status,
    cause,
    ...(value === null ? {} : { value }),
    ...(since === null ? {} : { since }),
  };
  return `${describeExpected(known)} (${reason})`;
}

/** Pairs each expected one with one that is the same; what stays over on either side. */
function difference<E, G>(
  expected: readonly E[],
  got: readonly G[],
  same: (expected: E, got: G) => boolean,
): { missing: E[]; unexpected: G[] } {
  const unexpected = [...got];
  const missing = expected.filter((one) => {
    const at = unexpected.findIndex((other) => same(one, other));
    if (at !== -1) unexpected.splice(at, 1);
    return at === -1;
  });
  return { missing, unexpected };
}

/** Prometheus does not tell an empty label from a missing one. */
function sameLabels(a: Labels, b: Labels): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => (a[name] ?? "") === (b[name] ?? ""));
}

function equalValues(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

/** promtool's `fuzzy_compare`: a relative difference of a millionth is none. */
function nearlyEqual(a: number, b: number): boolean {
  if (equalValues(a, b)) return true;
  const size = Math.abs(a) + Math.abs(b);
  return Math.abs(a - b) / Math.max(size, Number.MIN_VALUE) < 0.000001;
}
