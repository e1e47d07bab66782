import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface WatchOptions {
  config: string;
  state: string;
}

export function registerWatch(program: Command, deps: CliDeps): void {
  program
    .command("watch")
    .description("run every schedule here, until Ctrl-C: a trial without AWS")
    .option("-c, --config <file>", "the config to run", "sonde.yaml")
    .option("--state <folder>", "where incidents are remembered between runs", ".sonde/state")
    .addHelpText(
      "after",
      `
The same code as in Lambda: a round a minute, and more where a probe's \`every\` is shorter. Messages go to
Slack where SONDE_SLACK holds a bot token, and are printed here otherwise.

Examples:
  sonde watch
  SONDE_SLACK=xoxb-… sonde watch --config trial.yaml`,
    )
    .action(async (options: WatchOptions) => {
      const { runWatch } = await import("../watch/run.ts");
      await runWatch(options, deps);
    });
}
