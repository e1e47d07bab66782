import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface StatusOptions {
  state: string;
  target?: string;
  all?: boolean;
  json?: boolean;
}

export function registerStatus(program: Command, deps: CliDeps): void {
  program
    .command("status")
    .description("incidents and silences as Sonde remembers them, or the life of one incident")
    .argument("[incident]", "an incident's id: tells its life step by step")
    .option("--state <place>", "a folder, or s3://NAME of a deployment's state bucket", ".sonde/state")
    .option("-t, --target <name>", "this target only")
    .option("-a, --all", "incidents that ended within the last day, too")
    .option("--json", "one JSON object a line, the last one a summary")
    .addHelpText(
      "after",
      `
Exit code: 0 nothing fails, 1 something fails, 2 bad usage, 3 something cannot be seen.

Examples:
  sonde status
  sonde status --all --state s3://sonde-prod-state
  sonde status gpu-temperature-1x2y3z-lq3k9f40`,
    )
    .action(async (incident: string | undefined, options: StatusOptions) => {
      const { runStatus } = await import("../status/run.ts");
      await runStatus({ ...options, ...(incident === undefined ? {} : { incident }) }, deps);
    });
}
