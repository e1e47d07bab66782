import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { type CliDeps, realDeps } from "../cli/deps.ts";
import { followSchedule } from "../cli/local/follow.ts";
import { buildLocalRounds } from "../cli/local/local-rounds.ts";
import { onlySlack } from "../cli/local/only-slack.ts";
import { findPrometheus } from "../cli/stage/find-prometheus.ts";
import { startPrometheus } from "../cli/stage/prometheus.ts";
import { startSlack } from "../cli/stage/slack.ts";
import { buildSlack } from "../shared/adapters/slack.ts";
import { compileConfig } from "../shared/domain/compile.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";
import { startAlertmanager } from "../test/support/real-alertmanager.ts";
import {
  alertmanagerConfig,
  type Candidate,
  evaluateEvery,
  type Injection,
  injectionRules,
  planInjections,
  rulerOffset,
  scrapeEvery,
  startInjector,
  waitFor,
} from "./detection-scene.ts";
import { type Delays, delaysOf, newTold, note, startReceiver, type Told } from "./detection-told.ts";

const second = 1_000;
const injectionCount = 48;
/** Enough to choose from, so that scrapes are spread evenly over their interval. */
const candidateCount = 192;
/** Before the first breach: rules evaluated, rounds run. */
const settleFor = 35 * second;
/** Longer than the slowest system takes to fire: scrape, offset, evaluation, `for`. */
const holdFor = 150 * second;
/** Alertmanager's default group_interval, in which a recovery waits, and the way there. */
const giveUpAfter = 8 * 60 * second;
const channel = "#bench";
const token = "xoxb-bench";
const now = () => Date.now();

type Stop = () => Promise<void>;

/** How long from a breach until somebody is told, beyond `for`: Sonde beside Prometheus with Alertmanager. */
export async function benchDetection(): Promise<void> {
  const stops: Stop[] = [];
  try {
    const directory = await mkdtemp(join(tmpdir(), "sonde-bench-"));
    stops.push(() => rm(directory, { recursive: true, force: true }));
    const injector = await startInjector(candidateCount, now);
    stops.push(injector.stop);
    const theirs = {
      default: await startTheirs({}, stops),
      tuned: await startTheirs({ group_wait: "0s", group_interval: "1s" }, stops),
    };
    const ruleFile = join(directory, "rules.json");
    await writeFile(ruleFile, injectionRules());
    const binaries = await findPrometheus({
      cacheDir: join(homedir(), ".cache", "sonde"),
      env: process.env,
      progress: (line) => console.error(line),
      allowInstall: true,
    });
    const prometheus = await startPrometheus({
      binaries,
      dataDir: join(directory, "data"),
      scrape: injector.scrape,
      ruleFiles: [ruleFile],
      alertmanager: [theirs.default.address, theirs.tuned.address],
    });
    stops.push(prometheus.stop);
    const injections = planInjections(await scraped(injector.candidates), {
      count: injectionCount,
      begin: now() + settleFor,
      holdMs: holdFor,
      random: Math.random,
    });
    injector.inject(injections);
    const start = (every: string, delay: string) =>
      startOurs(
        oursConfig(prometheus.url, every, delay),
        join(directory, `${every}-${delay}`),
        injections,
        stops,
      );
    const ours = {
      minute: await start("1m", "0s"),
      fast: await start("15s", "0s"),
      minuteDelayed: await start("1m", "30s"),
      fastDelayed: await start("15s", "30s"),
    };
    const systems: readonly System[] = [
      { name: "Alertmanager, default timings", told: theirs.default.plain },
      { name: "Alertmanager, group_wait 0s, group_interval 1s", told: theirs.tuned.plain },
      { name: "Sonde, every: 1m", told: ours.minute },
      { name: "Sonde, every: 15s", told: ours.fast },
    ];
    const delayed: readonly System[] = [
      { name: "Alertmanager, default timings", told: theirs.default.offset },
      { name: "Alertmanager, group_wait 0s, group_interval 1s", told: theirs.tuned.offset },
      { name: "Sonde, every: 1m, delay 30s", told: ours.minuteDelayed },
      { name: "Sonde, every: 15s, delay 30s", told: ours.fastDelayed },
    ];
    await untilTold(
      injections,
      systems.map(({ told }) => told.recovered).concat(delayed.map(({ told }) => told.firing)),
    );
    const timings = `scrape ${scrapeEvery} s, rules ${evaluateEvery} s`;
    print(`beyond \`for: ${waitFor}s\` (${timings})`, systems, injections, true);
    console.log(
      `bounds: every 1m 0.75 of default; every 15s 0.35 of default and 0.7 of tuned; medians of ${injectionCount}, fastest to slowest\n`,
    );
    print(`as on AMP: rules ${rulerOffset} s behind the clock, Sonde 30 s`, delayed, injections, false);
  } finally {
    for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
  }
}

/** The candidates, once every one has been scraped. */
async function scraped(candidates: () => Candidate[] | null): Promise<Candidate[]> {
  for (let waited = 0; waited < 3 * scrapeEvery; waited++) {
    await pause(second);
    const found = candidates();
    if (found) return found;
  }
  throw new Error("Prometheus does not scrape the bench's exporter");
}

interface System {
  readonly name: string;
  readonly told: Told;
}

/** An Alertmanager, and when it tells of either alert. */
async function startTheirs(timings: Readonly<Record<string, string>>, stops: Stop[]) {
  const [plain, offset] = [newTold(), newTold()];
  const receiver = await startReceiver({ Breach: plain, BreachOffset: offset }, now);
  stops.push(receiver.stop);
  const alertmanager = await startAlertmanager(alertmanagerConfig(receiver.url, timings));
  stops.push(alertmanager.stop);
  return { address: new URL(alertmanager.url).host, plain, offset };
}

function oursConfig(url: string, every: string, delay: string): CompiledConfig {
  const { compiled, faults } = compileConfig(
    {
      targets: [{ name: "bench", prometheus: url, delay }],
      probes: [
        {
          id: "breach",
          query: "bench_breach",
          fail: "> 0.5",
          for: `${waitFor}s`,
          every,
          summary: "{{ $labels.injection }} is bad",
        },
      ],
      // Each alone, as with Alertmanager; so many in a minute would else be told as one.
      incidents: { groupBy: ["injection"], stormAbove: 1_000 },
      notify: [{ slack: channel }],
    },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  if (faults.length > 0) throw new Error(faults[0]?.message);
  return compiled;
}

/** Rounds and messages as `sonde watch` has them, and when a Slack stand-in was told of each injection. */
async function startOurs(
  config: CompiledConfig,
  stateDir: string,
  injections: readonly Injection[],
  stops: Stop[],
): Promise<Told> {
  const told = newTold();
  const stand = await startSlack({ token, channels: [channel], now });
  const slack = buildSlack({ token, baseUrl: stand.url });
  const interrupt = new AbortController();
  const deps: CliDeps = {
    ...realDeps(),
    out: () => undefined,
    sleep: (ms) => pause(ms, undefined, { signal: interrupt.signal }).catch(() => undefined),
    interrupted: interrupt.signal,
  };
  const noting = <T>(message: object, sent: Promise<T>) =>
    sent.then((answer) => {
      note(told, injections, JSON.stringify(message), now());
      return answer;
    });
  const rounds = buildLocalRounds(
    {
      config,
      stateDir,
      notify: onlySlack({
        ...slack,
        post: (where, message, nonce) => noting(message, slack.post(where, message, nonce)),
        update: (place, message) => noting(message, slack.update(place, message)),
        reply: (place, message, ...rest) => noting(message, slack.reply(place, message, ...rest)),
      }),
    },
    deps,
  );
  const following = followSchedule(rounds, deps);
  stops.push(async () => {
    interrupt.abort();
    await following;
    await stand.stop();
  });
  return told;
}

/** Waits until all of these lists hold every injection, or for so long that the missing will not come. */
async function untilTold(
  injections: readonly Injection[],
  lists: readonly ReadonlyMap<string, number>[],
): Promise<void> {
  const begun = now();
  const last = Math.max(...injections.map(({ from }) => from)) + giveUpAfter;
  for (let nth = 1; now() < last; nth++) {
    await pause(second);
    const left = lists.filter((told) => told.size < injections.length).length;
    if (left === 0) return;
    if (nth % 60 === 0)
      console.error(`${Math.round((now() - begun) / second)} s: ${left} systems have yet to tell all`);
  }
}

/** A Markdown table: seconds, and how they compare with the first two systems. */
function print(
  title: string,
  systems: readonly System[],
  injections: readonly Injection[],
  recovery: boolean,
): void {
  const rows = systems.map(({ name, told }) => ({
    name,
    firing: delaysOf(injections, told.firing, ({ from }) => from + waitFor * second),
    recovered: recovery ? delaysOf(injections, told.recovered, ({ to }) => to) : null,
  }));
  const [standard, tuned] = rows.map(({ firing }) => firing.median);
  const shown = ({ median, min, max }: Delays) =>
    `${median.toFixed(1)} s (${min.toFixed(0)}–${max.toFixed(0)})`;
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const over = (median: number, base = Number.NaN) => (median / base).toFixed(2);
  console.log(
    [
      row([title, "told after", "of default", "of tuned", ...(recovery ? ["recovery told after"] : [])]),
      `|---|--:|--:|--:|${recovery ? "--:|" : ""}`,
      ...rows.map(({ name, firing, recovered }) =>
        row([
          name,
          shown(firing),
          over(firing.median, standard),
          over(firing.median, tuned),
          ...(recovered ? [shown(recovered)] : []),
        ]),
      ),
    ].join("\n"),
  );
}
