import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface ProbeOptions {
  config: string;
  target?: string;
  probe?: string[];
  at?: string;
  json?: boolean;
  verbose?: boolean;
}

export function registerProbe(program: Command, deps: CliDeps): void {
  program
    .command("probe")
    .description("run the probes once, without state, and say what they found")
    .option("-c, --config <file>", "the config to run", "sonde.yaml")
    .option("-t, --target <name>", "this target only")
    .option("-p, --probe <id...>", "these probes only")
    .option("--at <time>", "as it was at this time (RFC 3339), instead of now")
    .option("--json", "one JSON object a line, the last one a summary")
    .option("-v, --verbose", "every series, healthy ones too")
    .addHelpText(
      "after",
      `
Exit code: 0 all well, 1 something fails, 2 bad usage or config, 3 something is unknown.

Examples:
  sonde probe
  sonde probe --target seoul --probe gpu-temperature --verbose
  sonde probe --at 2026-11-20T03:00:00Z --json | jq 'select(.status == "fail")'`,
    )
    .action(async (options: ProbeOptions) => {
      const { runProbe } = await import("../probe/run.ts");
      await runProbe(options, deps);
    });
}
