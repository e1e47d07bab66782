import { parseComparison } from "../../shared/domain/comparison.ts";
import { defaultGroupBy } from "../../shared/domain/grouping.ts";
import { defaultPolicy, type IncidentPolicy } from "../../shared/domain/incident-policy.ts";
import type { Level, LevelName, Probe, Route } from "../../shared/domain/probe.ts";
import type { Labels, Series } from "../../shared/domain/series.ts";

const minute = 60_000;

/** A probe with nothing special about it. */
export function aProbe(change: Partial<Probe> = {}): Probe {
  return {
    id: "gpu-temperature",
    kind: "promql",
    variants: [{ query: "gpu_temp", guard: { kind: "selector", selector: "gpu_temp" } }],
    aliases: {},
    unit: "celsius",
    levels: [aLevel("warn", "> 80"), aLevel("fail", "> 85", 5 * minute)],
    every: minute,
    step: minute,
    noData: "unknown",
    staleAfter: 3 * minute,
    labels: {},
    summary: "GPU {{ $labels.gpu }} is at {{ $value }} °C",
    description: "",
    runbook: "",
    dashboard: "",
    playbook: "",
    source: { kind: "config" },
    ...change,
  };
}

export function aLevel(level: LevelName, when: string, forMs = 0, keepFiringFor = 0): Level {
  return { level, when: when === "any" ? "any" : parseComparison(when), for: forMs, keepFiringFor };
}

/** The default policy, without any routes. */
export function aPolicy(change: Partial<IncidentPolicy> = {}): IncidentPolicy {
  return {
    ...defaultPolicy,
    groupBy: defaultGroupBy,
    routes: [],
    maintenance: [],
    inhibitions: [],
    ...change,
  };
}

/** A route that takes everything to one channel. */
export function aRoute(channel: string, change: Partial<Route> = {}): Route {
  return { match: {}, channels: [channel], continue: false, ...change };
}

/** A series with a value at each step from `start`; null leaves a gap. */
export function aSeries(
  labels: Labels,
  start: number,
  values: readonly (number | null)[],
  step = minute,
): Series {
  return {
    labels,
    samples: values.flatMap((v, index) => (v === null ? [] : [{ t: start + index * step, v }])),
  };
}
