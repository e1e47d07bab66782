import { formatDuration } from "./duration.ts";
import type { Sli, Slo } from "./probe.ts";

/** Tells apart what one query returns for many windows: `1h total`, `1h bad`, `5m total`, … */
export const windowLabel = "sonde_window";

/** What a series of an SLO's query counts. */
export const sloParts = ["total", "bad", "good"] as const;
export type SloPart = (typeof sloParts)[number];

/** An expression with its `$window` filled in. */
export function inWindow(expr: string, window: number): string {
  return expr.replace(/\$window\b/g, formatDuration(window));
}

/** Every window that an SLO looks through, the shortest first. */
export function sloWindows({ pairs }: Pick<Slo, "pairs">): number[] {
  return [...new Set(pairs.flatMap(({ long, short }) => [long, short]))].sort((a, b) => a - b);
}

/** One query for the events of all windows, counted from what the SLO reads; each expression stands in it once. */
export function rawQuery({ total, counted }: Sli, windows: readonly number[]): string {
  return union(
    windows.flatMap((window) => [
      part(inWindow(total, window), window, "total"),
      part(inWindow(counted.expr, window), window, counted.kind),
    ]),
  );
}

/** The same from what the generated rules record; the names are aliases, so that they are looked up first. */
export function recordedQuery(windows: readonly number[]): string {
  return union(
    windows.flatMap((window) => [
      part(`$${recordedAlias("total", window)}`, window, "total"),
      part(`$${recordedAlias("bad", window)}`, window, "bad"),
    ]),
  );
}

/** The events of the whole period, from the record of the shortest window. */
export function recordedBudgetQuery(shortest: number, period: number): string {
  const sum = (what: "total" | "bad") =>
    part(`sum_over_time($${recordedAlias(what, shortest)}[${formatDuration(period)}])`, period, what);
  return union([sum("total"), sum("bad")]);
}

/** A line break ends a comment that an expression may close with. */
function part(expr: string, window: number, what: SloPart): string {
  return `label_replace(\n${expr.trim()}\n, "${windowLabel}", "${formatDuration(window)} ${what}", "", "")`;
}

function union(parts: readonly string[]): string {
  return parts.join("\nor ");
}

/** The alias under which a recorded series is looked up. */
export function recordedAlias(what: "total" | "bad", window: number): string {
  return `recorded_${what}_${formatDuration(window)}`;
}

/** Born once the record reaches back over the longest window: before, a long window would know too little. */
export const readyAlias = "recorded_ready";

/** A recorded series' name: `slo:gateway_errors_x1y2:total_5m`. */
export function recordedName(record: string, what: "total" | "bad", window: number): string {
  return `${record}:${what}_${formatDuration(window)}`;
}

export function readyName(record: string): string {
  return `${record}:ready`;
}
