import { Command, CommanderError } from "commander";

import { ConfigError } from "../shared/domain/errors.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerDrill } from "./commands/drill.ts";
import { registerInit } from "./commands/init.ts";
import { registerProbe } from "./commands/probe.ts";
import { registerRender } from "./commands/render.ts";
import { registerSilence } from "./commands/silence.ts";
import { registerStatus } from "./commands/status.ts";
import { registerTest } from "./commands/test.ts";
import { registerTransact } from "./commands/transact.ts";
import { registerValidate } from "./commands/validate.ts";
import { registerWatch } from "./commands/watch.ts";
import type { CliDeps } from "./deps.ts";

/** The command line. Commands load what they need when they are called. */
export function buildProgram(deps: CliDeps): Command {
  const program = new Command("sonde")
    .description("Probes and incidents for LLM inference on EKS")
    .version("0.1.0")
    // What stands after a command is that command's.
    .enablePositionalOptions()
    .showHelpAfterError("(sonde --help shows what there is)")
    .configureOutput({
      writeErr: (text) => deps.err(text.trimEnd()),
      writeOut: (text) => deps.out(text.trimEnd()),
    })
    .exitOverride();
  registerDemo(program, deps);
  registerInit(program, deps);
  registerProbe(program, deps);
  registerTransact(program, deps);
  registerDrill(program, deps);
  registerWatch(program, deps);
  registerValidate(program, deps);
  registerTest(program, deps);
  registerRender(program, deps);
  registerStatus(program, deps);
  registerSilence(program, deps);
  return program;
}

/** Runs one command line and sets the exit code; errors that are the user's to mend are one line each. */
export async function main(args: readonly string[], deps: CliDeps): Promise<void> {
  try {
    await buildProgram(deps).parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) deps.exit(error.exitCode === 0 ? 0 : 2);
    else if (error instanceof ConfigError) {
      deps.err(error.message);
      deps.exit(2);
    } else {
      const text = error instanceof Error ? error.message : String(error);
      deps.err(`sonde: ${text}`);
      if (deps.env.SONDE_DEBUG && error instanceof Error) deps.err(error.stack ?? "");
      deps.exit(3);
    }
  }
}
