import type { Probe, Target } from "../../shared/domain/probe.ts";
import { PrometheusError } from "../../shared/domain/prometheus.ts";
import { compareAlerts, compareSamples, compareVerdicts, type Failure } from "./compare.ts";
import { type AlertsByTime, EvaluationError, evaluateRules, type LoadedRule } from "./evaluate-rules.ts";
import { runRounds } from "./probe-rounds.ts";
import { lastTime, samplesUntil, type UnitTest } from "./test-file.ts";
import type { StartServer, TestServer } from "./test-server.ts";

/** What all tests of a file share. */
export interface Subject {
  readonly rules: readonly LoadedRule[];
  readonly probes: readonly Probe[];
  readonly targets: readonly Target[];
  readonly evaluationInterval: number;
  readonly fuzzy: boolean;
}

/** Runs one test in a Prometheus of its own and answers what was not as expected. */
export async function runUnitTest(
  test: UnitTest,
  subject: Subject,
  startServer: StartServer,
): Promise<Failure[]> {
  const { evaluationInterval: interval } = subject;
  // promtool evaluates rules up to the last question and loads samples up to the last evaluation.
  const last = lastTime(test) - (lastTime(test) % interval);
  const server = await startServer(interval);
  try {
    await server.write(test.series.map((series) => samplesUntil(series, test.interval, last)));
    const wanted = new Set(test.alerts.map(({ at }) => at - (at % interval)));
    const alerts = await evaluateRules(subject.rules, server, { ...test, interval, last, wanted });
    return [
      ...checkAlerts(test, alerts, interval),
      ...(await checkExpressions(test, server, subject.fuzzy)),
      ...(await checkProbes(test, server, subject)),
    ];
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return [{ asked: error.message, difference: [] }];
  } finally {
    await server.stop();
  }
}

function checkAlerts(test: UnitTest, alerts: AlertsByTime, interval: number): Failure[] {
  return test.alerts.flatMap((entry) => {
    const found = alerts.get(entry.at - (entry.at % interval))?.get(entry.alertname) ?? [];
    return compareAlerts(entry, found) ?? [];
  });
}

async function checkExpressions(test: UnitTest, { client }: TestServer, fuzzy: boolean): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const entry of test.expressions) {
    try {
      const { data } = await client.queryInstant({ query: entry.expr, at: entry.at });
      const got = data.map(({ labels, sample }) => ({ labels, value: sample.v }));
      failures.push(...[compareSamples(entry, got, fuzzy) ?? []].flat());
    } catch (error) {
      if (!(error instanceof PrometheusError && error.kind === "bad-query")) throw error;
      failures.push({ asked: `expr: ${entry.expr}`, difference: [error.message] });
    }
  }
  return failures;
}

async function checkProbes(test: UnitTest, { client }: TestServer, subject: Subject): Promise<Failure[]> {
  const failures: Failure[] = [];
  const asked = Map.groupBy(test.probes, ({ probe, target }) => JSON.stringify([probe, target]));
  for (const entries of asked.values()) {
    const [first] = entries;
    const probe = subject.probes.find(({ id }) => id === first?.probe);
    if (!first || !probe) continue;
    const rounds = await runRounds(
      probe,
      targetOf(first.target, subject),
      client,
      entries.map(({ at }) => at),
    );
    failures.push(...entries.flatMap((entry) => compareVerdicts(entry, rounds.get(entry.at) ?? []) ?? []));
  }
  return failures;
}

/** The config's target by that name, as far as it matters here: the test's server has its data at once. */
function targetOf(name: string | null, { targets }: Subject): Target {
  const known = targets.find((target) => target.name === name) ?? targets[0];
  return { name: known?.name ?? "test", url: "", auth: { kind: "none" }, amp: false, delay: 0 };
}
