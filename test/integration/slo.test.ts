import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { evaluateRules } from "../../cli/rule-test/evaluate-rules.ts";
import type { TestServer } from "../../cli/rule-test/test-server.ts";
import type { WrittenSeries } from "../../shared/adapters/remote-write.ts";
import { guardSelectors, replaceAliases, replaceGuardAliases } from "../../shared/domain/aliases.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import { evaluateProbe } from "../../shared/domain/evaluate.ts";
import { absentIsNone } from "../../shared/domain/fold-slo.ts";
import { freshnessQuery, readFreshness } from "../../shared/domain/freshness.ts";
import { generateRuleFile } from "../../shared/domain/generate-rules.ts";
import { renderRuleFile } from "../../shared/domain/rule-file.ts";
import { readBudget } from "../../shared/domain/slo.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";
import { runPromtool } from "../support/promtool.ts";
import { anSlo } from "../support/slo.ts";
import { startServerForTests } from "../support/test-server.ts";

const minute = 60_000;
const hour = 60 * minute;

/** As long a calm as the longest window and some more, then trouble. Time begins at 0, as promtool's does. */
const trouble = 19 * hour;
const last = trouble + 6 * hour;

/** Failed and all requests a minute, by route, in calm and in trouble. */
const routes: Readonly<
  Record<string, { calm: readonly [number, number]; trouble: readonly [number, number] }>
> = {
  steady: { calm: [0, 600], trouble: [0, 600] },
  outage: { calm: [0, 600], trouble: [30, 600] },
  slow: { calm: [0, 600], trouble: [2.4, 600] },
};

/** Of a week, so that the longest window is 18 h; in all else it is as the 30 days are. */
const probe = anSlo({ minimumEvents: 100, period: "7d" }, { summary: "{{ $labels.route }} burns" });
const { slo } = probe;

function counter(
  name: string,
  route: string,
  code: string,
  at: (phase: "calm" | "trouble") => number,
): WrittenSeries {
  const samples = [];
  let v = 0;
  for (let t = 0; t <= last; t += minute) {
    samples.push({ t, v });
    v += at(t < trouble ? "calm" : "trouble");
  }
  return { labels: { __name__: name, route, code }, samples };
}

function input(): WrittenSeries[] {
  return Object.entries(routes).flatMap(([route, flow]) => [
    counter("requests_total", route, "200", (phase) => flow[phase][1] - flow[phase][0]),
    counter("requests_total", route, "500", (phase) => flow[phase][0]),
  ]);
}

/** Three requests fail within an hour of a night in which nobody else asks. */
function night(): WrittenSeries[] {
  const failed = [10, 25, 40].map((minutes) => trouble + minutes * minute);
  const samples = [];
  for (let t = 0; t <= last; t += minute) samples.push({ t, v: failed.filter((at) => at <= t).length });
  return [{ labels: { __name__: "requests_total", route: "night", code: "500" }, samples }];
}

const file = generateRuleFile([], [], { amp: false, delay: 0 }, [
  { probe, total: slo.sli.total, counted: slo.sli.counted.expr },
]);

let server: TestServer;
beforeAll(async () => {
  server = await startServerForTests()(minute);
  await server.write([...input(), ...night()]);
  const recordings = file.groups.flatMap(({ rules }) =>
    rules.flatMap((rule) => (rule.kind === "record" ? [{ limit: 0, rule }] : [])),
  );
  await evaluateRules(recordings, server, {
    interval: minute,
    last,
    wanted: new Set(),
    externalLabels: {},
    externalUrl: "",
  });
}, 120_000);
afterAll(() => server?.stop());

/** The queries of one variant as a target that has its names is asked. */
function variant(which: "recorded" | "raw") {
  const [recorded, raw] = probe.variants;
  const chosen = which === "recorded" ? recorded : raw;
  const names = Object.fromEntries(
    Object.entries(probe.aliases).map(([alias, choice]) => [alias, choice.names[0] ?? ""]),
  );
  return {
    query: replaceAliases(chosen?.query ?? "", names),
    guard: replaceGuardAliases(chosen?.guard ?? { kind: "none" }, names),
    budget: replaceAliases(chosen?.budget ?? "", names),
  };
}

/** The verdicts at `end` of a Sonde that has been there since the trouble began. */
async function verdictsAt(which: "recorded" | "raw", end: number): Promise<Map<string, Verdict>> {
  const { query, guard } = variant(which);
  const selectors = guardSelectors(guard);
  const window = { start: trouble, end, step: minute, continues: true, gap: false };
  const { data: series } = await server.client.queryRange({ query, ...window });
  const { data: seen } = await server.client.queryRange({ query: freshnessQuery(selectors), ...window });
  const newest = readFreshness(selectors, seen);
  const before = {
    query,
    evaluatedTo: trouble - minute,
    series: {},
    blindRounds: 0,
    blindSince: null,
    everFresh: true,
  };
  const answer = { kind: "answered", query, guard, window, series, newest } as const;
  const { verdicts } = evaluateProbe(probe, "t", answer, before, end);
  return new Map(verdicts.map((verdict) => [verdict.labels.route ?? "", verdict]));
}

const statuses = (verdicts: ReadonlyMap<string, Verdict>) =>
  Object.fromEntries([...verdicts].map(([route, { status }]) => [route, status]));

describe.each(["raw", "recorded"] as const)("the %s variant of an SLO", (which) => {
  it("pages for what burns fast, within five minutes of 5 %% failing", async () => {
    expect(statuses(await verdictsAt(which, trouble + 3 * minute))).toMatchObject({
      outage: "ok",
      slow: "ok",
    });
    expect(statuses(await verdictsAt(which, trouble + 5 * minute))).toMatchObject({
      steady: "ok",
      outage: "fail",
      slow: "ok",
    });
  });

  it("warns of what burns slowly, and pages nobody for it", async () => {
    const verdicts = await verdictsAt(which, last);
    expect(statuses(verdicts)).toMatchObject({ steady: "ok", outage: "fail", slow: "warn" });
    expect(verdicts.get("slow")?.since).toBeGreaterThan(trouble + 4 * hour);
    expect(verdicts.get("slow")?.since).toBeLessThan(trouble + 5 * hour);
  });

  it("does neither for three failed requests in a quiet night", async () => {
    for (const after of [15, 30, 45, 60, 90, 240].map((minutes) => minutes * minute))
      expect(["ok", "unknown"]).toContain((await verdictsAt(which, trouble + after)).get("night")?.status);
    expect((await verdictsAt(which, trouble + 45 * minute)).get("night")?.reason).toMatch(
      /fewer than minimumEvents: 100/,
    );
  });
});

it("without minimumEvents the three requests would page", async () => {
  const { query, guard } = variant("raw");
  const end = trouble + 42 * minute;
  const window = { start: end, end, step: minute, continues: false, gap: false };
  const { data: series } = await server.client.queryRange({ query, ...window });
  const newest = new Map([["requests_total", new Map([[end, end]])]]);
  const bare = anSlo({ period: "7d" });
  const { verdicts } = evaluateProbe(
    bare,
    "t",
    { kind: "answered", query, guard, window, series, newest },
    undefined,
    end,
  );
  expect(verdicts.find(({ labels }) => labels.route === "night")?.status).toBe("fail");
});

describe("what the rules record", () => {
  it("says the same as what they read, to the minute where windows are up to an hour", async () => {
    for (const end of [trouble + 20 * minute, trouble + 2.5 * hour, last]) {
      const [raw, recorded] = [await verdictsAt("raw", end), await verdictsAt("recorded", end)];
      expect(statuses(recorded)).toEqual(statuses(raw));
      expect(recorded.get("outage")?.since).toBe(raw.get("outage")?.since);
      for (const route of ["outage", "slow"]) {
        const [a, b] = [raw.get(route)?.value ?? 0, recorded.get(route)?.value ?? 0];
        expect(Math.abs(a - b)).toBeLessThan(0.02 * a + 0.02);
      }
    }
    const since = [await verdictsAt("raw", last), await verdictsAt("recorded", last)].map(
      (verdicts) => verdicts.get("slow")?.since ?? 0,
    );
    expect(Math.abs((since[0] ?? 0) - (since[1] ?? 0))).toBeLessThanOrEqual(10 * minute);
  });

  it("is taken for complete only once it reaches back over the longest window", async () => {
    const at = async (t: number) =>
      (await server.client.queryInstant({ query: `${slo.record}:ready`, at: t })).data;
    expect(await at(18 * hour - minute)).toEqual([]);
    expect(await at(18 * hour + 5 * minute)).toHaveLength(1);
  });

  it("gives the same error budget", async () => {
    const left = async (which: "recorded" | "raw") => {
      const { query, budget } = variant(which);
      const window = { start: last, end: last, step: minute };
      const { data } = await server.client.queryRange({ query: budget, ...window });
      return readBudget(slo, data, absentIsNone(slo, query), last);
    };
    const [raw, recorded] = [await left("raw"), await left("recorded")];
    const route = (name: string) => JSON.stringify([["route", name]]);
    // Six hours at 5 % of 25 hours of requests: 1.2 % of them, where 0.1 % are allowed.
    expect(raw[route("outage")]).toBeCloseTo(1 - (0.05 * 6) / 25 / 0.001, 0);
    for (const name of ["steady", "outage", "slow"]) {
      const [a, b] = [1 - (raw[route(name)] ?? 9), 1 - (recorded[route(name)] ?? -9)];
      expect(Math.abs(a - b)).toBeLessThanOrEqual(0.02 * a);
    }
  });
});

/** promtool's notation for the same input: a counter that grows by `calm` a minute, then by `trouble`. */
function notation(calm: number, grow: number): string {
  const steps = trouble / minute;
  return `0+${calm}x${steps} ${calm * steps + grow}+${grow}x${(last - trouble) / minute}`;
}

describe("the generated rules", () => {
  it("fire in Prometheus when Sonde does", async () => {
    const verdicts = await verdictsAt("recorded", last);
    const input_series = Object.entries(routes).flatMap(([route, flow]) => [
      {
        series: `requests_total{route="${route}",code="200"}`,
        values: notation(flow.calm[1] - flow.calm[0], flow.trouble[1] - flow.trouble[0]),
      },
      {
        series: `requests_total{route="${route}",code="500"}`,
        values: notation(flow.calm[0], flow.trouble[0]),
      },
    ]);
    const alert = (route: string, severity: string) => ({
      exp_labels: { route, severity, probe: "gateway-errors" },
      exp_annotations: { summary: `${route} burns` },
    });
    const [paged, ticketed] = [verdicts.get("outage")?.since ?? 0, verdicts.get("slow")?.since ?? 0];
    expect(ticketed).toBeGreaterThan(paged);
    const ask = (t: number, exp_alerts: readonly object[]) => ({
      eval_time: formatDuration(t),
      alertname: "GatewayErrors",
      exp_alerts,
    });
    const outage = [alert("outage", "critical"), alert("outage", "warning")];
    const run = await runPromtool(
      {
        "rules.yml": renderRuleFile(file),
        "test.yml": {
          rule_files: ["rules.yml"],
          evaluation_interval: "1m",
          tests: [
            {
              interval: "1m",
              input_series,
              alert_rule_test: [
                ask(paged - minute, []),
                ask(paged, [alert("outage", "critical")]),
                ask(ticketed - minute, outage),
                ask(ticketed, [...outage, alert("slow", "warning")]),
                ask(last, [...outage, alert("slow", "warning")]),
              ],
            },
          ],
        },
      },
      ["test", "rules", "test.yml"],
    );
    expect(run).toEqual({ code: 0, output: expect.stringContaining("SUCCESS") });
  }, 180_000);
});
