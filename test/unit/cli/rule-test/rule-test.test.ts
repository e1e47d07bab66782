import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  compareAlerts,
  compareSamples,
  compareVerdicts,
  formatLabels,
} from "../../../../cli/rule-test/compare.ts";
import { needsSteps } from "../../../../cli/rule-test/evaluate-rules.ts";
import { expandValues, parseSeries } from "../../../../cli/rule-test/notation.ts";
import { buildOutput } from "../../../../cli/rule-test/outputs.ts";
import { parseTestFile } from "../../../../cli/rule-test/test-file.ts";
import { ConfigError } from "../../../../shared/domain/errors.ts";
import type { Rule } from "../../../../shared/domain/rule-file.ts";

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

describe("the notation of values", () => {
  it.each([
    ["1 2 3", [1, 2, 3]],
    ["1x3", [1, 1, 1, 1]],
    ["1+2x3", [1, 3, 5, 7]],
    ["1-2x3", [1, -1, -3, -5]],
    ["-1-2x1", [-1, -3]],
    ["0x2", [0, 0, 0]],
    ["1.5e+2x1 1e-3 .5 5.", [150, 150, 0.001, 0.5, 5]],
    ["1+1e1x2", [1, 11, 21]],
    ["_ _x3 1", [null, null, null, null, 1]],
    ["1 stale _ 2", [1, "stale", null, 2]],
    ["NaN Inf +inf -Inf NaNx1", [nan, infinity, infinity, -infinity, nan, nan]],
    ["0.1+0.1x2", [0.1, 0.2, 0.30000000000000004]],
    ["  1\n 2 ", [1, 2]],
    ["", []],
  ])("reads %s", (text, values) => {
    expect(expandValues(text)).toEqual(values);
  });

  it.each([
    "1+2",
    "stale+1x2",
    "_+1x2",
    "x3",
    "1x",
    "1x-1",
    "1+x2",
    "abc",
    "1,2",
    "0x1F",
    "{{schema:1}}",
    "1x99999999",
  ])("refuses %s", (text) => {
    expect(() => expandValues(text)).toThrow();
  });
});

describe("the notation of series", () => {
  it.each([
    ["up", { __name__: "up" }],
    ["a:b:c{}", { __name__: "a:b:c" }],
    ["{}", {}],
    ['up{job="vllm", instance="a:1",}', { __name__: "up", job: "vllm", instance: "a:1" }],
    ['{__name__="up",job=\'a"b\'}', { __name__: "up", job: 'a"b' }],
    ['{"http.requests", "a.b"="c"}', { __name__: "http.requests", "a.b": "c" }],
    ['up{a="\\"\\\\\\n\\u00e9", b=`\\n`}', { __name__: "up", a: '"\\\né', b: "\\n" }],
    [' up { a = "1" } ', { __name__: "up", a: "1" }],
  ])("reads %s", (text, labels) => {
    expect(parseSeries(text)).toEqual(labels);
  });

  it.each([
    "",
    "up{",
    'up{a="1"',
    "up{a=1}",
    'up{a!="1"}',
    'up{a="1" b="2"}',
    "up x",
    '9up{a="1"}',
    'up{a="1"}}',
  ])("refuses %s", (text) => {
    expect(() => parseSeries(text)).toThrow(/is not a series: unexpected/);
  });

  it("reads back any labels that are written", () => {
    const name = fc
      .stringMatching(/^[a-zA-Z_]\w{0,6}$/)
      .filter((text) => text !== "__name__" && text !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(name, fc.string({ unit: "grapheme" })), (labels) => {
        expect(parseSeries(formatLabels(labels))).toEqual({ ...labels });
      }),
    );
  });
});

function faultsOf(data: unknown): string[] {
  try {
    parseTestFile(data);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}

describe("a test file", () => {
  it("has promtool's defaults", () => {
    const { evaluationInterval, tests } = parseTestFile({
      tests: [{ input_series: [{ series: "up", values: 5 }] }],
    });
    expect(evaluationInterval).toBe(60_000);
    expect(tests[0]).toMatchObject({
      name: "",
      interval: 60_000,
      series: [{ labels: { __name__: "up" }, values: [5] }],
    });
  });

  it("says everything that is wrong with it at once", () => {
    expect(
      faultsOf({
        evaluation_interval: "0s",
        group_eval_order: ["a", "a"],
        tests: [
          {
            interval: "1 minute",
            input_series: [{ series: "up{", values: "1 2 three" }],
            promql_expr_test: [{ expr: "up", eval_time: "x", exp_samples: [{ labels: "?", value: "many" }] }],
            probe_test: [{ probe: "p", exp_verdicts: [{ status: "ok", since: "soon" }] }],
          },
        ],
      }),
    ).toEqual([
      "evaluation_interval: must be more than nothing",
      "group_eval_order: names a group twice",
      'tests[0].interval: "1 minute" is not a duration such as 30s, 5m or 1h30m',
      "tests[0].interval: must be more than nothing",
      'tests[0].input_series[0].series: "up{" is not a series: unexpected end',
      'tests[0].input_series[0].values: "three" is not a value such as 5, 1+2x10, _x3, stale, NaN or -Inf',
      'tests[0].promql_expr_test[0].eval_time: "x" is not a duration such as 30s, 5m or 1h30m',
      'tests[0].promql_expr_test[0].exp_samples[0].labels: "?" is not a series: unexpected "?"',
      'tests[0].promql_expr_test[0].exp_samples[0].value: "many" is not a number',
      'tests[0].probe_test[0].exp_verdicts[0].since: "soon" is not a duration such as 30s, 5m or 1h30m',
      "config: is missing: probe_test needs the sonde.yaml that holds the probes",
    ]);
  });

  it.each([
    [{ rule_file: [] }, 'rule_file: unknown key; did you mean "rule_files"?'],
    [
      { tests: [{ alert_rule_tests: [] }] },
      'tests[0].alert_rule_tests: unknown key; did you mean "alert_rule_test"?',
    ],
    [
      { tests: [{ alert_rule_test: [{ exp_alerts: [] }] }] },
      "tests[0].alert_rule_test[0].alertname: is missing",
    ],
    [
      { config: "x", tests: [{ probe_test: [{ probe: "p", exp_verdicts: [{ status: "good" }] }] }] },
      'tests[0].probe_test[0].exp_verdicts[0].status: must be one of "ok", "warn", "fail", "unknown"',
    ],
  ])("names what it does not know: %j", (data, fault) => {
    expect(faultsOf(data)).toEqual([fault]);
  });
});

describe("a difference", () => {
  const base = { at: 300_000, alertname: "Hot" };
  const alert = (
    labels: Record<string, string>,
    annotations = {},
    state: "firing" | "pending" = "firing",
  ) => ({
    labels: { alertname: "Hot", ...labels },
    annotations,
    state,
    activeAt: 60_000,
  });

  it("is none where the same alerts fire, in any order, and an empty label is no label", () => {
    const expected = [
      { labels: { alertname: "Hot", gpu: "1", zone: "" }, annotations: {} },
      { labels: { alertname: "Hot", gpu: "0" }, annotations: {} },
    ];
    expect(compareAlerts({ ...base, expected }, [alert({ gpu: "0" }), alert({ gpu: "1" })])).toBeNull();
  });

  it("shows only the annotations that differ, and says what is still pending", () => {
    const expected = [{ labels: { alertname: "Hot", gpu: "0" }, annotations: { a: "same", b: "cold" } }];
    const got = [alert({ gpu: "0" }, { a: "same", b: "hot" }), alert({ gpu: "7" }, {}, "pending")];
    expect(compareAlerts({ ...base, expected }, got)).toEqual({
      asked: "alertname: Hot, time: 5m",
      difference: [
        '  {alertname="Hot", gpu="0"}',
        '-     b: "cold"',
        '+     b: "hot"',
        '  (pending since 1m: {alertname="Hot", gpu="7"})',
      ],
    });
  });

  it("of values is exact, or of more than a millionth where that is asked for", () => {
    const test = { at: 0, expr: "x", expected: [{ labels: {}, value: 0.3 }] };
    const got = [{ labels: {}, value: 0.1 + 0.2 }];
    expect(compareSamples(test, got, true)).toBeNull();
    expect(compareSamples(test, got, false)?.difference).toEqual(["- {} 0.3", "+ {} 0.30000000000000004"]);
  });

  it("of verdicts leaves out what is not asked for", () => {
    const verdict = {
      probe: "p",
      target: "t",
      status: "warn",
      cause: "breach",
      value: 81,
      unit: "",
      threshold: "> 80",
      since: 60_000,
      sinceAtLeast: false,
      labels: { gpu: "0" },
      reason: "> 80 for 4m",
      query: "q",
      points: [],
      pending: null,
      blind: false,
    } as const;
    const asking = (more: object) => ({
      at: 0,
      probe: "p",
      target: null,
      expected: [{ labels: { gpu: "0" }, status: "warn" as const, ...more }],
    });
    expect(compareVerdicts(asking({}), [verdict])).toBeNull();
    expect(compareVerdicts(asking({ value: 81, cause: "breach", since: 60_000 }), [verdict])).toBeNull();
    expect(compareVerdicts(asking({ since: 0 }), [verdict])?.difference).toEqual([
      '- {gpu="0"} warn since 0s',
      '+ {gpu="0"} warn value 81 cause breach since 1m (> 80 for 4m)',
    ]);
  });
});

describe("rules", () => {
  const record = (name: string, expr: string): Rule => ({ kind: "record", name, expr, labels: {} });
  const alert = (expr: string): Rule => ({
    kind: "alert",
    name: "A",
    expr,
    for: 0,
    keepFiringFor: 0,
    labels: {},
    annotations: {},
  });

  it.each([
    [
      "read what comes before them",
      [record("a", "x"), record("b", "a + a offset 5m"), alert("b > 1")],
      false,
    ],
    ["read themselves", [record("a", "(a or vector(0)) + 1")], true],
    ["read what comes after them", [record("b", "a"), record("a", "x")], true],
    ["read alerts of later rules", [alert("ALERTS == 1")], true],
    ["read alerts of earlier rules", [alert("x"), record("c", "count(ALERTS)")], false],
    ["may read anything", [record("a", '{job="x"}')], true],
    ["ask for the end of their query", [record("a", "x @ end()")], true],
  ])("that %s", (_, rules, steps) => {
    expect(needsSteps(rules)).toBe(steps);
  });

  it("end a series of theirs with a staleness marker, across windows too", () => {
    const output = buildOutput();
    const one = { labels: { __name__: "a" }, value: 1 };
    output.evaluated(0, [one]);
    expect(output.take()).toEqual([{ labels: one.labels, samples: [{ t: 0, v: 1 }] }]);
    output.evaluated(60, []);
    output.evaluated(120, []);
    output.evaluated(180, [one]);
    expect(output.take()).toEqual([
      {
        labels: one.labels,
        samples: [
          { t: 60, v: "stale" },
          { t: 180, v: 1 },
        ],
      },
    ]);
    expect(() => output.evaluated(240, [one, one])).toThrow("same labelset");
  });
});
