import type { Command } from "commander";

import type { CliDeps } from "../deps.ts";

interface TestOptions {
  json?: boolean;
}

export function registerTest(program: Command, deps: CliDeps): void {
  program
    .command("test")
    .description("unit tests of rules and probes, in promtool's format")
    .argument("<file...>", "test files")
    .option("--json", "one JSON object a line, the last one a summary")
    .addHelpText(
      "after",
      `
Each test runs in an empty Prometheus of its own, on this machine, that lives as long as the test.
docs/testing-probes.md has the format.

Exit code: 0 every check holds, 1 a check fails, 2 a file cannot be used, 3 there is no Prometheus.

Examples:
  sonde test tests/*.yml
  sonde test --json tests/gpu.yml | jq 'select(.failures != [])'`,
    )
    .action(async (files: string[], options: TestOptions) => {
      const { runTest } = await import("../rule-test/run.ts");
      await runTest(files, options, deps);
    });
}
