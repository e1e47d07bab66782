import type { Command } from "commander";

import { durationPattern, parseDuration } from "../../shared/domain/duration.ts";
import { ConfigError } from "../../shared/domain/errors.ts";

import type { CliDeps } from "../deps.ts";

interface DrillOptions {
  config: string;
  state?: string;
  slack?: string;
  json?: boolean;
}

export function registerDrill(program: Command, deps: CliDeps): void {
  const drill = program
    .command("drill")
    // Options after `errors` are its own.
    .enablePositionalOptions()
    .description("send an alert through ruler, Alertmanager and SNS back to Sonde, and say how long it took")
    .option("--state <place>", "where receive-alertmanager writes: s3://BUCKET, or a folder")
    .option("-c, --config <file>", "the config to run", "sonde.yaml")
    .option("--slack <channel>", "post to this test channel as well, and find it there; needs SONDE_SLACK")
    .option("--json", "one JSON object a line, the last one a summary")
    .addHelpText(
      "after",
      `
The targets are those of alertPath in the config. A drill is no incident and reaches no channel. The ruler needs
the rule SondeDrill, which sonde render --only rules writes for AMP.
Exit code: 0 it came back in time, 1 it did not, 2 bad usage or config, 3 that is not known.

Examples:
  sonde drill --state s3://sonde-prod-state
  sonde drill --state s3://sonde-prod-state --json | jq .measures
  SONDE_SLACK=xoxb-… sonde drill --state s3://sonde-prod-state --slack "#sonde-drills"`,
    )
    .action(async (options: DrillOptions) => {
      if (options.state === undefined)
        throw new ConfigError("say where drills come back to: --state s3://BUCKET");
      const { runTransact } = await import("../transact/run.ts");
      const { slack: channel, ...rest } = options;
      const { drillSlack, slackToken } = await import("../drill/to-slack.ts");
      const token = channel === undefined ? "" : slackToken(deps);
      await runTransact({ ...rest, only: ["alert-path"] }, deps);
      if (channel === undefined) return;
      const { buildSlack } = await import("../../shared/adapters/slack.ts");
      await drillSlack(channel, buildSlack({ token }), rest, deps);
    });
  registerErrors(drill, deps);
}

interface ErrorsOptions {
  config: string;
  completion?: string;
  target?: string;
  requests: number;
  wait: number;
  json?: boolean;
}

function registerErrors(drill: Command, deps: CliDeps): void {
  drill
    .command("errors")
    .description("send good and bad requests through the gateway, and see whether metrics and probes notice")
    .option("-c, --config <file>", "the config to run", "sonde.yaml")
    .option("--completion <name>", "the completion of config whose gateway is asked")
    .option("-t, --target <name>", "the target that scrapes the gateway")
    .option("-n, --requests <count>", "valid and malformed requests each, 20 at most", readCount, 6)
    .option("--wait <duration>", "how long the metrics may take to move", readWait, 90_000)
    .option("--json", "one JSON object a line, the last one a summary")
    .addHelpText(
      "after",
      `
The valid requests ask for eight tokens each. With traffic of others beside them, counters move anyway: a drill
says more at a quiet hour.
Exit code: 0 all is seen, 1 something is not, 2 bad usage or config, 3 that is not known.

Examples:
  sonde drill errors
  sonde drill errors --completion chat --requests 10 --wait 2m`,
    )
    .action(async (options: ErrorsOptions) => {
      const { runDrillErrors } = await import("../drill/errors.ts");
      await runDrillErrors(options, deps);
    });
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 20)
    throw new ConfigError(`--requests: "${text}" is not a whole number from 1 to 20`);
  return count;
}

function readWait(text: string): number {
  if (!durationPattern.test(text)) throw new ConfigError(`--wait: "${text}" is not a duration such as 90s`);
  return Math.min(parseDuration(text), 10 * 60_000);
}
