import { describe, expect, it } from "vitest";

import { evaluateProbe, type ProbeAnswer } from "../../../../shared/domain/evaluate.ts";
import type { SloProbe } from "../../../../shared/domain/fold-slo.ts";
import { type Labels, type Series, seriesKey } from "../../../../shared/domain/series.ts";
import {
  type BudgetState,
  emptyTargetState,
  formatTargetState,
  type ProbeState,
  parseTargetState,
} from "../../../../shared/domain/state.ts";
import { anSlo, flowAnswer } from "../../../support/slo.ts";

const minute = 60_000;
const hour = 60 * minute;
const end = 1_700_000_100_000;
const chat = seriesKey({ route: "chat" });

type Answered = Extract<ProbeAnswer, { kind: "answered" }>;

function answered(
  probe: SloProbe,
  series: readonly Series[],
  change: Partial<Answered> & { readonly age?: number } = {},
): Answered {
  const { age = 0, ...rest } = change;
  const [, raw] = probe.variants;
  const window = { start: end, end, step: minute, continues: false, gap: false };
  return {
    kind: "answered",
    query: raw?.query ?? "",
    guard: { kind: "selector", selector: "requests_total" },
    window,
    series,
    newest: new Map([
      ["requests_total", new Map([[(rest.window ?? window).end, (rest.window ?? window).end - age]])],
    ]),
    ...rest,
  };
}

function look(probe: SloProbe, series: readonly Series[], change: Parameters<typeof answered>[2] = {}) {
  return evaluateProbe(probe, "seoul", answered(probe, series, change), undefined, end);
}

const burning = { all: 0.0001, bad: { "1h": 0.02, "5m": 0.03 } };

describe("the verdict of an SLO", () => {
  it("fails where both windows of a page pair burn too fast, and says how fast", () => {
    const probe = anSlo();
    const [verdict] = look(probe, flowAnswer(probe.slo, [end], burning)).verdicts;
    expect(verdict).toMatchObject({
      status: "fail",
      cause: "breach",
      unit: "x",
      threshold: "> 14.4",
      labels: { route: "chat" },
      since: end,
      reason: "99.9 % over 30d burns 20 × over 1h and 30 × over 5m (page above 14.4 ×)",
    });
    expect(verdict?.value).toBeCloseTo(20, 9);
  });

  it("warns where a ticket pair does", () => {
    const probe = anSlo();
    const slow = { all: 0.0001, bad: { "3d": 0.0015, "6h": 0.002 } };
    expect(look(probe, flowAnswer(probe.slo, [end], slow)).verdicts).toMatchObject([
      { status: "warn", value: 1.5, threshold: "> 1" },
    ]);
  });

  it.each([
    ["the long window alone", { "1h": 0.02 }],
    ["the short window alone", { "5m": 1 }],
    [
      "each pair at its limit exactly",
      { "1h": 0.0144, "5m": 0.0144, "6h": 0.006, "30m": 0.006, "1d": 0.003, "2h": 0.003 },
    ],
  ])("is ok where %s burns too fast", (_, bad) => {
    const probe = anSlo();
    expect(look(probe, flowAnswer(probe.slo, [end], { bad })).verdicts).toMatchObject([
      { status: "ok", cause: "within" },
    ]);
  });

  it("shows of what is well the pair that is nearest to its limit", () => {
    const probe = anSlo();
    const near = { all: 0.0002, bad: { "3d": 0.0009, "6h": 0.0009 } };
    expect(look(probe, flowAnswer(probe.slo, [end], near)).verdicts).toMatchObject([
      {
        status: "ok",
        threshold: "> 1",
        reason: expect.stringContaining("burns 0.9 × over 3d and 0.9 × over 6h (ticket above 1 ×)"),
      },
    ]);
  });

  it("is one for each series", () => {
    const probe = anSlo();
    const calm = flowAnswer(probe.slo, [end], { labels: { route: "models" } });
    const { verdicts } = look(probe, [...flowAnswer(probe.slo, [end], burning), ...calm]);
    expect(verdicts.map(({ status, labels }) => [labels.route, status]).sort()).toEqual([
      ["chat", "fail"],
      ["models", "ok"],
    ]);
  });

  it("pages nobody for three requests at night, and says why", () => {
    const probe = anSlo({ minimumEvents: 100 });
    // All of three requests an hour fail, and hardly any came before.
    const night = { all: 1, perSecond: 3 / 3600 };
    const wanted = { status: "ok", cause: "within" };
    const few = anSlo({ minimumEvents: 100, ticket: [] });
    expect(look(few, flowAnswer(few.slo, [end], night)).verdicts).toMatchObject([
      {
        ...wanted,
        threshold: "> 6",
        reason: expect.stringMatching(
          /burns 1000 × .*but 18 events in 6h are fewer than minimumEvents: 100$/,
        ),
      },
    ]);
    // 216 events in 3 days are enough for a ticket.
    expect(look(probe, flowAnswer(probe.slo, [end], night)).verdicts).toMatchObject([{ status: "warn" }]);
  });

  it("is unknown without traffic: 0/0", () => {
    const probe = anSlo();
    expect(look(probe, flowAnswer(probe.slo, [end], { perSecond: 0 })).verdicts).toMatchObject([
      { status: "unknown", cause: "idle", value: Number.NaN },
    ]);
  });

  it("is unknown on stale data, and where there is none", () => {
    const probe = anSlo();
    const series = flowAnswer(probe.slo, [end], burning);
    expect(look(probe, series, { age: 5 * minute }).verdicts).toMatchObject([
      { status: "unknown", cause: "stale" },
    ]);
    expect(look(probe, []).verdicts).toMatchObject([{ status: "unknown", cause: "no-data" }]);
  });

  it("is unknown where errors have labels that no events have, and the other series are judged", () => {
    const probe = anSlo();
    const lone = flowAnswer(probe.slo, [end], { labels: { code: "500" }, all: 1 }).filter(
      ({ labels }) => !labels.sonde_window?.endsWith("total"),
    );
    const { verdicts } = look(probe, [...lone, ...flowAnswer(probe.slo, [end], {})]);
    expect(verdicts).toMatchObject([
      { status: "ok", labels: { route: "chat" } },
      {
        status: "unknown",
        cause: "no-data",
        labels: { code: "500" },
        reason: expect.stringContaining("same labels"),
      },
    ]);
  });

  it("is unknown where no bucket ends at the threshold, and never a total outage", () => {
    const probe = anSlo({ latency: { histogram: "ttft_seconds", under: 3 } });
    const total = flowAnswer(probe.slo, [end], {}).filter(({ labels }) =>
      labels.sonde_window?.endsWith("total"),
    );
    expect(look(probe, total).verdicts).toMatchObject([
      { status: "unknown", cause: "no-data", reason: expect.stringContaining("no bucket that ends at 3") },
    ]);
  });

  it("is unknown where the bucket has gone from some windows: no pair is left out in silence", () => {
    const probe = anSlo({ latency: { histogram: "ttft_seconds", under: 3 } });
    const some = flowAnswer(probe.slo, [end], {}).filter(({ labels }) => labels.sonde_window !== "5m bad");
    expect(look(probe, some).verdicts).toMatchObject([{ status: "unknown", cause: "no-data" }]);
  });

  it("takes errors that nobody has counted for none", () => {
    const probe = anSlo();
    const total = flowAnswer(probe.slo, [end], {}).filter(({ labels }) =>
      labels.sonde_window?.endsWith("total"),
    );
    expect(look(probe, total).verdicts).toMatchObject([{ status: "ok", value: 0 }]);
  });

  it("is unknown where a rule records all events and not the bad ones", () => {
    const probe = anSlo();
    const total = flowAnswer(probe.slo, [end], {}).filter(({ labels }) =>
      labels.sonde_window?.endsWith("total"),
    );
    const query = `${probe.slo.record}:total_1h`;
    expect(look(probe, total, { query }).verdicts).toMatchObject([
      { status: "unknown", cause: "no-data", reason: expect.stringContaining("recording rule") },
    ]);
  });

  it("waits for `for`, and says until when", () => {
    const times = [0, 1, 2].map((n) => end - (2 - n) * minute);
    const probe = anSlo();
    const levels = probe.levels.map((level) => ({ ...level, for: 5 * minute }));
    const patient: SloProbe = { ...probe, levels };
    const window = { start: end - 2 * minute, end, step: minute, continues: false, gap: false };
    expect(look(patient, flowAnswer(probe.slo, times, burning), { window }).verdicts).toMatchObject([
      {
        status: "ok",
        cause: "pending",
        pending: "fail",
        reason: expect.stringContaining("for at least 2m, fails at 5m"),
      },
    ]);
  });
});

describe("an SLO's state", () => {
  const next = (state: ProbeState, series: (probe: SloProbe) => readonly Series[], age = 0) => {
    const probe = anSlo();
    const window = { start: end + minute, end: end + minute, step: minute, continues: true, gap: false };
    const answer = answered(probe, series(probe), { window, age });
    return evaluateProbe(probe, "seoul", answer, state, end + minute);
  };
  const probe = anSlo();
  const { state } = look(probe, flowAnswer(probe.slo, [end], burning));

  it("is each level of each series, and eases from page to ticket", () => {
    const slow = { all: 0.0001, bad: { "3d": 0.0015, "6h": 0.002 } };
    const both = { all: 0.0001, bad: { ...burning.bad, ...slow.bad } };
    const { state: two } = look(probe, flowAnswer(probe.slo, [end], both));
    expect(Object.keys(two.series[chat]?.levels ?? {}).sort()).toEqual(["fail", "warn"]);
    const eased = next(two, ({ slo }) => flowAnswer(slo, [end + minute], slow));
    expect(eased.verdicts).toMatchObject([{ status: "warn", since: end }]);
    expect(Object.keys(eased.state.series[chat]?.levels ?? {})).toEqual(["warn"]);
  });

  it("lets go of what burns no longer, and keeps what it can no longer see", () => {
    const calm = next(state, ({ slo }) => flowAnswer(slo, [end + minute], {}));
    expect([calm.verdicts[0]?.status, calm.state.series]).toEqual(["ok", {}]);
    const blind = next(state, () => [], 5 * minute);
    expect(blind.verdicts).toMatchObject([{ status: "fail", blind: true, since: end }]);
  });

  it("keeps what fires while its bad events cannot be told", () => {
    const latency = anSlo({ latency: { histogram: "ttft_seconds", under: 3 } });
    const slow = { bad: { "1h": 0.5, "5m": 0.5 } };
    const before = look(latency, flowAnswer(latency.slo, [end], slow)).state;
    const window = { start: end + minute, end: end + minute, step: minute, continues: true, gap: false };
    const total = flowAnswer(latency.slo, [end + minute], {}).filter(({ labels }) =>
      labels.sonde_window?.endsWith("total"),
    );
    const after = evaluateProbe(latency, "seoul", answered(latency, total, { window }), before, end + minute);
    expect(after.verdicts).toMatchObject([
      { status: "fail", blind: true, reason: expect.stringContaining("it was failing before") },
    ]);
    expect(after.state.series[chat]).toBeDefined();
  });

  it("from before there were budgets is still read", () => {
    const { budget: _, ...old } = state;
    const stored = formatTargetState({ ...emptyTargetState("seoul"), probes: { p: old } });
    expect(parseTargetState("state", stored).probes.p).toEqual(old);
  });
});

describe("the error budget in a verdict", () => {
  const probe = anSlo();
  const asked = (left: Readonly<Record<string, number>>, at = end): { budget: BudgetState } => ({
    budget: { at, left: { ...left } },
  });
  const series = flowAnswer(probe.slo, [end], burning);

  it("says what is left, and when it will be gone at the latest rate", () => {
    const { verdicts, state } = look(probe, series, asked({ [chat]: 0.63 }));
    expect(verdicts[0]?.reason).toMatch(
      /; 63 % of the budget left, gone in 15h7m at the rate of the last 5m$/,
    );
    expect(verdicts[0]?.budget).toEqual({ left: 0.63, exhaustedIn: 54_432_000, at: end });
    expect(state.budget).toEqual({ at: end, left: { [chat]: 0.63 } });
  });

  it("goes on burning between two questions", () => {
    const before: ProbeState = {
      ...look(probe, series).state,
      budget: { at: end - 36 * minute, left: { [chat]: 0.5 } },
    };
    const window = { start: end, end, step: minute, continues: true, gap: false };
    const [verdict] = evaluateProbe(
      probe,
      "seoul",
      answered(probe, series, { window }),
      before,
      end,
    ).verdicts;
    // 36 minutes at 20 × are a sixtieth of 30 days.
    expect(verdict?.budget?.left).toBeCloseTo(0.5 - 1 / 60, 9);
    expect(verdict?.budget?.at).toBe(end - 36 * minute);
  });

  it("says that it is overspent", () => {
    const [verdict] = look(probe, series, asked({ [chat]: -0.2 })).verdicts;
    expect(verdict?.reason).toMatch(/; the budget of 30d is overspent by 20 %$/);
    expect(verdict?.budget?.exhaustedIn).toBe(0);
  });

  it("makes no forecast while nothing burns too fast", () => {
    const [verdict] = look(
      probe,
      flowAnswer(probe.slo, [end], { all: 0.0002 }),
      asked({ [chat]: 0.9 }),
    ).verdicts;
    expect(verdict?.reason).toMatch(/; 90 % of the budget left$/);
    expect(verdict?.budget).toEqual({ left: 0.9, exhaustedIn: null, at: end });
  });

  it.each<[string, Labels]>([
    ["is not there for a series that it was not asked of", { route: "new" }],
    ["is not there where the target did not answer", {}],
  ])("%s", (_, labels) => {
    const [verdict] = look(probe, series, asked({ [seriesKey(labels)]: 0.5 }, end - hour)).verdicts;
    expect(verdict?.status).toBe("fail");
    expect(verdict).not.toHaveProperty("budget");
  });
});
