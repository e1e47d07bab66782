import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface SilenceOptions {
  state: string;
  for?: string;
  reason: string;
  by?: string;
  end?: string;
}

export function registerSilence(program: Command, deps: CliDeps): void {
  program
    .command("silence")
    .description("say nothing of some incidents for a while, or end such a silence")
    .argument("[what...]", "labels that must match (name=value), or one incident's id")
    .option("--for <duration>", "how long, such as 30m or 2h")
    .option("--reason <text>", "why: shown beside what is silenced", "")
    .option("--by <name>", "who silences; by default you")
    .option("--end <silence>", "end this silence now")
    .option("--state <place>", "a folder, or s3://NAME of a deployment's state bucket", ".sonde/state")
    .addHelpText(
      "after",
      `
A silence mutes incidents whose labels all match; target and probe count as labels. Nothing new is posted
while it lasts; what still fires when it ends is told again. \`sonde status\` lists the silences.

Examples:
  sonde silence probe=gpu-temperature Hostname=gpu-node-7 --for 2h --reason "fan is being replaced"
  sonde silence gpu-temperature-1x2y3z-lq3k9f40 --for 30m --state s3://sonde-prod-state
  sonde silence --end cli-0b2f…`,
    )
    .action(async (what: string[], options: SilenceOptions) => {
      const { runSilence } = await import("../silence/run.ts");
      await runSilence({ ...options, what }, deps);
    });
}
