import type { SyntaxNode } from "@lezer/common";

import type { Rule, RuleFile } from "./rule-file.ts";

/** A rule whose PromQL parses. */
export interface CheckedRule {
  readonly rule: Rule;
  readonly expr: string;
  readonly tree: SyntaxNode;
}

/** Looks for one kind of fault: what is wrong and what to write instead, in one line each. */
export type RuleCheck = (checked: CheckedRule, file: RuleFile) => string[];

/** Whether a counter's name says that it counts what went wrong. */
export function countsFailures(name: string): boolean {
  return /error|fail|5xx|timeout|violation|reject|abort/i.test(name);
}
