import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readInstant,
  readLabelSets,
  readMatrix,
  readMetadata,
  readRules,
  readSamplesProcessed,
  readStrings,
  readSuccess,
  readValue,
} from "../../../../shared/adapters/prometheus-answer.ts";
import { PrometheusError } from "../../../../shared/domain/prometheus.ts";

describe("sample values", () => {
  it.each([
    ["0", 0],
    ["-0", -0],
    ["1.5", 1.5],
    ["1e+06", 1_000_000],
    ["0.1", 0.1],
    ["5e-324", 5e-324],
    ["1.7976931348623157e+308", Number.MAX_VALUE],
    ["NaN", Number.NaN],
    ["+Inf", Number.POSITIVE_INFINITY],
    ["-Inf", Number.NEGATIVE_INFINITY],
  ])("%s is read exactly", (text, value) => {
    expect(readValue(text)).toBe(value);
  });

  it("of any kind survive their shortest decimal form", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = Object.is(value, -0) ? "-0" : String(value);
        expect(readValue(text)).toBe(value);
      }),
    );
  });

  it.each([[""], [" "], ["\n"], ["abc"], ["1,5"], ["nan"], [1.5], [null], [undefined]])(
    "%j is refused",
    (value) => {
      expect(() => readValue(value)).toThrow(PrometheusError);
    },
  );
});

const matrix = (result: unknown) => ({ resultType: "matrix", result });
const vector = (result: unknown) => ({ resultType: "vector", result });

describe("a range answer", () => {
  it("keeps labels, times to the millisecond and values", () => {
    const data = matrix([
      {
        metric: { __name__: "up", job: "a" },
        values: [
          [1088508823.623, "1"],
          [1088508838, "NaN"],
        ],
      },
    ]);
    expect(readMatrix(data)).toEqual({
      series: [
        {
          labels: { __name__: "up", job: "a" },
          samples: [
            { t: 1_088_508_823_623, v: 1 },
            { t: 1_088_508_838_000, v: Number.NaN },
          ],
        },
      ],
      histograms: 0,
    });
  });

  it("counts native histograms, and keeps what else their series has", () => {
    const data = matrix([
      { metric: { a: "1" }, histograms: [[1, { count: "1" }]] },
      { metric: { a: "2" }, values: [[1, "1"]], histograms: [[2, { count: "1" }]] },
    ]);
    expect(readMatrix(data)).toEqual({
      series: [{ labels: { a: "2" }, samples: [{ t: 1_000, v: 1 }] }],
      histograms: 2,
    });
  });

  it("takes a label named __proto__ for a label", () => {
    const data: unknown = JSON.parse(
      '{"resultType":"matrix","result":[{"metric":{"__proto__":"x"},"values":[]}]}',
    );
    expect(Object.entries(readMatrix(data).series[0]?.labels ?? {})).toEqual([["__proto__", "x"]]);
  });

  it.each([
    ["no data", undefined],
    ["no result", { resultType: "matrix" }],
    ["no metric", matrix([{ values: [] }])],
    ["a label that is no string", matrix([{ metric: { a: 1 }, values: [] }])],
    ["no values", matrix([{ metric: {} }])],
    ["a sample of one part", matrix([{ metric: {}, values: [[1]] }])],
    ["a sample of three parts", matrix([{ metric: {}, values: [[1, "1", "2"]] }])],
    ["a time that is text", matrix([{ metric: {}, values: [["1", "1"]] }])],
    ["a series that is null", matrix([null])],
  ])("with %s is a bad answer", (_, data) => {
    expect(() => readMatrix(data)).toThrow(expect.objectContaining({ kind: "bad-answer" }));
  });

  it("that is a string says what the query should ask for", () => {
    expect(() => readMatrix({ resultType: "string", result: [1, "x"] })).toThrow(
      expect.objectContaining({
        kind: "bad-query",
        message: expect.stringContaining("a string, not a matrix"),
      }),
    );
  });
});

describe("an instant answer", () => {
  it("is one sample for each series", () => {
    const data = vector([{ metric: { a: "1" }, value: [1.5, "+Inf"] }]);
    expect(readInstant(data)).toEqual({
      series: [{ labels: { a: "1" }, sample: { t: 1_500, v: Number.POSITIVE_INFINITY } }],
      histograms: 0,
    });
  });

  it("that is a scalar becomes one series without labels", () => {
    const data = { resultType: "scalar", result: [2, "7"] };
    expect(readInstant(data).series).toEqual([{ labels: {}, sample: { t: 2_000, v: 7 } }]);
  });

  it("counts native histograms", () => {
    expect(readInstant(vector([{ metric: {}, histogram: [1, {}] }]))).toEqual({ series: [], histograms: 1 });
  });

  it.each(["string", "matrix"])("that is a %s is a bad query", (resultType) => {
    expect(() => readInstant({ resultType, result: [] })).toThrow(
      expect.objectContaining({ kind: "bad-query" }),
    );
  });
});

describe("the envelope", () => {
  it("surfaces warnings, then infos", () => {
    const json = { status: "success", data: 1, warnings: ["w"], infos: ["i"] };
    expect(readSuccess(json)).toEqual({ data: 1, notices: ["w", "i"] });
  });

  it.each([[{ status: "error", data: 1 }], [{ data: 1 }], ["success"], [null], [undefined]])(
    "%j is no success",
    (json) => {
      expect(readSuccess(json)).toBeUndefined();
    },
  );

  it("says how many samples were read, where statistics came", () => {
    expect(readSamplesProcessed({ stats: { samples: { totalQueryableSamples: 12 } } })).toBe(12);
    expect(readSamplesProcessed({ stats: { samples: {} } })).toBeUndefined();
    expect(readSamplesProcessed({})).toBeUndefined();
  });
});

describe("lists", () => {
  it("of series and of label values are read", () => {
    expect(readLabelSets([{ a: "1" }])).toEqual([{ a: "1" }]);
    expect(readStrings(["a", "b"])).toEqual(["a", "b"]);
  });

  it.each([[{}], [[1]], [null]])("%j is a bad answer to both", (data) => {
    expect(() => readLabelSets(data)).toThrow(PrometheusError);
    expect(() => readStrings(data)).toThrow(PrometheusError);
  });

  it("of metadata may lack unit and help", () => {
    expect(readMetadata({ up: [{ type: "gauge" }] })).toEqual({
      up: [{ type: "gauge", help: "", unit: "" }],
    });
  });
});

describe("rules", () => {
  const alerting = {
    type: "alerting",
    name: "Hot",
    query: "temp > 85",
    duration: 300,
    keepFiringFor: 0,
    labels: {},
    annotations: {},
    alerts: [
      {
        labels: { gpu: "0" },
        annotations: { s: "hot" },
        state: "firing",
        activeAt: "2026-11-21T00:00:00.5Z",
        value: "9e+01",
      },
    ],
    health: "ok",
    lastError: "",
    evaluationTime: 0.1,
  };
  const group = (rules: unknown[]) => ({ name: "g", file: "f.yml", interval: 60, rules });

  it("keep what Sonde compares itself with, times in Unix milliseconds", () => {
    const recording = { type: "recording", name: "r", query: "sum(x)", health: "err", lastError: "boom" };
    expect(readRules({ groups: [group([alerting, recording])] })).toEqual({
      nextToken: undefined,
      groups: [
        group([
          {
            type: "alerting",
            name: "Hot",
            query: "temp > 85",
            duration: 300,
            health: "ok",
            alerts: [
              {
                labels: { gpu: "0" },
                annotations: { s: "hot" },
                state: "firing",
                activeAt: Date.parse("2026-11-21T00:00:00.500Z"),
                value: "9e+01",
              },
            ],
          },
          { ...recording, alerts: [] },
        ]),
      ],
    });
  });

  it("of another shape are a bad answer that names the place", () => {
    expect(() => readRules({ groups: [group([{ type: "alerting" }])] })).toThrow(/groups\.0\.rules\.0\.name/);
  });

  it("may have further pages", () => {
    expect(readRules({ groups: [], groupNextToken: "t" }).nextToken).toBe("t");
    expect(readRules({ groups: [], groupNextToken: "" }).nextToken).toBeUndefined();
  });
});
