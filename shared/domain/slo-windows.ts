import type { BurnPair, LevelName } from "./probe.ts";

/** A row of the table: this share of the budget, gone within `long`, is a breach while `short` confirms it. */
export interface WindowShare {
  /** Percent of the period's error budget. */
  readonly share: number;
  readonly long: number;
  readonly short: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export const defaultPeriod = 30 * day;
/** The table stretched to a shorter period would need windows in which too few scrapes lie. */
export const shortestDefaultPeriod = 7 * day;

/** The parameters that Google's SRE workbook recommends for 30 days ("Alerting on SLOs"); Sloth's are the same. */
const workbook: Readonly<Record<LevelName, readonly WindowShare[]>> = {
  fail: [
    { share: 2, long: hour, short: 5 * minute },
    { share: 5, long: 6 * hour, short: 30 * minute },
  ],
  warn: [
    { share: 10, long: day, short: 2 * hour },
    { share: 10, long: 3 * day, short: 6 * hour },
  ],
};

/** Spans that people say: under a day these, from a day on whole days. */
const roundSpans = [
  ...[5, 10, 15, 20, 30, 45].map((minutes) => minutes * minute),
  ...[1, 1.5, 2, 3, 4, 6, 8, 12, 18].map((hours) => hours * hour),
];

/**
 * The workbook's table for any period: its windows stretched with the period and rounded to the nearest span
 * that people say, never under 5 min, so that 28 days keep the windows of 30. The shares stay as they are;
 * what the rounding changes, the factor makes good.
 */
export function defaultWindows(level: LevelName, period: number): readonly WindowShare[] {
  const stretch = (span: number) => roundSpan((span * period) / defaultPeriod);
  return workbook[level].map(({ share, long, short }) => ({
    share,
    long: stretch(long),
    short: stretch(short),
  }));
}

function roundSpan(span: number): number {
  const days = Math.max(1, Math.floor(span / day)) * day;
  const distance = (candidate: number) => Math.abs(Math.log(candidate / span));
  return [...roundSpans, days, days + day].reduce((best, candidate) =>
    distance(candidate) < distance(best) ? candidate : best,
  );
}

/** How many times as fast as allowed the budget burns where `share` of it goes within `long` (the workbook's formula). */
export function burnPair(level: LevelName, { share, long, short }: WindowShare, period: number): BurnPair {
  return { level, long, short, factor: exact((share / 100) * (period / long)) };
}

/** The share of events that an objective in percent lets go wrong. */
export function errorBudget(objective: number): number {
  return exact((100 - objective) / 100);
}

/** Without the last digits, which are the arithmetic's: `(100 - 99.9) / 100` is 0.001. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}
