import { parseTree } from "./promql-tree.ts";
import type { RuleCheck } from "./rule-check.ts";
import { absentLabels, absentMetrics } from "./rule-check-absent-names.ts";
import { hourlyPriceOverRate, unpricedModels } from "./rule-check-cost.ts";
import { countOfNothing, sumOfNothing } from "./rule-check-emptiness.ts";
import { framebufferOfVllm, throttlingByHeat, wrongDcgmFields } from "./rule-check-gpus.ts";
import { quantileWithoutBounds, unsummedQuantile } from "./rule-check-quantiles.ts";
import { rateMeantAsCount, rateOfGauge } from "./rule-check-rates.ts";
import { silentShare, successesAsDenominator } from "./rule-check-shares.ts";
import { parseRuleFile, type Rule, type RuleFile, RuleFileError } from "./rule-file.ts";

const checks: readonly RuleCheck[] = [
  absentMetrics,
  absentLabels,
  unsummedQuantile,
  quantileWithoutBounds,
  successesAsDenominator,
  silentShare,
  rateMeantAsCount,
  rateOfGauge,
  hourlyPriceOverRate,
  unpricedModels,
  sumOfNothing,
  countOfNothing,
  framebufferOfVllm,
  throttlingByHeat,
  wrongDcgmFields,
];

/**
 * What the rules of a file will not do that their author expects of them, as far as the known faults of
 * published rules go: one line each, with file, group, rule, what is wrong and what to write instead.
 */
export function ruleWarnings(file: string, rules: RuleFile): string[] {
  return rules.groups.flatMap((group) =>
    group.rules.flatMap((rule) => {
      const tree = parseTree(rule.expr);
      const found = tree ? checks.flatMap((check) => check({ rule, expr: rule.expr, tree }, rules)) : [];
      return [...new Set(found)].map(
        (warning) => `${file}: group "${group.name}", ${describeRule(rule)}: ${oneLine(warning)}`,
      );
    }),
  );
}

/** The same for parsed YAML; a file that Prometheus would refuse has faults instead, which are told elsewhere. */
export function warningsOf(file: string, data: unknown): string[] {
  try {
    return ruleWarnings(file, parseRuleFile(data));
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error;
    return [];
  }
}

function describeRule({ kind, name }: Rule): string {
  return `${kind} "${name}"`;
}

/** Parts of an expression are quoted as they are written, line breaks and all. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}
