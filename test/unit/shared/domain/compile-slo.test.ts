import { describe, expect, it } from "vitest";

import { compileConfig } from "../../../../shared/domain/compile.ts";
import { parseConfig, type SloConfig } from "../../../../shared/domain/config.ts";
import { inspectQuery } from "../../../../shared/domain/promql.ts";
import { pack } from "../../../support/pack.ts";

const sources = { packs: [pack], ruleFiles: [], certificates: {} };
const good: SloConfig = {
  objective: 99.5,
  errors: 'sum(rate(requests_total{code=~"5.."}[$window]))',
  total: "sum(rate(requests_total[$window]))",
};

function compile(slo: unknown, more: Record<string, unknown> = {}) {
  const parsed = parseConfig({ probes: [{ id: "errors", slo, ...more }] });
  if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
  return compileConfig(parsed.config, sources);
}

describe("an SLO in config", () => {
  it("is one probe that is asked every minute, with page as fail and ticket as warn", () => {
    const { compiled, faults, notes } = compile(good);
    expect([faults, notes]).toEqual([[], []]);
    expect(compiled.probes).toMatchObject([
      {
        kind: "slo",
        unit: "x",
        every: 60_000,
        step: 60_000,
        levels: [
          { level: "warn", for: 0, keepFiringFor: 0 },
          { level: "fail", for: 0, keepFiringFor: 0 },
        ],
        slo: { objective: 99.5, budget: 0.005, period: 2_592_000_000, minimumEvents: 0 },
      },
    ]);
  });

  it("asks what its rules record first, and is guarded by what all events are counted by", () => {
    const [probe] = compile(good).compiled.probes;
    const [recorded, raw] = probe?.variants ?? [];
    expect(recorded?.query).toContain("$recorded_total_3d");
    expect(recorded?.recorded).toEqual(["recorded_ready"]);
    expect(raw?.query).toContain('rate(requests_total{code=~"5.."}[3d])');
    expect(raw?.guard).toEqual({ kind: "selector", selector: "requests_total" });
    expect(raw?.budget).toContain("[30d]");
    for (const { query, budget = "" } of probe?.variants ?? [])
      for (const text of [query, budget]) expect(inspectQuery(text)).toHaveProperty("facts");
  });

  it("records under names that are its own, valid, and others where it counts other events", () => {
    const names = (id: string, slo: SloConfig) =>
      Object.values(
        compileConfig({ probes: [{ id, slo }] }, sources).compiled.probes[0]?.aliases ?? {},
      ).flatMap((alias) => alias.names);
    const own = names("gateway.errors", good);
    expect(own).toHaveLength(15);
    for (const name of own) expect(name).toMatch(/^slo:gateway_errors_[a-z0-9]+:[a-z0-9_]+$/);
    expect(names("gateway.errors", { ...good, objective: 99 })).toEqual(own);
    for (const other of [
      names("gateway-errors", good),
      names("gateway.errors", { ...good, total: "sum(rate(b[$window]))" }),
    ])
      expect(other.filter((name) => own.includes(name))).toEqual([]);
  });

  it("reads a closing comment of an expression as one", () => {
    const { faults, compiled } = compile({
      ...good,
      total: "sum(rate(requests_total[$window])) # all of them",
    });
    expect(faults).toEqual([]);
    expect(inspectQuery(compiled.probes[0]?.variants[1]?.query ?? "")).toHaveProperty("facts");
  });

  it.each<[string, unknown, string, RegExp]>([
    ["no objective", { ...good, objective: undefined }, "slo.objective", /is missing/],
    ["no total", { ...good, total: undefined }, "slo.total", /is missing/],
    ["no errors", { ...good, errors: undefined }, "slo.errors", /is missing/],
    ["errors without $window", { ...good, errors: "sum(rate(a[5m]))" }, "slo.errors", /has no \$window/],
    ["a misspelt $window", { ...good, total: "sum(rate(a[$windw]))" }, "slo.total", /has no \$window/],
    ["total that does not parse", { ...good, total: "sum(rate(a[$window])" }, "slo.total", /does not parse/],
    ["rates over counts", { ...good, total: "sum(increase(a[$window]))" }, "slo.errors", /use rate in both/],
    [
      "labels that never meet",
      { ...good, errors: "sum by (code) (rate(a[$window]))" },
      "slo.errors",
      /\(code\) and total \(\)/,
    ],
    [
      "minimumEvents that cannot be counted",
      { objective: 99, errors: "sum(deriv(a[$window]))", total: "sum(deriv(b[$window]))", minimumEvents: 5 },
      "slo.minimumEvents",
      /rate or increase/,
    ],
    [
      "both ways to count",
      { ...good, latency: { histogram: "a", under: 1 } },
      "slo.latency",
      /one of the two/,
    ],
    [
      "latency without a bound",
      { objective: 99, latency: { histogram: "a" } },
      "slo.latency.under",
      /is missing/,
    ],
    [
      "latency without a histogram",
      { objective: 99, latency: { under: 1 } },
      "slo.latency.histogram",
      /is missing/,
    ],
    [
      "matchers that do not parse",
      { objective: 99, latency: { histogram: "a", under: 1, matchers: "a=b" } },
      "slo.latency.matchers",
      /does not parse/,
    ],
    [
      "a short period without windows",
      { ...good, period: "1d" },
      "slo.period",
      /write page and ticket yourself/,
    ],
    [
      "a short window as long as the long one",
      { ...good, page: [{ share: 2, long: "1h", short: "1h" }] },
      "slo.page.0.short",
      /shorter than long/,
    ],
    [
      "a window longer than the period",
      { ...good, period: "7d", ticket: [{ share: 2, long: "8d", short: "1h" }] },
      "slo.ticket.0.long",
      /longer than the period/,
    ],
    [
      "a window in which no scrape may lie",
      { ...good, page: [{ share: 2, long: "5m", short: "30s" }] },
      "slo.page.0.short",
      /under a minute/,
    ],
    ["nothing to tell", { ...good, page: [], ticket: [] }, "slo.page", /both empty/],
    [
      "an objective at which nothing can page",
      { ...good, objective: 80 },
      "slo.page",
      /total outage burns 5 ×/,
    ],
  ])("is at fault with %s", (_, slo, path, message) => {
    const { faults, compiled } = compile(slo);
    expect(faults.map((fault) => fault.path.join("."))).toContain(`probes.0.${path}`);
    expect(faults.find((fault) => fault.path.join(".") === `probes.0.${path}`)?.message).toMatch(message);
    expect(compiled.probes).toEqual([]);
  });

  it.each(["query", "warn", "fail", "unit"])("cannot have %s beside it", (key) => {
    const { faults } = compile(good, { [key]: key === "query" || key === "unit" ? "up" : "> 1" });
    expect(faults).toHaveLength(1);
  });

  it("notes a pair that can never tell anything, where another can", () => {
    const { faults, notes } = compile({ ...good, objective: 90 });
    expect(faults).toEqual([]);
    expect(notes).toEqual([
      {
        path: ["probes", 0, "slo", "page"],
        message: "at this objective a total outage burns 10 ×, and 1h needs more than 14.4 ×",
      },
    ]);
  });

  it("takes windows of its own", () => {
    const page = [{ share: 5, long: "30m", short: "5m" }];
    expect(compile({ ...good, objective: 99.9, page, ticket: [] }).compiled.probes[0]).toMatchObject({
      levels: [{ level: "fail" }],
      slo: { pairs: [{ level: "fail", long: 1_800_000, short: 300_000, factor: 72 }] },
    });
  });
});

describe("a latency SLO", () => {
  const sliOf = (latency: unknown) => compile({ objective: 99, latency }).compiled.probes[0]?.slo?.sli;

  it("counts the requests of the bucket that ends at the threshold, in either spelling", () => {
    expect(
      sliOf({ histogram: "ttft_seconds", under: "3s", matchers: 'job="vllm"', by: ["model", "pod"] }),
    ).toEqual({
      total: 'sum by (model, pod) (rate(ttft_seconds_bucket{le="+Inf",job="vllm"}[$window]))',
      counted: {
        kind: "good",
        expr: 'sum by (model, pod) (rate(ttft_seconds_bucket{le=~"3|3\\\\.0",job="vllm"}[$window]))',
      },
      per: "second",
      bucket: { metric: "ttft_seconds_bucket", bound: 3 },
    });
  });

  it.each<[string | number, string]>([
    ["200ms", 'le=~"0\\\\.2"'],
    [2.5, 'le=~"2\\\\.5"'],
    [30, 'le=~"30|30\\\\.0"'],
    [1_000_000, 'le=~"1000000|1e\\\\+06|1000000\\\\.0"'],
  ])("finds the bucket of %s", (under, matcher) => {
    expect(sliOf({ histogram: "a_bucket", under })?.counted.expr).toBe(
      `sum (rate(a_bucket{${matcher}}[$window]))`,
    );
  });
});

describe("the pack's SLOs", () => {
  const compilePack = (probes: unknown) => {
    const parsed = parseConfig({ packs: ["llm-on-eks"], probes });
    if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
    const { compiled, faults } = compileConfig(parsed.config, sources);
    expect(faults).toEqual([]);
    return compiled.probes;
  };

  it("run where config names them, and not where it says otherwise", () => {
    const ids = compilePack([{ id: "slo-ttft" }, { id: "slo-e2e", enabled: false }]).map(({ id }) => id);
    expect(ids).toContain("slo-ttft");
    expect(ids).not.toContain("slo-e2e");
    expect(ids).not.toContain("slo-gateway-5xx");
  });

  it("take what config says of them, and keep the rest", () => {
    const probes = compilePack([
      { id: "slo-ttft", slo: { objective: 99.5, latency: { under: 5 } } },
      { id: "slo-agent-errors", slo: { period: "7d" } },
    ]);
    expect(probes.find(({ id }) => id === "slo-ttft")?.slo).toMatchObject({
      objective: 99.5,
      minimumEvents: 100,
      sli: { bucket: { metric: "$ttft_bucket", bound: 5 } },
    });
    expect(probes.find(({ id }) => id === "slo-agent-errors")?.slo).toMatchObject({
      objective: 99,
      period: 604_800_000,
    });
  });

  it("give way to expressions of config's own, guard and all", () => {
    const [probe] = compilePack([
      { id: "slo-ttft", slo: { errors: "sum(rate(slow[$window]))", total: "sum(rate(every[$window]))" } },
    ]).filter(({ id }) => id === "slo-ttft");
    expect(probe?.slo?.sli.bucket).toBeUndefined();
    expect(probe?.variants[1]?.guard).toEqual({ kind: "selector", selector: "every" });
  });

  it.each([[{ id: "slo-ttft", query: "up" }], [{ id: "gateway-5xx", slo: good }]])(
    "are not mixed with queries: %j",
    (probe) => {
      const parsed = parseConfig({ packs: ["llm-on-eks"], probes: [probe] });
      if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
      const { faults } = compileConfig(parsed.config, sources);
      expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining("an id of its own")]);
    },
  );

  it("leave other probes that need an opt-in to it, too", () => {
    expect(compilePack([{ id: "largest-metrics" }]).map(({ id }) => id)).toContain("largest-metrics");
  });
});
