import { formatDuration } from "./duration.ts";
import type { SloProbe } from "./fold-slo.ts";
import type { BurnPair, Level, Slo } from "./probe.ts";
import type { RecordingRule } from "./rule-file.ts";
import { inWindow, readyName, recordedName, sloWindows } from "./slo-query.ts";

/** An SLO with the target's own names in what it counts; `$window` still stands in both. */
export interface SloSource {
  readonly probe: SloProbe;
  readonly total: string;
  readonly counted: string;
}

/** How often events are recorded; sums over the record count its points, so it is part of what they mean. */
export const sloInterval = 60_000;

/** Windows up to this are counted from what the SLO reads, longer ones from the record of the shortest. */
const longestCounted = 3_600_000;

/**
 * Records the events of every window, so that a window of days costs one sample a minute for each series of
 * the SLO. The shortest comes first: a group's rules see what those before them gave at the same evaluation.
 */
export function sloRecordings({ probe, total, counted }: SloSource): RecordingRule[] {
  const { slo } = probe;
  const windows = sloWindows(slo);
  const [shortest = slo.period] = windows;
  const longest = windows.at(-1) ?? shortest;
  const name = (what: "total" | "bad", window: number) => recordedName(slo.record, what, window);
  const rules = windows.flatMap((window) => {
    if (window > shortest && window > longestCounted) {
      const sum = (what: "total" | "bad") =>
        `sum_over_time(${name(what, shortest)}[${formatDuration(window)}]) / ${pointsOf(slo, shortest, window)}`;
      return [record(name("total", window), sum("total")), record(name("bad", window), sum("bad"))];
    }
    const all = name("total", window);
    const some = inWindow(counted, window).trim();
    const bad =
      slo.sli.counted.kind === "good"
        ? `clamp_min(${all} - (\n${some}\n), 0)`
        : `(\n${some}\n) or 0 * ${all}`;
    return [record(all, inWindow(total, window).trim()), record(name("bad", window), bad)];
  });
  const ready = `count(${name("total", shortest)} offset ${formatDuration(longest)})`;
  return [...rules, record(readyName(slo.record), ready)];
}

function record(name: string, expr: string): RecordingRule {
  return { kind: "record", name, expr, labels: {} };
}

/** What a sum over a window's points is divided by to be in what `total` is in: events a second, or of the window. */
function pointsOf({ sli }: Slo, shortest: number, window: number): number {
  return (sli.per === "second" ? window : shortest) / sloInterval;
}

/** When a level is a breach, in terms of what is recorded; its value is a burn rate. */
export function sloAlertExpression(slo: Slo, { level }: Pick<Level, "level">): string {
  return slo.pairs
    .filter((pair) => pair.level === level)
    .map((pair) => pairExpression(slo, pair))
    .join("\nor\n");
}

function pairExpression(slo: Slo, { long, short, factor }: BurnPair): string {
  const burns = (window: number) =>
    `${recordedName(slo.record, "bad", window)} / ${recordedName(slo.record, "total", window)} / ${slo.budget} > ${factor}`;
  const total = recordedName(slo.record, "total", long);
  const events = slo.sli.per === "second" ? `${total} * ${long / 1000}` : total;
  const enough = slo.minimumEvents > 0 ? ` and ${events} >= ${slo.minimumEvents}` : "";
  return `(${burns(long)} and ${burns(short)}${enough})`;
}

/** What an alert says where config does not: SLOs need no summary, Sonde's own verdict says more. */
export function defaultSloSummary(id: string, { objective, period }: Slo): string {
  return `${id}: ${objective} % over ${formatDuration(period)} burns {{ $value | humanize }} times as fast as it may`;
}
