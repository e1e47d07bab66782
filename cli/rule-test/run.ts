import { relative, resolve } from "node:path";

import { ConfigError } from "../../shared/domain/errors.ts";
import type { CliDeps } from "../deps.ts";
import { paint } from "../output/style.ts";
import { runTestFile, type TestReport } from "./run-file.ts";
import { buildStartServer } from "./test-server.ts";

/** Each test's Prometheus takes a core while it starts. */
const concurrency = 4;

export interface TestRun {
  readonly json?: boolean;
}

/** `sonde test FILE…`: exit 0 where every check holds, 1 where one does not, 2 where a file is no test file. */
export async function runTest(files: readonly string[], options: TestRun, deps: CliDeps): Promise<void> {
  const started = deps.now();
  const startServer = buildStartServer(deps);
  const reports: TestReport[] = [];
  let broken = 0;
  for (const file of files) {
    try {
      const report = await runTestFile(resolve(deps.cwd, file), { startServer, concurrency });
      reports.push(report);
      for (const line of options.json ? jsonLines(report, deps) : textLines(report, deps)) deps.out(line);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      broken += 1;
      deps.err(error.message);
    }
  }
  const results = reports.flatMap((report) => report.results);
  const failed = results.reduce((sum, { failures }) => sum + failures.length, 0);
  const checks = results.reduce((sum, result) => sum + result.checks, 0);
  const durationMs = Math.round(deps.now() - started);
  if (options.json)
    deps.out(JSON.stringify({ summary: { tests: results.length, checks, failed, broken, durationMs } }));
  else deps.out(`${results.length} tests, ${checks} checks, ${failed} failed, in ${durationMs} ms`);
  deps.exit(broken > 0 ? 2 : failed > 0 ? 1 : 0);
}

function jsonLines({ file, results }: TestReport, { cwd }: CliDeps): string[] {
  return results.map(({ name, checks, failures }) =>
    JSON.stringify({ file: relative(cwd, file), test: name, checks, failures }),
  );
}

function textLines({ file, results, warnings }: TestReport, { cwd, style }: CliDeps): string[] {
  const failed = results.filter(({ failures }) => failures.length > 0);
  const verdict =
    failed.length === 0 ? paint(style, "green", "SUCCESS") : paint(style, ["bold", "red"], "FAILED");
  return [
    `${verdict}  ${relative(cwd, file) || file}`,
    ...warnings.map((warning) => `  warning: ${warning}`),
    ...failed.flatMap(({ name, failures }) => [
      `  test: ${name}`,
      ...failures.flatMap(({ asked, difference }) => [
        `    ${asked}`,
        ...difference.map((line) => `      ${paintLine(line, style)}`),
      ]),
    ]),
  ];
}

function paintLine(line: string, style: CliDeps["style"]): string {
  if (line.startsWith("-")) return paint(style, "red", line);
  return line.startsWith("+") ? paint(style, "green", line) : line;
}
