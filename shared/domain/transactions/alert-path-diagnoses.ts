import { diagnosis, finder } from "./diagnosis.ts";

/** Each way in which an alert does not get from a rule to Sonde: how it shows, what it comes from, what mends it. */
export const alertPathDiagnoses = {
  "not-written": diagnosis(
    "fail",
    "the drill's sample is refused",
    "the drill could not begin: its sample did not get into the target",
    "mend the write path first: its own probe says what is wrong there",
  ),
  "no-rule": diagnosis(
    "fail",
    "the ruler has no drill rule",
    "the rule that the drill fires on is not loaded: perhaps none of Sonde's rules are",
    "load what `sonde render --only rules` writes into the ruler, and write it anew after upgrades",
  ),
  "rule-broken": diagnosis(
    "fail",
    "the drill rule's health is not ok",
    "the ruler cannot evaluate the drill rule, and so perhaps no rule",
    "look at the rule's error and at the ruler's metrics (RuleEvaluationFailures)",
  ),
  "not-evaluated": diagnosis(
    "fail",
    "the rule is loaded and does not fire",
    "the sample is there and the rule does not see it: evaluations are late or stand still",
    "look at RuleGroupIterationsMissed, the groups' evaluation time, and at query_offset, which delays every alert",
  ),
  "not-delivered": diagnosis(
    "fail",
    "the rule fires, nothing comes back",
    "the alert is lost between the ruler and Sonde: Alertmanager, its route, SNS or the subscription",
    "load the definition that `sonde render --only alertmanager` writes; check the topic's policy, AlertManagerNotificationsFailed, and receive-alertmanager's log and dead letters",
  ),
  late: diagnosis(
    "fail",
    "the drill comes back over its threshold",
    "alerts take longer than they should from sample to Sonde",
    "see which part takes the time: rule (interval, query_offset), Alertmanager (group_wait, group_interval), delivery",
  ),
  "rules-unreadable": diagnosis(
    "unknown",
    "nothing comes back, and the rules cannot be listed",
    "the drill did not come back; how far it came is not known",
    "allow aps:ListRules on the workspace to the role in use, or see what the target answers to /api/v1/rules",
  ),
} as const;

export const alertPathFound = finder(alertPathDiagnoses);
export type AlertPathDiagnosis = keyof typeof alertPathDiagnoses;
