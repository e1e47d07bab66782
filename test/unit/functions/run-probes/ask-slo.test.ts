import { describe, expect, it } from "vitest";

import { checkTarget } from "../../../../functions/run-probes/check-target.ts";
import { settleNames } from "../../../../functions/run-probes/names.ts";
import type { Target } from "../../../../shared/domain/probe.ts";
import {
  type PrometheusClient,
  PrometheusError,
  type RangeQuery,
} from "../../../../shared/domain/prometheus.ts";
import { windowLabel } from "../../../../shared/domain/slo-query.ts";
import type { ProbeState } from "../../../../shared/domain/state.ts";
import { anSlo, type Flow, flowAnswer } from "../../../support/slo.ts";

const minute = 60_000;
const start = 1_700_000_100_000;
const target: Target = { name: "seoul", url: "", auth: { kind: "none" }, amp: false, delay: 0 };
const probe = anSlo();

function setUp(flow: Flow, change: { names?: readonly string[]; budget?: () => number } = {}) {
  const { names = [], budget = () => 0.0005 } = change;
  const sent: RangeQuery[] = [];
  let states: Readonly<Record<string, ProbeState>> = {};
  const unused = async () => {
    throw new Error("not asked in this test");
  };
  const client: PrometheusClient = {
    queryRange: async (query) => {
      sent.push(query);
      const times: number[] = [];
      for (let t = query.start; t <= query.end; t += query.step) times.push(t);
      if (query.query.includes("sonde_guard")) {
        const samples = times.map((t) => ({ t, v: t / 1000 }));
        return { data: [0, 1].map((n) => ({ labels: { sonde_guard: `${n}` }, samples })), notices: [] };
      }
      if (!query.query.includes("[30d]")) return { data: flowAnswer(probe.slo, times, flow), notices: [] };
      const spent = budget();
      const part = (what: string, v: number) => ({
        labels: { route: "chat", [windowLabel]: `30d ${what}` },
        samples: times.map((t) => ({ t, v })),
      });
      return { data: [part("total", 1), part("bad", spent)], notices: [] };
    },
    queryInstant: async ({ at }) => ({
      data: names.map((__name__) => ({ labels: { __name__ }, sample: { t: at, v: 1 } })),
      notices: [],
    }),
    listSeries: unused,
    listLabelValues: unused,
    listMetadata: unused,
    listRules: unused,
  };
  const round = async (minutes: number) => {
    const now = start + minutes * minute;
    const { resolved } = await settleNames([probe], { queryInstant: client.queryInstant, at: now, states });
    const check = await checkTarget(target, resolved, { client, now, states });
    states = check.probes;
    return check;
  };
  const recorded = Object.values(probe.aliases).flatMap((alias) => alias.names);
  return { sent, round, recorded };
}

const budgetQueries = (sent: readonly RangeQuery[]) => sent.filter(({ query }) => query.includes("[30d]"));

describe("a round of an SLO", () => {
  it("asks one query for all windows, one for freshness, and the budget once an hour", async () => {
    const { sent, round } = setUp({});
    expect((await round(0)).asked.queries).toBe(3);
    expect((await round(1)).asked.queries).toBe(2);
    for (let n = 2; n < 60; n++) await round(n);
    expect(budgetQueries(sent)).toHaveLength(1);
    expect((await round(60)).verdicts[0]?.budget).toEqual({
      left: 0.5,
      exhaustedIn: null,
      at: start + 60 * minute,
    });
    expect(budgetQueries(sent)).toHaveLength(2);
  });

  it("asks for the budget at one point in time, however much it catches up", async () => {
    const { sent, round } = setUp({});
    await round(0);
    await round(90);
    expect(budgetQueries(sent).map(({ start: from, end }) => end - from)).toEqual([0, 0]);
  });

  it("catches up ten minutes and no more: each point looks back over days by itself", async () => {
    const { sent, round } = setUp({});
    await round(0);
    await round(5);
    await round(300);
    const rounds = sent.filter(({ query }) => query.includes("[3d]"));
    expect(rounds.map(({ start: from, end }) => (end - from) / minute)).toEqual([0, 4, 10]);
  });

  it("goes on without the budget where that cannot be asked, and tries again after an hour", async () => {
    const { sent, round } = setUp(
      { bad: { "1h": 0.02, "5m": 0.02 } },
      {
        budget: () => {
          throw new PrometheusError("too-expensive", "too many samples");
        },
      },
    );
    const { verdicts } = await round(0);
    expect(verdicts).toMatchObject([{ status: "fail" }]);
    expect(verdicts[0]).not.toHaveProperty("budget");
    await round(1);
    expect(budgetQueries(sent)).toHaveLength(1);
    await round(60);
    expect(budgetQueries(sent)).toHaveLength(2);
  });

  it("asks what its rules record once all of it is there, and what it reads until then", async () => {
    const { recorded } = setUp({});
    const part = setUp({}, { names: recorded.slice(1) });
    expect((await part.round(0)).verdicts[0]?.query).toContain("rate(requests_total[3d])");
    const whole = setUp({}, { names: recorded });
    const [verdict] = (await whole.round(0)).verdicts;
    expect(verdict?.query).toContain(`${probe.slo.record}:total_3d`);
    expect(verdict?.query).not.toContain("requests_total");
    expect(budgetQueries(whole.sent)[0]?.query).toContain(`sum_over_time(${probe.slo.record}:bad_5m[30d])`);
  });

  it("is asked from what it reads while names cannot be looked up", async () => {
    const failing = async () => {
      throw new PrometheusError("timeout", "no answer");
    };
    const { resolved } = await settleNames([probe], { queryInstant: failing, at: start });
    expect(resolved).toMatchObject([
      { query: expect.stringContaining("requests_total"), budget: expect.anything() },
    ]);
  });
});

it("an SLO that cannot be asked names what it reads, and not what its rules would record", async () => {
  const ttft = anSlo({ latency: { histogram: "$ttft_bucket", under: 5 } });
  const aliases = {
    ...ttft.aliases,
    ttft_bucket: { kind: "metric", names: ["ttft_seconds_bucket"] },
  } as const;
  const { resolved } = await settleNames([{ ...ttft, aliases }], {
    queryInstant: async () => ({ data: [], notices: [] }),
    at: start,
  });
  expect(resolved).toMatchObject([{ missing: "not on this target: ttft_seconds_bucket" }]);
});
