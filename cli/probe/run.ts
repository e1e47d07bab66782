import { resolve } from "node:path";

import { checkTarget, type TargetCheck } from "../../functions/run-probes/check-target.ts";
import { settleNames } from "../../functions/run-probes/names.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { Probe, Target } from "../../shared/domain/probe.ts";
import { type ProbeSummary, summarize } from "../../shared/domain/summary.ts";
import { suggestName } from "../../shared/domain/words.ts";
import { readConfigFile } from "../config-file.ts";
import type { CliDeps, ExitCode } from "../deps.ts";
import { verdictJson } from "../output/json.ts";
import { renderVerdicts } from "../output/verdict-table.ts";
import { addHistory } from "./history.ts";

export interface ProbeRun {
  readonly config: string;
  readonly target?: string;
  readonly probe?: readonly string[];
  readonly at?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** `sonde probe`: one round over the targets, without state. */
export async function runProbe(options: ProbeRun, deps: CliDeps): Promise<void> {
  const { compiled, notes, faults } = readConfigFile(resolve(deps.cwd, options.config));
  for (const fault of faults) deps.err(fault);
  for (const note of notes) deps.err(`note: ${note}`);
  const now = options.at === undefined ? deps.now() : parseTime(options.at);
  const targets = pick(
    "target",
    compiled.targets,
    ({ name }) => name,
    options.target === undefined ? undefined : [options.target],
  );
  const probes = pick("probe", compiled.probes, ({ id }) => id, options.probe);
  if (targets.length === 0)
    throw new ConfigError(
      `${options.config} has no targets: add one under targets, or run \`sonde init --target URL\``,
    );
  if (probes.length === 0)
    throw new ConfigError(
      `${options.config} has no probes: add \`packs: [llm-on-eks]\` or probes of your own`,
    );
  const started = deps.now();
  const checks = await Promise.all(targets.map((target) => checkOne(target, probes, now, deps)));
  const verdicts = checks.flatMap((check) => check.verdicts);
  const queries = checks.reduce((sum, { asked }) => sum + asked.queries, 0);
  const summary = summarize(verdicts, queries, deps.now() - started);
  if (options.json) {
    for (const verdict of verdicts) deps.out(verdictJson(verdict));
    deps.out(JSON.stringify({ summary }));
  } else {
    const shown = await addHistory(checks, targets, now, deps);
    for (const line of renderVerdicts(shown, {
      ...deps.style,
      healthy: options.verbose ? "series" : "probes",
    }))
      deps.out(line);
    deps.out("");
    deps.out(summaryLine(summary));
    for (const notice of new Set(checks.flatMap(({ asked }) => asked.notices)))
      deps.err(`note: the server remarks: ${notice}`);
  }
  // What is well-formed has run; that something is not, still decides.
  deps.exit(faults.length > 0 ? 2 : exitCode(summary));
}

/** One target's check on the command line: from nothing, as of `now`. */
export async function checkOne(
  target: Target,
  probes: readonly Probe[],
  now: number,
  deps: CliDeps,
): Promise<TargetCheck> {
  const client = await deps.clientFor(target);
  const { resolved } = await settleNames(probes, {
    queryInstant: client.queryInstant,
    at: now - target.delay,
  });
  return checkTarget(target, resolved, { client, now, states: {} });
}

export function exitCode({ fail, unknown }: ProbeSummary): ExitCode {
  if (fail > 0) return 1;
  return unknown > 0 ? 3 : 0;
}

export function summaryLine({ ok, warn, fail, unknown, queries, durationMs }: ProbeSummary): string {
  return `${fail} fail, ${warn} warn, ${unknown} unknown, ${ok} ok · ${queries} queries in ${durationMs} ms`;
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Without a zone a time would mean another moment on another machine: it is refused. */
function parseTime(text: string): number {
  const time = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new ConfigError(`--at: "${text}" is not a time such as 2026-11-20T03:00:00Z`);
  return time;
}

function pick<T>(
  what: string,
  all: readonly T[],
  nameOf: (one: T) => string,
  wanted: readonly string[] | undefined,
): readonly T[] {
  if (!wanted) return all;
  return wanted.map((name) => {
    const found = all.find((one) => nameOf(one) === name);
    if (found) return found;
    throw new ConfigError(`no ${what} "${name}": ${suggestName(name, all.map(nameOf))}`);
  });
}
