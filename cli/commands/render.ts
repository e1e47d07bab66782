import { type Command, Option } from "commander";

import type { CliDeps } from "../deps.ts";

interface RenderOptions {
  config: string;
  only: "rules" | "alertmanager";
  target?: string;
  amp?: boolean;
  topicArn?: string;
  output?: string;
}

export function registerRender(program: Command, deps: CliDeps): void {
  program
    .command("render")
    .description("write the files that belong beside Sonde: Prometheus rules, AMP's Alertmanager definition")
    .option("-c, --config <file>", "the config to render", "sonde.yaml")
    .addOption(
      new Option("--only <kind>", "this kind of file only")
        .choices(["rules", "alertmanager"])
        .default("rules"),
    )
    .option("-t, --target <name>", "for this target only")
    .option("--amp", "for AMP's ruler: write query_offset (the default for AMP targets)")
    .option("--topic-arn <arn>", "where AMP's Alertmanager sends alerts: the stack's output AlertsTopicArn")
    .option("-o, --output <folder>", "write <kind>-<target>.yaml here, instead of to the terminal")
    .addHelpText(
      "after",
      `
The rules are the probes: the same queries with the target's own metric names, the same thresholds and times.
Load them into AMP's ruler or a Prometheus, and it fires when Sonde does.

The Alertmanager definition has AMP send its alerts to Sonde's topic, so that they become incidents too; with
--output the policy is written that a topic of your own needs. docs/alertmanager.md says more.

Exit code: 0 written, 2 bad usage or config, 3 a target could not be asked.

Examples:
  sonde render --only rules > rules.yaml
  sonde render --only rules --output rules
  sonde render --only alertmanager --topic-arn arn:aws:sns:eu-west-1:111122223333:sonde-prod-alerts`,
    )
    .action(async (options: RenderOptions) => {
      if (options.only === "alertmanager") {
        const { renderAlertmanager } = await import("../render/alertmanager.ts");
        renderAlertmanager(options, deps);
        return;
      }
      const { renderRules } = await import("../render/rules.ts");
      await renderRules(options, deps);
    });
}
