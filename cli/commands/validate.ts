import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface ValidateOptions {
  config: string;
  target?: string | true;
}

export function registerValidate(program: Command, deps: CliDeps): void {
  program
    .command("validate")
    .description("check config, rules and PromQL")
    .option("-c, --config <file>", "the config to check", "sonde.yaml")
    .option("-t, --target [name]", "check against this target too (without a name: against all)")
    .addHelpText(
      "after",
      `
Rules of rule files that are known not to do what they say (an absent metric, a share of successes, a sum that is
empty rather than 0) are warned about.

Against a target, every query is run once, and thresholds that a histogram can never reach are refused.

Exit code: 0 valid, 2 not valid, 3 a target could not be asked.

Examples:
  sonde validate
  sonde validate --target seoul`,
    )
    .action(async (options: ValidateOptions) => {
      const { runValidate } = await import("../validate/run.ts");
      await runValidate(options, deps);
    });
}
