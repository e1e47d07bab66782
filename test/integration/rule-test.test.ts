import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { formatLabels } from "../../cli/rule-test/compare.ts";
import { evaluateRules, type LoadedRule, needsSteps } from "../../cli/rule-test/evaluate-rules.ts";
import { runTestFile, type TestReport } from "../../cli/rule-test/run-file.ts";
import { compileRuleFile } from "../../shared/domain/compile-rules.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import { parseRuleFile } from "../../shared/domain/rule-file.ts";
import {
  inputSeries,
  parityCase,
  probesAndRules,
  type Rhythm,
  writtenSeries,
} from "../support/parity-case.ts";
import { promtoolIn, withFiles } from "../support/promtool.ts";
import { startServerForTests } from "../support/test-server.ts";

const startServer = startServerForTests();

interface Both {
  readonly promtool: string;
  readonly report: TestReport;
}

function failures({ results }: TestReport): string[] {
  return results.flatMap((result) =>
    result.failures.map(({ asked, difference }) => [asked, ...difference].join("\n")),
  );
}

function testWithBoth(files: Readonly<Record<string, unknown>>): Promise<Both> {
  return withFiles(files, async (directory) => ({
    promtool: (await promtoolIn(directory, ["test", "rules", "test.yml"])).output,
    report: await runTestFile(join(directory, "test.yml"), { startServer, concurrency: 2 }),
  }));
}

const gpuRules = `
groups:
  - name: alerts
    rules:
      - alert: GpuHot
        expr: gpu:temp:max > 85
        for: 2m
        keep_firing_for: 3m
        labels: { severity: critical, node: "{{ $labels.Hostname }}" }
        annotations:
          summary: "GPU {{ $labels.gpu }} of {{ $labels.Hostname }} is at {{ $value | humanize }} °C in {{ $externalLabels.cluster }}"
      - alert: ExporterGone
        expr: absent(DCGM_FI_DEV_GPU_TEMP)
      - alert: AnyFiring
        expr: count(ALERTS{alertname!="AnyFiring", alertstate="firing"}) > 0
  - name: recording
    interval: 1m
    rules:
      - record: gpu:temp:max
        expr: max by (Hostname, gpu) (DCGM_FI_DEV_GPU_TEMP)
      - record: gpu:temp:spread
        expr: max(gpu:temp:max) - min(gpu:temp:max)
        labels: { unit: celsius }
      - record: evaluations
        expr: (evaluations or vector(0)) + 1
`;

const gpuTest = `
rule_files: [rules.yml]
evaluation_interval: 1m
group_eval_order: [recording, alerts]
tests:
  - name: one GPU gets hot and cools down
    interval: 30s
    external_labels: { cluster: prod }
    input_series:
      - { series: 'DCGM_FI_DEV_GPU_TEMP{Hostname="n1",gpu="0",pod="a"}', values: "60x3 90+0.5x11 60x20" }
      - { series: 'DCGM_FI_DEV_GPU_TEMP{Hostname="n1", gpu="1"}', values: "50 _x3 51x4 stale _ 1e+2x2 NaN Inf -Inf .5" }
    alert_rule_test:
      - { eval_time: 3m30s, alertname: GpuHot }
      - eval_time: 4m
        alertname: GpuHot
        exp_alerts:
          - exp_labels: { severity: critical, node: n1, Hostname: n1, gpu: 0 }
            exp_annotations: { summary: "GPU 0 of n1 is at 92 °C in prod" }
      - eval_time: 10m
        alertname: GpuHot
        exp_alerts:
          - exp_labels: { severity: critical, node: n1, Hostname: n1, gpu: 0 }
            exp_annotations: { summary: "GPU 0 of n1 is at 95 °C in prod" }
      - { eval_time: 11m, alertname: GpuHot, exp_alerts: [] }
      - { eval_time: 4m, alertname: AnyFiring, exp_alerts: [{ exp_labels: {} }] }
      - { eval_time: 1m, alertname: ExporterGone }
    promql_expr_test:
      - { expr: gpu:temp:spread, eval_time: 3m, exp_samples: [{ labels: 'gpu:temp:spread{unit="celsius"}', value: 40 }] }
      - { expr: evaluations, eval_time: 7m, exp_samples: [{ labels: evaluations, value: 8 }] }
      - { expr: "time()", eval_time: 90s, exp_samples: [{ value: 90 }] }
      - { expr: "count_over_time(gpu:temp:max[5m:])", eval_time: 5m, exp_samples: [{ labels: '{Hostname="n1",gpu="0"}', value: 6 }, { labels: '{Hostname="n1",gpu="1"}', value: 5 }] }
      - { expr: "DCGM_FI_DEV_GPU_TEMP offset -10m", eval_time: 0, exp_samples: [{ labels: 'DCGM_FI_DEV_GPU_TEMP{Hostname="n1",gpu="0",pod="a"}', value: 60 }, { labels: 'DCGM_FI_DEV_GPU_TEMP{gpu="1",Hostname="n1"}', value: 0.5 }] }
      - { expr: 'ALERTS{alertname="GpuHot"}', eval_time: 3m, exp_samples: [{ labels: 'ALERTS{alertname="GpuHot",alertstate="pending",Hostname="n1",gpu="0",node="n1",severity="critical"}', value: 1 }] }
      - { expr: 'ALERTS_FOR_STATE{alertname="GpuHot"}', eval_time: 9m, exp_samples: [{ labels: 'ALERTS_FOR_STATE{alertname="GpuHot",Hostname="n1",gpu="0",node="n1",severity="critical"}', value: 120 }] }
  - name: nothing is there
    alert_rule_test:
      - { eval_time: 0m, alertname: ExporterGone, exp_alerts: [{}] }
      - { eval_time: 90s, alertname: GpuHot }
  - name: samples behind the last evaluation are not seen
    interval: 15s
    input_series: [{ series: x, values: "1+1x20" }]
    promql_expr_test:
      - { expr: x, eval_time: 90s, exp_samples: [{ labels: x, value: 5 }] }
      - { expr: x offset -1m, eval_time: 15s, exp_samples: [{ labels: x, value: 5 }] }
`;

describe("sonde test, beside promtool", () => {
  it("passes a file that promtool passes", async () => {
    const { promtool, report } = await testWithBoth({ "rules.yml": gpuRules, "test.yml": gpuTest });
    expect(promtool).toContain("SUCCESS");
    expect(failures(report)).toEqual([]);
    expect(report.results.map(({ name, checks }) => [name, checks])).toEqual([
      ["one GPU gets hot and cools down", 13],
      ["nothing is there", 2],
      ["samples behind the last evaluation are not seen", 2],
    ]);
  });

  it.each([
    [
      "an alert that is not expected",
      "{ eval_time: 4m, alertname: AnyFiring, exp_alerts: [{ exp_labels: {} }] }",
      "{ eval_time: 4m, alertname: AnyFiring }",
      '+ {alertname="AnyFiring"}',
    ],
    [
      "an alert that does not fire",
      "{ eval_time: 3m30s, alertname: GpuHot }",
      "{ eval_time: 3m30s, alertname: GpuHot, exp_alerts: [{ exp_labels: { gpu: 0 } }] }",
      '- {alertname="GpuHot", gpu="0"}',
    ],
    ["another annotation", "is at 92 °C", "is at 93 °C", '-     summary: "GPU 0 of n1 is at 93 °C in prod"'],
    ["another value", "value: 40", "value: 41", '- gpu:temp:spread{unit="celsius"} 41'],
    ["another series", "labels: evaluations", "labels: evaluation", "- evaluation 8"],
    ["another activeAt", "value: 120 }", "value: 180 }", "} 180"],
  ])("fails, as promtool does, for %s", async (_, from, to, line) => {
    expect(gpuTest).toContain(from);
    const { promtool, report } = await testWithBoth({
      "rules.yml": gpuRules,
      "test.yml": gpuTest.replace(from, to),
    });
    expect(promtool).toContain("FAILED");
    expect(failures(report)).toHaveLength(1);
    expect(failures(report).join()).toContain(line);
  });

  it("says which rule cannot be evaluated", async () => {
    const rules = { groups: [{ name: "g", rules: [{ alert: "Twice", expr: "x", labels: { a: "b" } }] }] };
    const test = {
      rule_files: ["rules.yml"],
      tests: [
        {
          interval: "1m",
          input_series: [
            { series: 'x{a="1"}', values: "1" },
            { series: 'x{a="2"}', values: "1" },
          ],
          alert_rule_test: [{ eval_time: "0m", alertname: "Twice" }],
        },
      ],
    };
    const { promtool, report } = await testWithBoth({ "rules.yml": rules, "test.yml": test });
    expect(promtool).toContain("same labelset");
    expect(failures(report).join()).toMatch(/^rule: Twice, time: 0s, err: .*same labelset/);
  });

  it.each([
    { mode: "whole ranges at once", cases: 40, counter: false },
    { mode: "one evaluation at a time", cases: 6, counter: true },
  ])(
    "gives the alerts, annotations and records that promtool gives, on random rules and series: $mode",
    async ({ cases: numRuns, counter }) => {
      const rhythm: Rhythm = { scrape: 20_000, evaluate: 60_000, evaluations: 25 };
      const seed = Number(process.env.SONDE_PARITY_SEED ?? Math.floor(Math.random() * 2 ** 31));
      const cases = fc.sample(parityCase(rhythm), { seed, numRuns });
      const files = await randomFiles(cases, rhythm, counter);
      const { promtool, report } = await testWithBoth(files);
      expect(promtool.slice(0, 3000), `SONDE_PARITY_SEED=${seed}`).toContain("SUCCESS");
      expect(failures(report), `SONDE_PARITY_SEED=${seed}`).toEqual([]);
    },
    60_000,
  );
});

/** Rules that read what others record, with the answers that Sonde gives as what is expected. */
async function randomFiles(
  cases: readonly ReturnType<typeof fc.sample<import("../support/parity-case.ts").ParityCase>>[number][],
  rhythm: Rhythm,
  counter: boolean,
) {
  const metrics = cases.map((_, index) => `m${index}x`);
  const recorded = metrics.map((metric) => ({
    record: `${metric}_copy`,
    expr: `${metric} + 0`,
    labels: { case: metric },
  }));
  const alerts = cases.flatMap((one, index) =>
    // Every second case reads what is recorded of its metric.
    probesAndRules(one, index % 2 === 0 ? `m${index}x` : `m${index}x_copy`, rhythm).flatMap(
      ({ rules }) => rules,
    ),
  );
  const counting = counter
    ? [{ record: "counted", expr: "(counted or vector(0)) + count(ALERTS or vector(0))" }]
    : [];
  const ruleFile = { groups: [{ name: "random", rules: [...counting, ...recorded, ...alerts] }] };
  const rules = loaded(ruleFile);
  expect(needsSteps(rules.map(({ rule }) => rule))).toBe(counter);

  const last = rhythm.evaluate * (rhythm.evaluations - 1);
  const times = Array.from({ length: rhythm.evaluations }, (_, index) => index * rhythm.evaluate);
  const server = await startServer(rhythm.evaluate);
  try {
    await server.write(
      cases.flatMap((one, index) =>
        writtenSeries(one, metrics[index] ?? "", rhythm, 0).map((series) => ({
          ...series,
          samples: series.samples.filter(({ t }) => t <= last),
        })),
      ),
    );
    const found = await evaluateRules(rules, server, {
      interval: rhythm.evaluate,
      last,
      wanted: new Set(times),
      externalLabels: {},
      externalUrl: "",
    });
    const alert_rule_test = times
      .filter((_, index) => index % 3 === 2)
      .flatMap((at) =>
        alerts.map(({ alert }) => ({
          eval_time: formatDuration(at),
          alertname: alert,
          exp_alerts: (found.get(at)?.get(alert) ?? [])
            .filter(({ state }) => state === "firing")
            .map(({ labels: { alertname: _, ...exp_labels }, annotations }) => ({
              exp_labels,
              exp_annotations: annotations,
            })),
        })),
      );
    const names = [...recorded, ...counting].map(({ record }) => record);
    const promql_expr_test = await Promise.all(
      [last, rhythm.evaluate * 7].flatMap((at) =>
        [...names, 'ALERTS{case=~"m\\\\d+x.*"}', "ALERTS_FOR_STATE"].map(async (expr) => {
          const { data } = await server.client.queryInstant({ query: expr, at });
          const samples = data.filter(({ sample }) => !Number.isNaN(sample.v));
          const exp_samples = samples.map(({ labels, sample }) => ({
            labels: formatLabels(labels),
            value: yamlNumber(sample.v),
          }));
          // promtool never takes one NaN for another.
          const query = samples.length === data.length ? expr : `${expr} == ${expr}`;
          return { expr: query, eval_time: formatDuration(at), exp_samples };
        }),
      ),
    );
    const test = {
      rule_files: ["rules.yml"],
      evaluation_interval: formatDuration(rhythm.evaluate),
      tests: [
        {
          interval: formatDuration(rhythm.scrape),
          input_series: cases.flatMap((one, index) => inputSeries(one, metrics[index] ?? "")),
          alert_rule_test,
          promql_expr_test,
        },
      ],
    };
    return { "rules.yml": ruleFile, "test.yml": JSON.stringify(test).replace(/"(-?\.inf)"/g, "$1") };
  } finally {
    await server.stop();
  }
}

/** Go's YAML takes an infinity only as `.inf`, which JSON cannot write: the quotes go afterwards. */
function yamlNumber(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return value > 0 ? ".inf" : "-.inf";
}

function loaded(ruleFile: unknown): LoadedRule[] {
  const probes = compileRuleFile("rules.yml", ruleFile, []);
  let next = 0;
  return parseRuleFile(ruleFile).groups.flatMap(({ rules }) =>
    rules.map((rule): LoadedRule => {
      const probe = rule.kind === "alert" ? probes[next++] : undefined;
      if (rule.kind === "record") return { limit: 0, rule };
      if (!probe) throw new Error(`no probe of ${rule.name}`);
      return { limit: 0, rule, probe };
    }),
  );
}
