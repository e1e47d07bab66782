import type { Budget } from "./budget.ts";
import type { Window } from "./detection.ts";
import { formatDuration } from "./duration.ts";
import type { FoldedSlo, SloProbe } from "./fold-slo.ts";
import type { Freshness } from "./freshness.ts";
import { describeFreshness, firstLevel, type Judged, judgeSeries } from "./judge.ts";
import type { Level, Slo } from "./probe.ts";
import { type Burn, budgetNow, timesOver, timeToExhaustion } from "./slo.ts";
import type { BudgetState } from "./state.ts";
import { formatNumber, formatValue } from "./units.ts";

/** The verdict on one series of an SLO: how fast its budget burns, against the limit of the pair that decides. */
export function judgeSlo(
  probe: SloProbe,
  series: FoldedSlo,
  window: Window,
  freshness: Freshness,
  asked: BudgetState | undefined,
): Judged {
  const { slo } = probe;
  const { fault, shown } = series;
  const judged = judgeSeries({ ...probe, levels: shownLevels(probe, series) }, series, window, freshness);
  const budget = estimateBudget(slo, series, window.end, asked);
  const told = budget ? { ...judged, budget } : judged;
  if (fault && !describeFreshness(freshness)) {
    const firing = firstLevel(probe, series.levels, "firing");
    return firing?.state.confirmed
      ? {
          ...told,
          status: firing.level.level,
          cause: "stale",
          reason: `${fault}; it was failing before`,
          blind: true,
        }
      : { ...told, status: "unknown", cause: "no-data", reason: fault };
  }
  if (!shown || judged.blind || judged.status === "unknown") return told;
  const burn = describeBurn(slo, shown) + describeTime(probe, judged, window);
  const left = describeBudget(slo, budget, shown);
  return { ...told, reason: left === "" ? burn : `${burn}; ${left}` };
}

/** The levels with the limits that people know, in burn rates; the one that is shown comes last. */
function shownLevels({ levels, slo }: SloProbe, { shown, worst }: FoldedSlo): readonly Level[] {
  const inRates = levels.map((level): Level => {
    const pair = worst[level.level]?.pair ?? slo.pairs.find((one) => one.level === level.level);
    return { ...level, when: { op: ">", bound: pair?.factor ?? 0 } };
  });
  return inRates.toSorted(
    (a, b) => Number(a.level === shown?.pair.level) - Number(b.level === shown?.pair.level),
  );
}

function describeBurn({ objective, period, minimumEvents }: Slo, shown: Burn): string {
  const { pair, long, short, events, few } = shown;
  const told = pair.level === "fail" ? "page" : "ticket";
  const rates = `${formatNumber(long)} × over ${formatDuration(pair.long)} and ${formatNumber(short)} × over ${formatDuration(pair.short)}`;
  const burn = `${objective} % over ${formatDuration(period)} burns ${rates} (${told} above ${formatNumber(pair.factor)} ×)`;
  return few
    ? `${burn}, but ${formatNumber(events)} events in ${formatDuration(pair.long)} are fewer than minimumEvents: ${minimumEvents}`
    : burn;
}

function describeTime(
  { levels }: SloProbe,
  { cause, since, sinceAtLeast, pending }: Judged,
  { end }: Window,
): string {
  if (cause === "kept-firing") return ", no longer too fast, kept firing";
  if (since === null || end === since) return "";
  const lasted = ` for ${sinceAtLeast ? "at least " : ""}${formatDuration(end - since)}`;
  if (cause === "breach") return lasted;
  const level = levels.find((one) => one.level === pending);
  return level ? `${lasted}, ${level.level}s at ${formatDuration(level.for)}` : "";
}

function describeBudget({ period }: Slo, budget: Budget | null, shown: Burn): string {
  if (!budget) return "";
  const { left, exhaustedIn } = budget;
  if (left <= 0)
    return `the budget of ${formatDuration(period)} is overspent by ${formatValue(-left, "ratio")}`;
  const rest = `${formatValue(left, "ratio")} of the budget left`;
  return exhaustedIn === null || timesOver(shown) <= 1
    ? rest
    : `${rest}, gone in ${formatDuration(roughly(exhaustedIn))} at the rate of the last ${formatDuration(shown.pair.short)}`;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** As exact as a forecast deserves: days and hours, hours and minutes, or minutes. */
function roughly(span: number): number {
  const unit = span >= day ? hour : minute;
  return Math.max(minute, Math.round(span / unit) * unit);
}

/** The budget as it was last asked for, less what has burned since. */
function estimateBudget(
  { period }: Slo,
  { key, shown, burnOver }: FoldedSlo,
  end: number,
  asked: BudgetState | undefined,
): Budget | null {
  const then = asked?.left[key];
  if (!asked || then === undefined || then === null) return null;
  const elapsed = Math.max(0, end - asked.at);
  const left = budgetNow(then, burnOver(elapsed), elapsed, period);
  return { left, exhaustedIn: timeToExhaustion(left, shown?.short ?? 0, period), at: asked.at };
}
