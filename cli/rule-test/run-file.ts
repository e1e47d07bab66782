import { globSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";

import { compileRuleFile } from "../../shared/domain/compile-rules.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { ConfigFault } from "../../shared/domain/faults.ts";
import { parseRuleFile, RuleFileError } from "../../shared/domain/rule-file.ts";
import { suggestName } from "../../shared/domain/words.ts";
import { loadConfigFile, readYaml } from "../config-file.ts";
import type { Failure } from "./compare.ts";
import type { LoadedRule } from "./evaluate-rules.ts";
import { runUnitTest, type Subject } from "./run-test.ts";
import { parseTestFile, type TestFile } from "./test-file.ts";
import type { StartServer } from "./test-server.ts";

export interface TestReport {
  readonly file: string;
  readonly results: readonly TestResult[];
  /** What is probably a slip: patterns that no file matches, alerts that no rule raises. */
  readonly warnings: readonly string[];
}
export interface TestResult {
  /** The test's name, or its place in the file. */
  readonly name: string;
  readonly checks: number;
  readonly failures: readonly Failure[];
}

export interface TestDeps {
  readonly startServer: StartServer;
  /** Tests that run at the same time, each with a server of its own. */
  readonly concurrency: number;
}

/** Runs a unit-test file. Throws a ConfigError where it, or what it refers to, cannot be used. */
export async function runTestFile(path: string, { startServer, concurrency }: TestDeps): Promise<TestReport> {
  const file = prefixed(path, () => parseTestFile(readYaml(path)));
  const base = dirname(path);
  const warnings: string[] = [];
  const rules = loadRules(file, base, warnings);
  const config = file.config === null ? null : loadConfigFile(resolve(base, file.config)).compiled;
  const subject: Subject = {
    rules,
    probes: config?.probes ?? [],
    targets: config?.targets ?? [],
    evaluationInterval: file.evaluationInterval,
    fuzzy: file.fuzzy,
  };
  prefixed(path, () => requireNames(file, subject));
  warnings.push(...unknownAlerts(file, rules));
  const results: TestResult[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < file.tests.length; at = next++) {
      const test = file.tests[at];
      if (!test) continue;
      results[at] = {
        name: test.name || `#${at + 1}`,
        checks: test.alerts.length + test.expressions.length + test.probes.length,
        failures: await runUnitTest(test, subject, startServer),
      };
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, file.tests.length) }, work));
  return { file: path, results, warnings };
}

/** Faults in the words of the file that they are in. */
function prefixed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof RuleFileError) || error.message.startsWith(path))
      throw error;
    const lines = error.message.split("\n").map((line) => `${path}: ${line}`);
    throw new ConfigError(lines.join("\n"), { cause: error });
  }
}

/** The rules of all files in the order of their evaluation: as written, but groups that are named come so. */
function loadRules(file: TestFile, base: string, warnings: string[]): LoadedRule[] {
  const groups = file.ruleFiles.flatMap((pattern) => {
    const paths = isAbsolute(pattern) ? globSync(pattern) : globSync(pattern, { cwd: base });
    if (paths.length === 0) warnings.push(`no file matches ${pattern}`);
    return paths.sort().flatMap((path) => loadGroups(isAbsolute(path) ? path : join(base, path)));
  });
  const place = (name: string) => {
    const at = file.groupOrder.indexOf(name);
    return at === -1 ? file.groupOrder.length : at;
  };
  return groups.toSorted((a, b) => place(a.name) - place(b.name)).flatMap(({ rules }) => rules);
}

function loadGroups(path: string): { name: string; rules: LoadedRule[] }[] {
  const data = readYaml(path);
  const { groups } = prefixed(path, () => parseRuleFile(data));
  const faults: ConfigFault[] = [];
  const probes = compileRuleFile(path, data, faults);
  if (faults.length > 0) throw new ConfigError(faults.map(({ message }) => message).join("\n"));
  // Probes come in the order of the file's alerts.
  let next = 0;
  return groups.map(({ name, limit, rules }) => ({
    name,
    rules: rules.map((rule): LoadedRule => {
      if (rule.kind === "record") return { limit, rule };
      const probe = probes[next++];
      if (!probe) throw new Error(`${path}: the alert ${rule.name} became no probe`);
      return { limit, rule, probe };
    }),
  }));
}

/** To promtool an alert that no rule raises does not fire, and a misspelt test passes. */
function unknownAlerts({ tests }: TestFile, rules: readonly LoadedRule[]): string[] {
  const known = [...new Set(rules.flatMap(({ rule }) => (rule.kind === "alert" ? [rule.name] : [])))];
  const asked = new Set(tests.flatMap(({ alerts }) => alerts.map(({ alertname }) => alertname)));
  return [...asked]
    .filter((name) => !known.includes(name))
    .map((name) => `no rule is called "${name}"; ${suggestName(name, known)}`);
}

function requireNames(file: TestFile, { probes, targets }: Subject): void {
  const faults = file.tests.flatMap((test, at) =>
    test.probes.flatMap(({ probe, target }, index) => {
      const path = `tests[${at}].probe_test[${index}]`;
      const ids = probes.map(({ id }) => id);
      const names = targets.map(({ name }) => name);
      return [
        ...(ids.includes(probe) ? [] : [`${path}.probe: no probe "${probe}"; ${suggestName(probe, ids)}`]),
        ...(target === null || names.includes(target)
          ? []
          : [`${path}.target: no target "${target}"; ${suggestName(target, names)}`]),
      ];
    }),
  );
  if (faults.length > 0) throw new ConfigError(faults.join("\n"));
}
