import * as z from "zod/mini";
import { parseDuration } from "../../shared/domain/duration.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import { type ConfigFault, describePath, schemaFaults } from "../../shared/domain/faults.ts";
import type { Labels } from "../../shared/domain/series.ts";
import { type Status, statuses } from "../../shared/domain/verdict.ts";
import { expandValues, parseNumber, parseSeries, type SeriesValue } from "./notation.ts";

/** A unit-test file in promtool's format, with Sonde's own `config` and `probe_test`. Times are milliseconds. */
export interface TestFile {
  readonly ruleFiles: readonly string[];
  /** A sonde.yaml whose probes `probe_test` names. */
  readonly config: string | null;
  readonly evaluationInterval: number;
  readonly groupOrder: readonly string[];
  /** Values may differ in the last bits, as promtool's `fuzzy_compare` has it. */
  readonly fuzzy: boolean;
  readonly tests: readonly UnitTest[];
}
export interface UnitTest {
  readonly name: string;
  readonly interval: number;
  readonly series: readonly InputSeries[];
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly alerts: readonly AlertTest[];
  readonly expressions: readonly ExpressionTest[];
  readonly probes: readonly ProbeTest[];
}
export interface InputSeries {
  readonly labels: Labels;
  /** One for each interval, the first at time 0. */
  readonly values: readonly SeriesValue[];
}
export interface AlertTest {
  readonly at: number;
  readonly alertname: string;
  readonly expected: readonly { readonly labels: Labels; readonly annotations: Labels }[];
}
export interface ExpressionTest {
  readonly at: number;
  readonly expr: string;
  readonly expected: readonly { readonly labels: Labels; readonly value: number }[];
}
export interface ProbeTest {
  readonly at: number;
  readonly probe: string;
  readonly target: string | null;
  readonly expected: readonly ExpectedVerdict[];
}
/** What is undefined is not compared. */
export interface ExpectedVerdict {
  readonly labels: Labels;
  readonly status: Status;
  readonly value?: number;
  readonly cause?: string;
  /** When the breach began, since the start of the test. */
  readonly since?: number;
}

/** zod's numbers are finite; YAML has .inf and .nan. */
const anyNumber = z.custom<number>((value) => typeof value === "number");
const scalar = z.union([z.string(), anyNumber, z.boolean()]);
const texts = z.nullish(z.record(z.string(), scalar));
const list = <T extends z.core.SomeType>(of: T) => z.nullish(z.array(of));

const alertSchema = z.strictObject({ exp_labels: texts, exp_annotations: texts });
const sampleSchema = z.strictObject({ labels: z.nullish(z.string()), value: z.nullish(scalar) });
const verdictSchema = z.strictObject({
  labels: texts,
  status: z.enum(statuses),
  value: z.nullish(scalar),
  cause: z.nullish(z.string()),
  since: z.nullish(scalar),
});
const testSchema = z.strictObject({
  name: z.nullish(scalar),
  interval: z.nullish(scalar),
  input_series: list(z.strictObject({ series: z.string(), values: scalar })),
  alert_rule_test: list(
    z.strictObject({ eval_time: z.nullish(scalar), alertname: scalar, exp_alerts: list(alertSchema) }),
  ),
  promql_expr_test: list(
    z.strictObject({ eval_time: z.nullish(scalar), expr: scalar, exp_samples: list(sampleSchema) }),
  ),
  probe_test: list(
    z.strictObject({
      eval_time: z.nullish(scalar),
      probe: z.string(),
      target: z.nullish(z.string()),
      exp_verdicts: list(verdictSchema),
    }),
  ),
  external_labels: texts,
  external_url: z.nullish(z.string()),
});
const fileSchema = z.strictObject({
  rule_files: list(z.string()),
  config: z.nullish(z.string()),
  evaluation_interval: z.nullish(scalar),
  group_eval_order: list(scalar),
  fuzzy_compare: z.nullish(z.boolean()),
  tests: list(testSchema),
});
type TestData = z.infer<typeof testSchema>;

type Path = ConfigFault["path"];

/** Takes parsed YAML apart. Throws a ConfigError with one line for each fault: its path and what is wrong. */
export function parseTestFile(data: unknown): TestFile {
  const parsed = fileSchema.safeParse(data ?? {});
  if (!parsed.success) throw faultsError(schemaFaults(fileSchema, parsed.error, data));
  const faults: ConfigFault[] = [];
  const read = readerOf(faults);
  const file = parsed.data;
  const evaluationInterval = read(
    ["evaluation_interval"],
    () => parseSpan(file.evaluation_interval, 60_000),
    0,
  );
  if (evaluationInterval <= 0)
    faults.push({ path: ["evaluation_interval"], message: "must be more than nothing" });
  const groupOrder = (file.group_eval_order ?? []).map(String);
  if (new Set(groupOrder).size < groupOrder.length)
    faults.push({ path: ["group_eval_order"], message: "names a group twice" });
  const tests = (file.tests ?? []).map((test, at) =>
    readTest(test, evaluationInterval, ["tests", at], faults),
  );
  if (!file.config && tests.some(({ probes }) => probes.length > 0))
    faults.push({
      path: ["config"],
      message: "is missing: probe_test needs the sonde.yaml that holds the probes",
    });
  if (faults.length > 0) throw faultsError(faults);
  return {
    ruleFiles: file.rule_files ?? [],
    config: file.config ?? null,
    evaluationInterval,
    groupOrder,
    fuzzy: file.fuzzy_compare ?? false,
    tests,
  };
}

function faultsError(faults: readonly ConfigFault[]): ConfigError {
  return new ConfigError(faults.map(({ path, message }) => `${describePath(path)}${message}`).join("\n"));
}

type Read = <T>(path: Path, parse: () => T, otherwise: T) => T;

/** Parses a part; where that throws, the message becomes a fault and reading goes on. */
function readerOf(faults: ConfigFault[]): Read {
  return (path, parse, otherwise) => {
    try {
      return parse();
    } catch (error) {
      faults.push({ path, message: error instanceof Error ? error.message : String(error) });
      return otherwise;
    }
  };
}

function readTest(test: TestData, evaluationInterval: number, path: Path, faults: ConfigFault[]): UnitTest {
  const read = readerOf(faults);
  const evalTime = (entry: { eval_time?: z.infer<typeof scalar> | null | undefined }, at: Path) =>
    read([...at, "eval_time"], () => parseSpan(entry.eval_time, 0), 0);
  const interval = read([...path, "interval"], () => parseSpan(test.interval, evaluationInterval), 0);
  if (interval <= 0) faults.push({ path: [...path, "interval"], message: "must be more than nothing" });
  return {
    name: String(test.name ?? ""),
    interval,
    series: (test.input_series ?? []).map((series, index) => {
      const at = [...path, "input_series", index];
      return {
        labels: read([...at, "series"], () => parseSeries(series.series), {}),
        values: read([...at, "values"], () => expandValues(String(series.values)), []),
      };
    }),
    externalLabels: toLabels(test.external_labels),
    externalUrl: test.external_url ?? "",
    alerts: (test.alert_rule_test ?? []).map((entry, index) => ({
      at: evalTime(entry, [...path, "alert_rule_test", index]),
      alertname: String(entry.alertname),
      expected: (entry.exp_alerts ?? []).map((alert) => ({
        labels: { ...toLabels(alert.exp_labels), alertname: String(entry.alertname) },
        annotations: toLabels(alert.exp_annotations),
      })),
    })),
    expressions: (test.promql_expr_test ?? []).map((entry, index) => {
      const at = [...path, "promql_expr_test", index];
      return {
        at: evalTime(entry, at),
        expr: String(entry.expr),
        expected: (entry.exp_samples ?? []).map((sample, position) => {
          const here = [...at, "exp_samples", position];
          return {
            labels: read([...here, "labels"], () => parseSeries(sample.labels || "{}"), {}),
            value: read([...here, "value"], () => parseNumber(String(sample.value ?? 0)), 0),
          };
        }),
      };
    }),
    probes: (test.probe_test ?? []).map((entry, index) => {
      const at = [...path, "probe_test", index];
      return {
        at: evalTime(entry, at),
        probe: entry.probe,
        target: entry.target ?? null,
        expected: (entry.exp_verdicts ?? []).map((verdict, position) =>
          readVerdict(verdict, [...at, "exp_verdicts", position], read),
        ),
      };
    }),
  };
}

function readVerdict(verdict: z.infer<typeof verdictSchema>, path: Path, read: Read): ExpectedVerdict {
  const { labels, status, value, cause, since } = verdict;
  return {
    labels: toLabels(labels),
    status,
    ...(value === undefined || value === null
      ? {}
      : { value: read([...path, "value"], () => parseNumber(String(value)), 0) }),
    ...(cause ? { cause } : {}),
    ...(since === undefined || since === null
      ? {}
      : { since: read([...path, "since"], () => parseSpan(since, 0), 0) }),
  };
}

function parseSpan(data: z.infer<typeof scalar> | null | undefined, otherwise: number): number {
  return data === undefined || data === null ? otherwise : parseDuration(String(data));
}

function toLabels(data: z.infer<typeof texts>): Labels {
  const entries = Object.entries(data ?? {}).map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

/** The input's samples up to a time, as remote write takes them. */
export function samplesUntil({ labels, values }: InputSeries, interval: number, until: number) {
  const samples = values.flatMap((v, index) => {
    const t = index * interval;
    return v === null || t > until ? [] : [{ t, v }];
  });
  return { labels, samples };
}

/** When the last question of a test is asked. */
export function lastTime({ alerts, expressions, probes }: UnitTest): number {
  return Math.max(0, ...[...alerts, ...expressions, ...probes].map(({ at }) => at));
}
