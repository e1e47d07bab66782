import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface TransactOptions {
  config: string;
  only?: string[];
  json?: boolean;
}

export function registerTransact(program: Command, deps: CliDeps): void {
  program
    .command("transact")
    .description("run the synthetic transactions once, without state, and say what they found")
    .option("-c, --config <file>", "the config to run", "sonde.yaml")
    .option("--only <kind...>", "these kinds only: trace, log, completion, write-path")
    .option("--json", "one JSON object a line, the last one a summary")
    .addHelpText(
      "after",
      `
Keys come from the environment: the secret sonde/langfuse is SONDE_LANGFUSE=pk-lf-…:sk-lf-…
Exit code: 0 all well, 1 something fails, 2 bad usage or config, 3 something is unknown.

Examples:
  sonde transact
  sonde transact --only trace --json | jq '.findings[] | .fix'`,
    )
    .action(async (options: TransactOptions) => {
      const { runTransact } = await import("../transact/run.ts");
      await runTransact(options, deps);
    });
}
