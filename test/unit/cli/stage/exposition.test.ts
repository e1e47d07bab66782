import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import { buildExposition, seriesText } from "../../../../cli/stage/exposition.ts";
import { sampleBlocks } from "../../../../cli/stage/history.ts";
import { writeOpenMetrics } from "../../../../cli/stage/history-file.ts";
import { counter, gauge, histogram } from "../../../../cli/stage/platform/family.ts";
import { hour, minute } from "../../../../cli/stage/platform/flow.ts";
import { buildTarget, storedLabels } from "../../../../cli/stage/platform/target.ts";
import { prometheusConfig } from "../../../../cli/stage/prometheus-config.ts";

const target = buildTarget<{ at: number }>(
  { job: "demo", labels: { instance: "10.0.0.1:80", pod: "exporter" } },
  [
    counter("jobs_total", { pod: "worker" }, ({ at }) => at / 1000 + 0.7),
    histogram(
      "wait_seconds",
      {},
      { bounds: [0.5, 1], kinds: [{ median: 0.5, sigma: 1 }], counts: () => [10] },
    ),
    gauge("fault", { code: "7" }, ({ at }) => (at >= 120_000 ? 7 : undefined)),
  ],
  (at) => (at === 60_000 ? null : { at }),
);

test("a target is exposed in Prometheus's text format, without series that do not exist yet", () => {
  expect(buildExposition(target)(0)).toBe(
    [
      "# TYPE jobs_total counter",
      'jobs_total{pod="worker"} 0',
      "# TYPE wait_seconds histogram",
      'wait_seconds_bucket{le="0.5"} 5',
      'wait_seconds_bucket{le="1"} 7',
      'wait_seconds_bucket{le="+Inf"} 10',
      "wait_seconds_count 10",
      "wait_seconds_sum 8.2436",
      "",
    ].join("\n"),
  );
  expect(buildExposition(target)(120_000)).toContain('# TYPE fault gauge\nfault{code="7"} 7\n');
});

test("a target that is down exposes nothing", () => {
  expect(buildExposition(target)(60_000)).toBeNull();
});

test("history is written series by series under the stored labels, with the scrapes' own series", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sonde-test-"));
  const file = join(dir, "x.om");
  const samples = await writeOpenMetrics(file, [target], [0, 60_000, 120_000], undefined);
  const lines = (await readFile(file, "utf8")).split("\n");
  await rm(dir, { recursive: true });
  const stored = 'job="demo",instance="10.0.0.1:80",pod="exporter"';
  expect(lines.slice(0, 3)).toEqual([
    "# TYPE jobs counter",
    `jobs_total{${stored},exported_pod="worker"} 0 0`,
    `jobs_total{${stored},exported_pod="worker"} 120 120`,
  ]);
  expect(lines.filter((line) => line.startsWith("up{"))).toEqual([
    `up{${stored}} 1 0`,
    `up{${stored}} 0 60`,
    `up{${stored}} 1 120`,
  ]);
  expect(lines.filter((line) => line.startsWith("scrape_samples_scraped{"))).toEqual([
    `scrape_samples_scraped{${stored}} 6 0`,
    `scrape_samples_scraped{${stored}} 0 60`,
    `scrape_samples_scraped{${stored}} 7 120`,
  ]);
  expect(lines.slice(-2)).toEqual(["# EOF", ""]);
  expect(samples).toBe(6 + 7 + 5 * 3);
});

test("label values are escaped", () => {
  expect(seriesText("a", { b: 'x"y\\z\n' })).toBe('a{b="x\\"y\\\\z\\n"}');
  expect(seriesText("a", {})).toBe("a");
});

test.each([
  [false, { job: "demo", instance: "i", exported_instance: "own", other: "x" }],
  [true, { job: "demo", instance: "own", other: "x" }],
])("a conflict of labels is settled as Prometheus does with honor_labels %s", (honorLabels, stored) => {
  const place = { job: "demo", labels: { instance: "i" }, honorLabels };
  expect(storedLabels(place, { instance: "own", other: "x", empty: "" })).toEqual(stored);
});

test.each([24, 3, 1])("the samples of %d hours end at now and fall into one block a file", (hours) => {
  const now = 1_790_000_115_000;
  const blocks = sampleBlocks(now, hours);
  const times = blocks.flat();
  expect(times.at(-1)).toBe(now);
  expect(now - (times[0] ?? 0)).toBeGreaterThan(hours * hour - minute);
  expect(now - (times[0] ?? 0)).toBeLessThanOrEqual(hours * hour);
  for (const block of blocks)
    expect(Math.floor((block[0] ?? 0) / (2 * hour))).toBe(Math.floor((block.at(-1) ?? 0) / (2 * hour)));
  const steps = times.slice(1).map((t, index) => t - (times[index] ?? 0));
  expect(new Set(steps)).toEqual(new Set(hours > 2 ? [60_000, 15_000] : [15_000]));
  const fine = times.filter((_, index) => steps[index] === 15_000).length;
  expect(fine * 15_000).toBeGreaterThan(Math.min(hours, 2) * hour - 2 * minute);
});

test("targets of one job share a scrape config; settings that are not given are left out", () => {
  const scrape = [1, 2].map((index) => ({
    job: "vllm",
    address: "127.0.0.1:9",
    metricsPath: `/vllm/${index}`,
    intervalSeconds: 5,
    labels: { instance: `pod-${index}` },
  }));
  expect(JSON.parse(prometheusConfig({ scrape }))).toEqual({
    global: { scrape_interval: "15s", evaluation_interval: "15s" },
    scrape_configs: [
      {
        job_name: "vllm",
        scrape_interval: "5s",
        scrape_timeout: "5s",
        honor_labels: false,
        static_configs: [1, 2].map((index) => ({
          targets: ["127.0.0.1:9"],
          labels: { __metrics_path__: `/vllm/${index}`, instance: `pod-${index}` },
        })),
      },
    ],
  });
  expect(
    JSON.parse(
      prometheusConfig({
        ruleFiles: ["/r.yml"],
        evaluationIntervalSeconds: 1,
        outOfOrderWindow: "1h",
        alertmanager: "127.0.0.1:9093",
      }),
    ),
  ).toMatchObject({
    global: { evaluation_interval: "1s" },
    storage: { tsdb: { out_of_order_time_window: "1h" } },
    rule_files: ["/r.yml"],
    alerting: { alertmanagers: [{ static_configs: [{ targets: ["127.0.0.1:9093"] }] }] },
    scrape_configs: [],
  });
});
