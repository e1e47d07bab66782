import { compileSlo } from "../../shared/domain/compile-slo.ts";
import type { SloConfig } from "../../shared/domain/config.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import type { ConfigFault } from "../../shared/domain/faults.ts";
import type { SloProbe } from "../../shared/domain/fold-slo.ts";
import type { Probe, Slo } from "../../shared/domain/probe.ts";
import type { Labels, Series } from "../../shared/domain/series.ts";
import { windowLabel } from "../../shared/domain/slo-query.ts";
import { aLevel, aProbe } from "./builders.ts";

export const requests: SloConfig = {
  objective: 99.9,
  errors: 'sum by (route) (rate(requests_total{code=~"5.."}[$window]))',
  total: "sum by (route) (rate(requests_total[$window]))",
};

/** An SLO's probe as config gives it; throws where it is at fault. */
export function anSlo(config: SloConfig = {}, change: Partial<Probe> = {}): SloProbe {
  const faults: ConfigFault[] = [];
  const base = config.latency ? { objective: 99 } : requests;
  const compiled = compileSlo("gateway-errors", { ...base, ...config }, undefined, [], faults, []);
  if (!compiled) throw new Error(JSON.stringify(faults));
  const { slo, variants, recorded } = compiled;
  const levels = (["warn", "fail"] as const).flatMap((level) =>
    slo.pairs.some((pair) => pair.level === level) ? [aLevel(level, "> 1")] : [],
  );
  const { slo: _, ...probe } = aProbe({
    id: "gateway-errors",
    kind: "slo",
    variants,
    aliases: recorded,
    unit: "x",
    levels,
    summary: "",
    ...change,
  });
  return { ...probe, slo };
}

/** Which share of events was bad in each window, and how many a second there were; the same at all times. */
export interface Flow {
  readonly labels?: Labels;
  /** By window (`5m`); windows that are not named have the share of `all`. */
  readonly bad?: Readonly<Record<string, number>>;
  readonly all?: number;
  readonly perSecond?: number;
}

/** What an SLO's raw query returns for that at these times. */
export function flowAnswer({ pairs }: Slo, times: readonly number[], flow: Flow): Series[] {
  const { labels = { route: "chat" }, bad = {}, all = 0, perSecond = 10 } = flow;
  const windows = [
    ...new Set(pairs.flatMap(({ long, short }) => [formatDuration(long), formatDuration(short)])),
  ];
  return windows.flatMap((window) => {
    const share = bad[window] ?? all;
    const part = (what: string, v: number): Series => ({
      labels: { ...labels, [windowLabel]: `${window} ${what}` },
      samples: times.map((t) => ({ t, v })),
    });
    return [part("total", perSecond), part("bad", perSecond * share)];
  });
}
