import { resolve } from "node:path";

import { buildSend } from "../../shared/adapters/http.ts";
import { buildOutlets } from "../../shared/adapters/outlets.ts";
import { buildSlack } from "../../shared/adapters/slack.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { CompiledConfig } from "../../shared/domain/probe.ts";
import { readSecretFromEnv } from "../client.ts";
import { loadConfigFile } from "../config-file.ts";
import type { CliDeps } from "../deps.ts";
import { followSchedule } from "../local/follow.ts";
import { buildLocalRounds, type LocalRounds } from "../local/local-rounds.ts";
import { buildTerminalSlack } from "../local/terminal-slack.ts";

export interface WatchRun {
  readonly config: string;
  readonly state: string;
}

/** One message a second and channel is Slack's pace. */
const paceMs = 1_100;

/** `sonde watch`: rounds and messages as deployed, on this machine. */
export async function runWatch(options: WatchRun, deps: CliDeps): Promise<void> {
  const { compiled, notes } = loadConfigFile(resolve(deps.cwd, options.config));
  for (const note of notes) deps.err(`note: ${note}`);
  if (compiled.targets.length === 0)
    throw new ConfigError(`${options.config} has no targets: add one, or run \`sonde init --target URL\``);
  const token = deps.env.SONDE_SLACK;
  const send = buildSend({ auth: { kind: "none" }, now: deps.now });
  const rounds = buildLocalRounds(
    {
      config: compiled,
      stateDir: resolve(deps.cwd, options.state),
      notify: {
        // Clicks go to what is deployed, which knows nothing of the messages of this machine.
        access: null,
        slack: token ? buildSlack({ token }) : buildTerminalSlack(deps),
        ...buildOutlets(async (secret) => readSecretFromEnv(secret, deps.env), send, deps.now),
        pace: () => deps.sleep(token ? paceMs : 0),
      },
    },
    deps,
  );
  // From here on an interruption ends the rounds, not the process.
  if (deps.interrupted.aborted) return;
  const where = token ? "to Slack" : "to this terminal (SONDE_SLACK is not set)";
  deps.err(`a round a minute and as probes are due, messages go ${where}; Ctrl-C ends`);
  await Promise.all([followSchedule(rounds, deps), watchTransactions(compiled, rounds, deps)]);
}

/** Drills come back to what is deployed, and not to this machine. */
async function watchTransactions(
  compiled: CompiledConfig,
  rounds: LocalRounds,
  deps: CliDeps,
): Promise<void> {
  const transactions = compiled.transactions.filter(({ kind }) => kind !== "alert-path");
  if (transactions.length < compiled.transactions.length)
    deps.err("note: drills of the alert path are left out here: sonde drill --state s3://BUCKET");
  if (transactions.length === 0) return;
  const config = { ...compiled, transactions };
  const { buildLocally, localTransactions } = await import("../local/local-transactions.ts");
  const { followTransactions } = await import("../local/follow-transactions.ts");
  const due = localTransactions(
    config,
    rounds,
    (transaction) => buildLocally(transaction, config, rounds, deps.env, deps),
    deps,
  );
  await followTransactions(due, deps);
}
