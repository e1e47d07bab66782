import { expect, test } from "vitest";

import { hour, minute } from "../../../../cli/stage/platform/flow.ts";
import { buildPlatform } from "../../../../cli/stage/platform/platform.ts";
import { plot } from "../../../../cli/stage/platform/storyline.ts";
import { storedLabels, type Target } from "../../../../cli/stage/platform/target.ts";
import { tenants } from "../../../../cli/stage/platform/topology.ts";
import { seriesKey } from "../../../../shared/domain/series.ts";

const epoch = 1_790_000_100_000;
const platform = buildPlatform(1, epoch);
const times = [
  ...Array.from({ length: 24 * 12 }, (_, index) => epoch - 24 * hour + index * 5 * minute),
  ...Array.from({ length: 60 }, (_, index) => epoch + index * 15_000),
];

/** The values of one series over `times`; null where the target is down or does not expose it. */
interface Column {
  readonly target: Target;
  readonly family: string;
  readonly type: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly (number | null)[];
}

const columns: readonly Column[] = platform.flatMap((target) => {
  const rows = times.map((t) => target.read(t));
  let index = 0;
  return target.families.flatMap((family) =>
    family.series.map((series) => {
      const at = index++;
      const values = rows.map((row) => {
        const value = row?.[at];
        return value === undefined || Number.isNaN(value) ? null : value;
      });
      return {
        target,
        family: family.name,
        type: family.type,
        name: series.name,
        labels: series.labels,
        values,
      };
    }),
  );
});

const restarts = plot(epoch).restarts;

test("counters go backwards only where a container restarted", () => {
  const grows = columns.filter(({ type, name }) => type !== "gauge" && name !== "up");
  const backwards = grows.flatMap(({ target, name, values }) =>
    values.flatMap((value, index) => {
      const before = values[index - 1];
      const between = [times[index - 1] ?? 0, times[index] ?? 0] as const;
      const known = restarts.some(
        ({ pod, up }) => pod.name === target.labels.pod && up > between[0] && up <= between[1],
      );
      return value !== null && typeof before === "number" && value < before && !known ? [name] : [];
    }),
  );
  expect(backwards).toEqual([]);
});

test("a restarted container counts from zero", () => {
  const restart = restarts[0];
  const tokens = (t: number) => {
    const target = platform.find(({ labels }) => labels.pod === restart?.pod.name);
    return target && readOne(target, "vllm:prompt_tokens_total", t);
  };
  expect(tokens((restart?.down ?? 0) - 1000)).toBeGreaterThan(1e6);
  expect(tokens((restart?.down ?? 0) + 1000)).toBeUndefined();
  expect(tokens(restart?.up ?? 0)).toBe(0);
  expect(tokens((restart?.up ?? 0) + minute)).toBeGreaterThan(10_000);
});

test("buckets are cumulative and the last one is the count", () => {
  for (const target of platform) {
    for (const t of [epoch - 20 * hour, epoch - 6 * minute, epoch + minute]) {
      const row = target.read(t);
      let index = 0;
      for (const family of target.families) {
        const values = family.series.map((series) => ({ ...series, value: row?.[index++] ?? 0 }));
        if (family.type !== "histogram") continue;
        const groups = Map.groupBy(values, ({ labels: { le: _, ...rest } }) => seriesKey(rest));
        for (const group of groups.values()) {
          const buckets = group.filter(({ name }) => name.endsWith("_bucket")).map(({ value }) => value);
          const count = group.find(({ name }) => name.endsWith("_count"))?.value;
          expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
          expect(buckets.at(-1)).toBe(count);
        }
      }
    }
  }
});

test("no two series have the same labels once they are stored", () => {
  const keys = columns.map(({ target, name, labels }) =>
    JSON.stringify([name, seriesKey(storedLabels(target, labels))]),
  );
  expect(new Set(keys).size).toBe(keys.length);
});

test("the same seed and anchor give the same values, another seed gives others", () => {
  const again = buildPlatform(1, epoch);
  const other = buildPlatform(2, epoch);
  const [first] = platform;
  expect(again.map((target) => target.read(epoch))).toEqual(platform.map((target) => target.read(epoch)));
  expect(other[0]?.read(epoch)).not.toEqual(first?.read(epoch));
});

test("the tenants' tokens add up to what the engines counted, through their restarts", () => {
  const from = epoch - 4 * hour;
  const ofTenants = (t: number) => total("llm-api", "llm_tokens_total", t, { token_type: "input" });
  const grown = ofTenants(epoch) - ofTenants(from);
  const counted = platform
    .filter(({ job }) => job === "vllm")
    .map((target) => {
      const at = (t: number) => readOne(target, "vllm:prompt_tokens_total", t) ?? 0;
      const lost = restarts
        .filter(({ pod, down }) => pod.name === target.labels.pod && down > from)
        .reduce((sum, { down }) => sum + at(down - 1), 0);
      return at(epoch) - at(from) + lost;
    })
    .reduce((a, b) => a + b, 0);
  expect(Math.abs(grown - counted)).toBeLessThan(2 * tenants.length + 200);
  expect(grown).toBeGreaterThan(1e6);
});

test("every tenant has tokens of every kind for both models", () => {
  const tokens = columns.filter(({ name }) => name === "llm_tokens_total");
  expect(tokens).toHaveLength(tenants.length * 4);
  expect(tokens.every(({ values }) => (values.at(-1) ?? 0) > 0)).toBe(true);
});

function readOne(target: Target, name: string, t: number): number | undefined {
  const index = target.families.flatMap(({ series }) => series).findIndex((series) => series.name === name);
  return target.read(t)?.[index];
}

function total(job: string, name: string, t: number, labels: Readonly<Record<string, string>>): number {
  return platform
    .filter((target) => target.job === job)
    .flatMap((target) => {
      const row = target.read(t);
      return target.families
        .flatMap(({ series }) => series)
        .map((series, index) => ({ series, value: row?.[index] ?? 0 }));
    })
    .filter(
      ({ series }) =>
        series.name === name && Object.entries(labels).every(([key, value]) => series.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);
}
