import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface DemoOptions {
  keep?: boolean;
}

export function registerDemo(program: Command, deps: CliDeps): void {
  program
    .command("demo")
    .description("the whole product on the local stage, from nothing, in one command")
    .option("--keep", "leave the stage running, with a round a minute, until Ctrl-C")
    .addHelpText(
      "after",
      `
Starts a real Prometheus with a day of a small LLM platform's history, replays the last 45 minutes through the
probes, runs five synthetic transactions, one of them broken, and shows the verdicts and the Slack messages.
Everything it starts it stops.

Examples:
  sonde demo
  sonde demo --keep      then, in another terminal: sonde probe --config .sonde/demo/sonde.yaml`,
    )
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import("../demo/run.ts");
      await runDemo({ keep: options.keep ?? false }, deps);
    });
}
