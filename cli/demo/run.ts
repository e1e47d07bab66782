import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

import { buildSlack } from "../../shared/adapters/slack.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import type { CompiledConfig } from "../../shared/domain/probe.ts";
import { summarize } from "../../shared/domain/summary.ts";
import { loadConfigFile } from "../config-file.ts";
import type { CliDeps } from "../deps.ts";
import { followSchedule } from "../local/follow.ts";
import { buildLocalAlerts } from "../local/local-alerts.ts";
import { startAnswers } from "../local/local-answers.ts";
import { buildLocalRounds, type LocalRounds } from "../local/local-rounds.ts";
import { onlySlack } from "../local/only-slack.ts";
import { renderSlackPreview } from "../output/slack-preview.ts";
import { paint } from "../output/style.ts";
import { renderVerdicts } from "../output/verdict-table.ts";
import { addHistory } from "../probe/history.ts";
import { checkOne, summaryLine } from "../probe/run.ts";
import { stageTopic } from "../stage/alerting.ts";
import { type SlackStage, stageInstallation, startSlack } from "../stage/slack.ts";
import { type Stage, startStage } from "../stage/stage.ts";
import { readState } from "../status/read.ts";
import { renderLife } from "../status/render.ts";
import { demoConfig, demoTarget } from "./config.ts";
import { type StandIns, startStandIns } from "./stand-ins.ts";
import { runDemoTransactions } from "./transactions.ts";

const minute = 60_000;
/** Long enough to begin before anything goes wrong, so that every incident is seen from its first minute. */
const replayed = 45 * minute;
const token = "xoxb-stage-token";
const channels = ["#llm-oncall", "#llm-ops"];
/** The probe whose incident is answered, and told from its first minute on. */
const heat = "gpu-temperature";

/** `sonde demo`: the stage, the last minutes replayed through the functions, and what came of it. */
export async function runDemo({ keep }: { readonly keep: boolean }, deps: CliDeps): Promise<void> {
  const started = deps.now();
  const progress = (line: string) => deps.err(paint(deps.style, "dim", `· ${line}`));
  const title = (text: string) => deps.out(`\n${paint(deps.style, ["bold", "underline"], text)}`);
  const directory = join(deps.cwd, ".sonde", "demo");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const stops: (() => Promise<void>)[] = [];
  try {
    const stage = await startStage({
      cacheDir: deps.cacheDir,
      env: deps.env,
      progress,
      now: deps.now,
      alertsOf: demoTarget,
      signal: deps.interrupted,
    });
    stops.push(stage.stop);
    const slack = await startSlack({ token, channels, now: deps.now });
    stops.push(slack.stop);
    const standIns = await startStandIns(deps.now);
    stops.push(standIns.stop);
    const configFile = join(directory, "sonde.yaml");
    const places = { prometheus: stage.prometheusUrl, urls: standIns.urls, drills: stage.alerting !== null };
    await writeFile(configFile, demoConfig(places));
    const { compiled } = loadConfigFile(configFile);
    const rounds = buildLocalRounds(
      {
        config: compiled,
        stateDir: join(directory, "state"),
        notify: onlySlack(buildSlack({ token, baseUrl: slack.url }), compiled.slack),
      },
      deps,
    );
    stage.alerting?.subscribe(buildLocalAlerts(stageTopic, compiled, rounds, deps));
    title("What happens on the stage");
    for (const line of tellStory(stage, standIns)) deps.out(line);
    await replay(rounds, stage.now, progress, deps.interrupted);

    title("What the probes say now  (sonde probe)");
    for (const line of await tellProbes(compiled, stage, deps)) deps.out(line);

    title("What the synthetic transactions say  (sonde transact)");
    for (const line of await runDemoTransactions(compiled, rounds, standIns.env, deps)) deps.out(line);

    title("Somebody answers");
    for (const line of await answerInSlack(slack, compiled, rounds, deps)) deps.out(line);

    title("What Slack shows");
    deps.out(renderSlackPreview(slack.messages(), deps.style));
    await writeFile(join(directory, "slack.json"), `${JSON.stringify(slack.messages(), null, 2)}\n`);

    title("The life of an incident  (sonde status ID)");
    for (const line of await tellLife(rounds, deps)) deps.out(line);

    title("Where things are, and what to try next");
    for (const line of nextSteps(relative(deps.cwd, directory), keep, standIns.env)) deps.out(line);
    progress(`done in ${formatDuration(Math.round((deps.now() - started) / 1000) * 1000)}`);
    if (keep) {
      deps.out(
        `\nThe stage stays up: Prometheus at ${stage.prometheusUrl}. A round a minute; Ctrl-C ends all.`,
      );
      // The replay has run this minute's round already.
      await deps.sleep(minute - (deps.now() % minute));
      await followSchedule(rounds, deps);
    }
  } finally {
    for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
  }
}

async function tellProbes(config: CompiledConfig, stage: Stage, deps: CliDeps): Promise<string[]> {
  const begun = deps.now();
  const [target] = config.targets;
  if (!target) throw new Error("the demo's config has no target");
  const check = await checkOne(target, config.probes, stage.now, deps);
  const verdicts = await addHistory([check], [target], stage.now, deps);
  return [
    ...renderVerdicts(verdicts, { ...deps.style, healthy: "names" }),
    "",
    summaryLine(summarize(verdicts, check.asked.queries, deps.now() - begun)),
  ];
}

function tellStory(stage: Stage, { story }: StandIns): string[] {
  const events = stage.storyline.map(({ from, to, what }) => {
    const ago = `${formatDuration(Math.round((stage.now - from) / minute) * minute)} ago`;
    return `  ${ago.padStart(12)}  ${what}${to !== null && to < stage.now ? " (over)" : ""}`;
  });
  return [...events, `  ${"now".padStart(12)}  ${story}`];
}

/** Runs the rounds that a schedule would have run, a minute apart, as fast as they go. */
async function replay(
  rounds: LocalRounds,
  end: number,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let now = end - replayed; now <= end; now += minute) {
    signal.throwIfAborted();
    await rounds.run(now);
    const left = (end - now) / minute;
    if (left % 15 === 0) progress(left === 0 ? "replayed to now" : `replaying: ${left} minutes to go`);
  }
}

/** Two clicks, as Slack sends them: one on a button of the incident on call, one on a warning's. */
async function answerInSlack(
  slack: SlackStage,
  { slack: access }: CompiledConfig,
  rounds: LocalRounds,
  deps: CliDeps,
): Promise<string[]> {
  if (!access) return [];
  const answers = await startAnswers(access, stageInstallation.signingSecret, rounds, deps);
  const person = { id: "U0STAGE01", name: "on-call", teamId: stageInstallation.teamId };
  const click = async (channel: string, about: string, actionId: string, says: string) => {
    const message = slack
      .messages()
      .find((one) => one.channel === channel && one.threadTs === null && JSON.stringify(one).includes(about));
    if (!message) return `  ${channel}: no message about ${about}`;
    const status = await slack.click({ ts: message.ts, actionId, person, url: answers.url });
    return `  ${channel}: on-call ${says} (answered ${status})`;
  };
  try {
    return [
      await click("#llm-oncall", heat, "sonde-acknowledge", "acknowledges the hot GPU"),
      await click("#llm-ops", "vllm-kv-cache", "sonde-silence-1h", "silences the full KV cache for an hour"),
    ];
  } finally {
    await answers.stop();
  }
}

async function tellLife({ store }: LocalRounds, deps: CliDeps): Promise<string[]> {
  const { incidents } = await readState(store);
  const longest = incidents.find(({ probe }) => probe === heat);
  return longest ? renderLife(longest, deps.now(), deps.style) : [];
}

function nextSteps(directory: string, keep: boolean, env: StandIns["env"]): string[] {
  const config = join(directory, "sonde.yaml");
  const state = join(directory, "state");
  return [
    `  ${config.padEnd(34)} the config that ran: change a threshold and run it again`,
    `  ${join(directory, "state").padEnd(34)} what Sonde remembers: incidents and messages, as it stands in S3`,
    `  ${join(directory, "slack.json").padEnd(34)} the messages, as Slack received them`,
    "",
    ...(keep
      ? [
          `  In another terminal: npx sonde probe --config ${config}`,
          `  and: ${Object.entries(env)
            .map(([name, value]) => `${name}=${value}`)
            .join(" ")} npx sonde transact --config ${config}`,
        ]
      : ["  npm run demo -- --keep             the same, and the stage stays up for play"]),
    `  npx sonde status --state ${state}    incidents and silences as Sonde remembers them`,
    "  npx sonde init --target URL        look at a Prometheus of your own and write its sonde.yaml",
  ];
}
