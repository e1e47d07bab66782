import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface InitOptions {
  target: string;
  name?: string;
  region?: string;
  output: string;
  force?: boolean;
}

export function registerInit(program: Command, deps: CliDeps): void {
  program
    .command("init")
    .description("look at a Prometheus or AMP workspace and write a starter sonde.yaml for it")
    .requiredOption("-t, --target <url>", "the Prometheus to look at")
    .option("--name <name>", "what to call it")
    .option("--region <region>", "sign requests for this AWS region (AMP's own addresses name theirs)")
    .option("-o, --output <file>", "the file to write", "sonde.yaml")
    .option("--force", "overwrite the file")
    .addHelpText(
      "after",
      `
Every probe of the pack llm-on-eks is tried once. The file says which work here and which do not, and why.

Exit code: 0 written, 2 bad usage, 3 the target could not be asked.

Examples:
  sonde init --target http://localhost:9090
  sonde init --target https://aps-workspaces.ap-northeast-2.amazonaws.com/workspaces/ws-1234 --name seoul`,
    )
    .action(async (options: InitOptions) => {
      const { runInit } = await import("../init/run.ts");
      await runInit(options, deps);
    });
}
