import { type Command, Option } from "commander";

import type { CliDeps } from "../deps.ts";

interface RenderOptions {
  config: string;
  only?: "rules";
  target?: string;
  amp?: boolean;
  output?: string;
}

export function registerRender(program: Command, deps: CliDeps): void {
  program
    .command("render")
    .description("write the files that belong into the cluster or its ruler: Prometheus rules")
    .option("-c, --config <file>", "the config to render", "sonde.yaml")
    .addOption(new Option("--only <kind>", "this kind of file only").choices(["rules"]))
    .option("-t, --target <name>", "for this target only")
    .option("--amp", "for AMP's ruler: write query_offset (the default for AMP targets)")
    .option("-o, --output <folder>", "write rules-<target>.yaml here, instead of to the terminal")
    .addHelpText(
      "after",
      `
The rules are the probes: the same queries with the target's own metric names, the same thresholds and times.
Load them into AMP's ruler or a Prometheus, and it fires when Sonde does.

Exit code: 0 written, 2 bad usage or config, 3 a target could not be asked.

Examples:
  sonde render --only rules > rules.yaml
  sonde render --only rules --output rules`,
    )
    .action(async (options: RenderOptions) => {
      const { runRender } = await import("../render/rules.ts");
      await runRender(options, deps);
    });
}
