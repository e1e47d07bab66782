import { foldWindow } from "../../shared/domain/detection.ts";
import type { Probe } from "../../shared/domain/probe.ts";
import type { AlertRule } from "../../shared/domain/rule-file.ts";
import { type Labels, seriesKey, withoutName } from "../../shared/domain/series.ts";
import type { LevelState, ProbeState } from "../../shared/domain/state.ts";
import { renderTemplate } from "../../shared/domain/template.ts";
import type { RuleSample } from "./outputs.ts";

/** An alert as Prometheus would send it. Times are Unix milliseconds. */
export interface Alert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: LevelState["state"];
  readonly activeAt: number;
}

export interface Externals {
  readonly externalLabels: Labels;
  readonly externalUrl: string;
}

/**
 * Evaluates one alert rule at one time after another with Sonde's own detection, and fills in its templates.
 * A series is known by its expression's labels, before templates.
 */
export function buildAlertRule(rule: AlertRule, probe: Probe, externals: Externals) {
  let series: ProbeState["series"] = {};
  let shown = new Map<string, Pick<Alert, "labels" | "annotations">>();
  return (t: number, samples: readonly RuleSample[]): Alert[] => {
    const window = { start: t, end: t, step: probe.step, continues: true, gap: false };
    const answer = samples.map(({ labels, value }) => ({ labels, samples: [{ t, v: value }] }));
    const folded = foldWindow(probe, stateOf(probe, series, t), window, answer, () => true);
    const found = new Map(samples.map((sample) => [seriesKey(sample.labels), sample]));
    const alerts = folded.flatMap(({ key, levels }): { key: string; alert: Alert }[] => {
      const state = probe.levels.map(({ level }) => levels[level]).find((one) => one !== undefined);
      if (!state) return [];
      const sample = found.get(key);
      // An alert that is kept firing shows what was last seen.
      const texts = sample ? fillIn(rule, sample, externals) : shown.get(key);
      return texts ? [{ key, alert: { ...texts, state: state.state, activeAt: state.activeAt } }] : [];
    });
    series = Object.fromEntries(
      folded
        .filter(({ levels }) => Object.keys(levels).length > 0)
        .map(({ key, labels, levels, value }) => [key, { labels, levels, value }]),
    );
    shown = new Map(alerts.map(({ key, alert }) => [key, alert]));
    return alerts.map(({ alert }) => alert);
  };
}

function stateOf(probe: Probe, series: ProbeState["series"], t: number): ProbeState {
  return {
    query: probe.variants[0]?.query ?? "",
    evaluatedTo: t - probe.step,
    series,
    blindRounds: 0,
    blindSince: null,
    everFresh: true,
  };
}

function fillIn(
  rule: AlertRule,
  { labels, value }: RuleSample,
  externals: Externals,
): Pick<Alert, "labels" | "annotations"> {
  const fill = (texts: Labels) =>
    Object.entries(texts).map(
      ([name, text]) => [name, renderTemplate(text, { labels, value, ...externals })] as const,
    );
  const all = { ...withoutName(labels), ...Object.fromEntries(fill(rule.labels)), alertname: rule.name };
  return {
    labels: Object.fromEntries(Object.entries(all).filter(([, text]) => text !== "")),
    annotations: Object.fromEntries(fill(rule.annotations)),
  };
}

/** The series that a rule group writes for its alerts: ALERTS and ALERTS_FOR_STATE. */
export function alertSamples(alerts: readonly Alert[]): RuleSample[] {
  return alerts.flatMap(({ labels, state, activeAt }) => [
    { labels: { ...labels, __name__: "ALERTS", alertstate: state }, value: 1 },
    { labels: { ...labels, __name__: "ALERTS_FOR_STATE" }, value: Math.floor(activeAt / 1000) },
  ]);
}
