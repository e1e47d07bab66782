import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface DrillOptions {
  config: string;
  state: string;
  json?: boolean;
}

export function registerDrill(program: Command, deps: CliDeps): void {
  program
    .command("drill")
    .description("send an alert through ruler, Alertmanager and SNS back to Sonde, and say how long it took")
    .requiredOption("--state <place>", "where receive-alertmanager writes: s3://BUCKET, or a folder")
    .option("-c, --config <file>", "the config to run", "sonde.yaml")
    .option("--json", "one JSON object a line, the last one a summary")
    .addHelpText(
      "after",
      `
The targets are those of alertPath in the config. A drill is no incident and reaches no channel. The ruler needs
the rule SondeDrill, which sonde render --only rules writes for AMP.
Exit code: 0 it came back in time, 1 it did not, 2 bad usage or config, 3 that is not known.

Examples:
  sonde drill --state s3://sonde-prod-state
  sonde drill --state s3://sonde-prod-state --json | jq .measures`,
    )
    .action(async (options: DrillOptions) => {
      const { runTransact } = await import("../transact/run.ts");
      await runTransact({ ...options, only: ["alert-path"] }, deps);
    });
}
