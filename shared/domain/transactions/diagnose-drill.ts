import { drillAlert, drillLabel } from "../drill.ts";
import type { LoadedRuleGroup } from "../prometheus.ts";
import { alertPathFound as found } from "./alert-path-diagnoses.ts";
import type { Finding } from "./finding.ts";

/** How far a drill came that did not come back, by what the ruler has of it. */
export function diagnoseLost(drill: string, groups: readonly LoadedRuleGroup[], waited: string): Finding {
  const rules = groups.flatMap((group) => group.rules.filter(({ name }) => name === drillAlert));
  const [rule] = rules;
  if (!rule) return found("no-rule", `not back in ${waited}`);
  const alert = rules.flatMap(({ alerts }) => alerts).find(({ labels }) => labels[drillLabel] === drill);
  if (alert?.state === "firing") return found("not-delivered", `not back in ${waited}`);
  if (rule.health !== "ok" && rule.health !== "unknown")
    return found("rule-broken", (rule.lastError ?? rule.health).replace(/\s+/g, " ").slice(0, 160));
  return found("not-evaluated", `not firing after ${waited}`);
}
