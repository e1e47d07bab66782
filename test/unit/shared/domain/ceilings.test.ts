import { describe, expect, it } from "vitest";

import {
  bucketBoundsQuery,
  bucketMetrics,
  ceilingFaults,
  findQuantiles,
  readBucketBounds,
} from "../../../../shared/domain/ceilings.ts";
import { aLevel } from "../../../support/builders.ts";

const quantile = "histogram_quantile(0.99, sum by (le) (rate(ttft_bucket[5m])))";
const oldVllm = new Map([["ttft_bucket", [0.1, 1, 5, 7.5, 10]]]);

describe("the quantiles of a query", () => {
  it.each([
    [quantile, 1],
    [`${quantile} / 1000`, 0.001],
    [`1000 * (${quantile})`, 1000],
    [`max by (pod) (${quantile})`, 1],
    [`label_replace(${quantile}, "a", "b", "", "")`, 1],
    [`${quantile} and on () up`, 1],
    [`${quantile} + 0 / (sum(rate(ttft_bucket[5m])) > bool 0.02)`, 1],
    [`${quantile} / 1000 + 0 / (sum(rate(x[5m])) > bool 0.02)`, 0.001],
  ])("%s", (query, scale) => {
    expect(findQuantiles(query)).toEqual([{ metrics: ["ttft_bucket"], scale, compared: [] }]);
  });

  it.each([
    ["a ratio of quantiles", `${quantile} / ${quantile}`],
    ["a quantile plus something", `${quantile} + up`],
    ["a sum of quantiles", `sum(${quantile})`],
    ["a comparison that gives 0 or 1", `${quantile} > bool 5`],
    ["no quantile", "sum(rate(ttft_bucket[5m]))"],
  ])("leave %s alone", (_, query) => {
    expect(findQuantiles(query)).toEqual([]);
  });

  it("are found under a name that is written as a matcher", () => {
    expect(
      bucketMetrics('histogram_quantile(0.9, sum by (le) (rate({__name__=~"a_bucket|b_bucket"}[5m])))'),
    ).toEqual(["a_bucket", "b_bucket"]);
  });
});

describe("a threshold on a quantile", () => {
  it.each([
    ["> 5", []],
    ["> 9.9", []],
    ["> 10", ["fail"]],
    [">= 10", ["fail"]],
    ["> 30", ["fail"]],
    ["< 30", []],
  ])("%s under a highest bucket of 10: faults %j", (threshold, faults) => {
    const found = ceilingFaults({ query: quantile, levels: [aLevel("fail", threshold)] }, oldVllm);
    expect(found.map(({ level }) => level)).toEqual(faults);
  });

  it("is measured in the unit of the query", () => {
    const envoy = new Map([["time_bucket", [0.5, 1800000, 3600000]]]);
    const query = "histogram_quantile(0.99, sum by (le) (rate(time_bucket[5m]))) / 1000";
    expect(ceilingFaults({ query, levels: [aLevel("warn", "> 10")] }, envoy)).toEqual([]);
    const [fault] = ceilingFaults({ query, levels: [aLevel("warn", "> 3600")] }, envoy);
    expect(fault?.ceiling).toBe(3600);
    expect(fault?.bounds).toEqual([0.0005, 1800, 3600]);
  });

  it("says which metric, which ceiling, and what to write", () => {
    const [fault] = ceilingFaults({ query: quantile, levels: [aLevel("fail", "> 30")] }, oldVllm);
    expect(fault?.message).toBe(
      "the fail threshold > 30 can never be passed: ttft_bucket has no bucket above 10 here, and a quantile never exceeds its highest bucket; use at most > 7.5, or widen the histogram's buckets",
    );
  });

  it("is found in the query too, as rules have it", () => {
    const [fault] = ceilingFaults(
      { query: `(${quantile}) * 1000 > 30000`, levels: [aLevel("warn", "any")] },
      oldVllm,
    );
    expect(fault).toMatchObject({ level: "query", threshold: { op: ">", bound: 30000 }, ceiling: 10000 });
    expect(ceilingFaults({ query: `(${quantile} > 5) * 1000`, levels: [] }, oldVllm)).toEqual([]);
  });

  it("is not judged where the target's buckets are not known", () => {
    expect(ceilingFaults({ query: quantile, levels: [aLevel("fail", "> 30")] }, new Map())).toEqual([]);
  });
});

it("bucket bounds are asked for once and read in order", () => {
  expect(bucketBoundsQuery(["b_bucket", "a_bucket"])).toBe(
    'count by (__name__, le) ({__name__=~"a_bucket|b_bucket",le!="+Inf"})',
  );
  const series = ["10.0", "0.5", "+Inf", "5"].map((le) => ({
    labels: { __name__: "a_bucket", le },
    sample: { t: 0, v: 1 },
  }));
  expect(readBucketBounds(series)).toEqual(new Map([["a_bucket", [0.5, 5, 10]]]));
});
