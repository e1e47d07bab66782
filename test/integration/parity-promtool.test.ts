import fc from "fast-check";
import pLimit from "p-limit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { formatLabels } from "../../cli/rule-test/compare.ts";
import type { TestServer } from "../../cli/rule-test/test-server.ts";
import { planWindow } from "../../shared/domain/detection.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import { evaluateProbe } from "../../shared/domain/evaluate.ts";
import type { Level, Probe } from "../../shared/domain/probe.ts";
import type { Labels } from "../../shared/domain/series.ts";
import {
  emptyTargetState,
  formatTargetState,
  type ProbeState,
  parseTargetState,
} from "../../shared/domain/state.ts";
import {
  alertName,
  inputSeries,
  type ParityCase,
  parityCase,
  probesAndRules,
  type Rhythm,
  writtenSeries,
} from "../support/parity-case.ts";
import { runPromtool } from "../support/promtool.ts";
import { startServerForTests } from "../support/test-server.ts";

/** promtool's time begins at 0. Here it does so a good while on, so that there is a time before it. */
const origin = 1008 * 86_400_000;

const rhythms: readonly (Rhythm & { readonly cases: number })[] = [
  { scrape: 15_000, evaluate: 30_000, evaluations: 32, cases: 70 },
  { scrape: 60_000, evaluate: 60_000, evaluations: 28, cases: 70 },
  { scrape: 10_000, evaluate: 7_000, evaluations: 40, cases: 40 },
  { scrape: 30_000, evaluate: 180_000, evaluations: 20, cases: 40 },
];

/** An alert as both sides can show it. */
interface Alert {
  readonly alertname: string;
  readonly labels: Labels;
  readonly state: "pending" | "firing";
  /** Since the start of the test. */
  readonly activeAt: number;
  readonly atLeast: boolean;
}

let server: TestServer;
beforeAll(async () => {
  server = await startServerForTests()(60_000);
});
afterAll(() => server?.stop());

const limit = pLimit(8);

/** One round: what is due is asked for and folded; null where nothing is due. */
async function runRound(
  probe: Probe,
  state: ProbeState | undefined,
  now: number,
): Promise<ProbeState | null> {
  const window = planWindow(probe, state, now);
  if (!window) return null;
  const query = probe.variants[0]?.query ?? "";
  const { data: series } = await limit(() => server.client.queryRange({ query, ...window }));
  // A look back that finds absence from before the test began knows more than promtool's Prometheus does.
  if (!state && series.some(({ samples }) => samples.some(({ t }) => t < origin))) return null;
  const guard = { kind: "none" } as const;
  const answer = { kind: "answered", query, guard, window, series, newest: new Map() } as const;
  return throughStore(evaluateProbe(probe, "t", answer, state, now).state);
}

/** The state of a Sonde that was there all the time and begins to see with the test's first evaluation. */
function stateBefore(probe: Probe): ProbeState {
  const query = probe.variants[0]?.query ?? "";
  const evaluatedTo = origin - probe.step;
  return { query, evaluatedTo, series: {}, blindRounds: 0, blindSince: null, everFresh: false };
}

/** State lives as JSON between rounds. */
function throughStore(state: ProbeState): ProbeState {
  const stored = { ...emptyTargetState("t"), probes: { p: state } };
  return parseTargetState("t", formatTargetState(stored)).probes.p ?? state;
}

function alertsOf(probe: Probe, state: ProbeState): Alert[] {
  return Object.values(state.series).flatMap(({ labels, levels }) =>
    probe.levels.flatMap((level: Level) => {
      const found = levels[level.level];
      if (!found) return [];
      const activeAt = found.activeAt - origin;
      return [
        { alertname: alertName(probe, level), labels, state: found.state, activeAt, atLeast: found.atLeast },
      ];
    }),
  );
}

function show(alerts: readonly Alert[]): string[] {
  return alerts
    .map(
      ({ alertname, labels, state, activeAt }) => `${alertname}${formatLabels(labels)} ${state} ${activeAt}`,
    )
    .sort();
}

interface Evaluated {
  /** By number of the evaluation, from rounds at every one of them. */
  readonly always: readonly (readonly Alert[])[];
  /** Where other schedules of rounds came to another answer. */
  readonly disagreements: readonly string[];
}

async function evaluateCase(one: ParityCase, metric: string, rhythm: Rhythm): Promise<Evaluated> {
  const always: Alert[][] = Array.from({ length: rhythm.evaluations }, () => []);
  const disagreements: string[] = [];
  for (const { probe } of probesAndRules(one, metric, rhythm)) {
    let state = stateBefore(probe);
    let sparse = stateBefore(probe);
    for (let at = 0; at < rhythm.evaluations; at++) {
      const now = origin + at * rhythm.evaluate;
      state = (await runRound(probe, state, now)) ?? state;
      const truth = alertsOf(probe, state);
      always[at]?.push(...truth);
      if (one.missed.includes(at)) continue;
      sparse = (await runRound(probe, sparse, now)) ?? sparse;
      const caughtUp = alertsOf(probe, sparse);
      if (show(caughtUp).join() !== show(truth).join())
        disagreements.push(`after missed rounds, at ${at}: ${show(caughtUp)} instead of ${show(truth)}`);
    }
    for (const at of [rhythm.evaluations - 1, Math.floor(rhythm.evaluations / 2)]) {
      const alone = await runRound(probe, undefined, origin + at * rhythm.evaluate);
      if (!alone) continue;
      const truth = (always[at] ?? []).filter(({ alertname }) => alertname.startsWith(probe.id));
      disagreements.push(
        ...statelessFaults(alertsOf(probe, alone), truth).map((what) => `from nothing, at ${at}: ${what}`),
      );
    }
  }
  return { always, disagreements };
}

/** Without state the same alerts are there; where a window was too short, they are at least as old as it says. */
function statelessFaults(alone: readonly Alert[], truth: readonly Alert[]): string[] {
  const bare = (alerts: readonly Alert[]) => show(alerts.map((alert) => ({ ...alert, activeAt: 0 }))).join();
  if (bare(alone) !== bare(truth)) return [`${show(alone)} instead of ${show(truth)}`];
  return alone.flatMap((alert) => {
    const real = truth.find((other) => bare([other]) === bare([alert]));
    const right =
      real && (alert.atLeast ? real.activeAt <= alert.activeAt : real.activeAt === alert.activeAt);
    return right ? [] : [`${show([alert])} instead of ${show(real ? [real] : [])}`];
  });
}

/** The cases as a promtool test that expects, at every evaluation, the alerts that Sonde found. */
function promtoolFiles(
  cases: readonly ParityCase[],
  metrics: readonly string[],
  evaluated: readonly Evaluated[],
  rhythm: Rhythm,
) {
  const rules = cases.flatMap((one, index) =>
    probesAndRules(one, metrics[index] ?? "", rhythm).flatMap((both) => both.rules),
  );
  const expressions = evaluated.flatMap(({ always }, index) =>
    always.flatMap((alerts, at) => {
      const eval_time = formatDuration(at * rhythm.evaluate);
      const selector = `{case="${metrics[index]}"}`;
      const labelsOf = ({ alertname, labels }: Alert) => ({
        ...labels,
        alertname,
        case: metrics[index] ?? "",
      });
      return [
        {
          expr: `ALERTS${selector}`,
          eval_time,
          exp_samples: alerts.map((alert) => ({
            labels: formatLabels({ ...labelsOf(alert), __name__: "ALERTS", alertstate: alert.state }),
            value: 1,
          })),
        },
        {
          expr: `ALERTS_FOR_STATE${selector}`,
          eval_time,
          exp_samples: alerts.map((alert) => ({
            labels: formatLabels({ ...labelsOf(alert), __name__: "ALERTS_FOR_STATE" }),
            value: alert.activeAt / 1000,
          })),
        },
      ];
    }),
  );
  return {
    "rules.yml": { groups: [{ name: "parity", rules }] },
    "test.yml": {
      rule_files: ["rules.yml"],
      evaluation_interval: formatDuration(rhythm.evaluate),
      tests: [
        {
          interval: formatDuration(rhythm.scrape),
          input_series: cases.flatMap((one, index) => inputSeries(one, metrics[index] ?? "")),
          promql_expr_test: expressions,
        },
      ],
    },
  };
}

interface Fault {
  readonly index: number;
  readonly what: string;
}

let written = 0;

/** Evaluates cases here and in promtool and answers where they differ. */
async function compare(
  cases: readonly ParityCase[],
  rhythm: Rhythm,
): Promise<{ faults: Fault[]; files: unknown; alerts: number }> {
  const metrics = cases.map(() => `m${written++}x`);
  await server.write(cases.flatMap((one, index) => writtenSeries(one, metrics[index] ?? "", rhythm, origin)));
  const evaluated = await Promise.all(
    cases.map((one, index) => evaluateCase(one, metrics[index] ?? "", rhythm)),
  );
  const files = promtoolFiles(cases, metrics, evaluated, rhythm);
  const { output } = await runPromtool(files, ["test", "rules", "test.yml"]);
  const own = evaluated.flatMap(({ disagreements }, index) => disagreements.map((what) => ({ index, what })));
  const theirs = [...output.matchAll(/expr: ".*case=\\"(m\d+x)\\".*\n.*\n.*/g)].map(
    ([what, metric = ""]) => ({
      index: metrics.indexOf(metric),
      what,
    }),
  );
  const unknown =
    own.length + theirs.length > 0 || output.includes("SUCCESS")
      ? []
      : [{ index: -1, what: output.slice(0, 2000) }];
  const alerts = evaluated.reduce((sum, { always }) => sum + always.flat().length, 0);
  return { faults: [...own, ...theirs, ...unknown], files, alerts };
}

describe("detection, beside promtool", () => {
  it.each(rhythms)(
    "fires when Prometheus fires, since the same time: $cases cases, scraped every $scrape ms, evaluated every $evaluate ms",
    async (rhythm) => {
      const seed = Number(process.env.SONDE_PARITY_SEED ?? Math.floor(Math.random() * 2 ** 31));
      const cases = fc.sample(parityCase(rhythm), { seed, numRuns: rhythm.cases });
      const { faults, alerts } = await compare(cases, rhythm);
      if (faults.length > 0) await explain(rhythm, seed, faults);
      expect(faults).toEqual([]);
      // Cases in which nothing ever fires would prove nothing.
      expect(alerts).toBeGreaterThan(rhythm.cases * 3);
    },
    120_000,
  );
});

/** Shrinks the first case that differs and prints it as a promtool test. */
async function explain(rhythm: Rhythm, seed: number, faults: readonly Fault[]): Promise<void> {
  const first = Math.min(...faults.map(({ index }) => index));
  const shrunk = await fc.check(
    fc.asyncProperty(parityCase(rhythm), async (one) => (await compare([one], rhythm)).faults.length === 0),
    { seed, path: String(Math.max(0, first)), endOnFailure: false, interruptAfterTimeLimit: 30_000 },
  );
  const [smallest] = shrunk.counterexample ?? [];
  if (!smallest) return;
  const { faults: left, files } = await compare([smallest], rhythm);
  console.error(`SONDE_PARITY_SEED=${seed}`, JSON.stringify(smallest), ...left.map(({ what }) => what));
  console.error(JSON.stringify(files, null, 1));
}
