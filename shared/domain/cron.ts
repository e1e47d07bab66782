import { offsetsOf } from "./time-zone.ts";

/** When something comes round, as cron writes it: minute, hour, day of the month, month, day of the week. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly months: readonly number[];
  readonly weekdays: readonly number[];
  /** Both kinds of days are named: then either will do, as cron has always had it. */
  readonly eitherDay: boolean;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const fields = {
  minutes: { name: "minute", min: 0, max: 59 },
  hours: { name: "hour", min: 0, max: 23 },
  days: { name: "day of the month", min: 1, max: 31 },
  months: {
    name: "month",
    min: 1,
    max: 12,
    names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
  },
  weekdays: {
    name: "day of the week",
    min: 0,
    max: 7,
    names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
  },
} as const satisfies Record<string, Field>;

/** Throws an Error that says which field is wrong, and how. */
export function parseCron(text: string): Cron {
  const parts = text.trim().split(/\s+/);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = parts;
  if (parts.length !== 5)
    throw new Error(
      `"${text}" has ${parts.length} fields: write minute, hour, day, month and day of the week`,
    );
  const weekdays = parseField(weekday, fields.weekdays).map((one) => one % 7);
  return {
    minutes: parseField(minute, fields.minutes),
    hours: parseField(hour, fields.hours),
    days: parseField(day, fields.days),
    months: parseField(month, fields.months),
    weekdays: [...new Set(weekdays)],
    eitherDay: !day.startsWith("*") && !weekday.startsWith("*"),
  };
}

function parseField(text: string, field: Field): number[] {
  const values = text.split(",").flatMap((part) => parseRange(part, field));
  return [...new Set(values)].sort((a, b) => a - b);
}

function parseRange(text: string, field: Field): number[] {
  const [, range = "", , step = ""] = /^([^/]+)(\/(\d+))?$/.exec(text) ?? [];
  const [from = "", to, ...more] = range.split("-");
  if (more.length > 0 || step === "0" || range === "")
    throw new Error(`"${text}" is no ${field.name}: write a number, a range such as 1-5, or * or */5`);
  const first = from === "*" ? field.min : parseValue(from, field);
  const open = from === "*" || step !== "";
  const last = to === undefined ? (open ? field.max : first) : parseValue(to, field);
  // Saturday to Sunday is no way back.
  const end = last === 0 && first > 0 && field.names?.[0] === "SUN" ? 7 : last;
  if (end < first) throw new Error(`"${text}" ends before it begins: write two ranges, with a comma between`);
  const by = step === "" ? 1 : Number(step);
  return Array.from({ length: Math.floor((end - first) / by) + 1 }, (_, index) => first + index * by);
}

function parseValue(text: string, { name, min, max, names }: Field): number {
  const named = names?.indexOf(text.toUpperCase()) ?? -1;
  const value =
    named >= 0 ? named + (name === "month" ? 1 : 0) : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new Error(`"${text}" is no ${name}: that is a number from ${min} to ${max}`);
  return value;
}

/** Whether there is any such day at all. */
export function comesRound({ days, months, eitherDay }: Cron): boolean {
  const longest = (month: number) => (month === 2 ? 29 : [4, 6, 9, 11].includes(month) ? 30 : 31);
  return eitherDay || months.some((month) => days.some((day) => day <= longest(month)));
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * The latest time after `since` and no later than `now` at which it came round, Unix milliseconds; null where
 * it did not. In the hour that summer time leaves out it comes as much later as that is long; in the hour that
 * comes twice, it comes twice.
 */
export function latestRun(cron: Cron, timezone: string, since: number, now: number): number | null {
  const offsetAt = offsetsOf(timezone);
  // What zones are apart from UTC, and what they shift by, is less than a day.
  const lastDay = Math.floor((now + dayMs) / dayMs) * dayMs;
  for (let day = lastDay; day > since - 2 * dayMs; day -= dayMs) {
    if (!isDay(cron, new Date(day))) continue;
    const runs = cron.hours.flatMap((hour) => {
      const local = day + hour * hourMs;
      // Far from both ends no zone's shift makes up for it.
      if (local - offsetAt(now) > now + 3 * hourMs || local - offsetAt(since) < since - 4 * hourMs) return [];
      return cron.minutes.flatMap((minute) => instantsOf(local + minute * minuteMs, offsetAt));
    });
    const past = runs.filter((run) => run > since && run <= now);
    if (past.length > 0) return Math.max(...past);
  }
  return null;
}

/** `date` is a day of the zone's own calendar, as if it were UTC. */
function isDay({ days, months, weekdays, eitherDay }: Cron, date: Date): boolean {
  if (!months.includes(date.getUTCMonth() + 1)) return false;
  const day = days.includes(date.getUTCDate());
  const weekday = weekdays.includes(date.getUTCDay());
  return eitherDay ? day || weekday : day && weekday;
}

/** When a zone's clocks show a time, which is given as if it were UTC: once, twice, or as soon as they have jumped over it. */
function instantsOf(local: number, offsetAt: (at: number) => number): number[] {
  const offsets = new Set([offsetAt(local - dayMs), offsetAt(local + dayMs)]);
  const shown = [...offsets].map((offset) => local - offset).filter((at) => at + offsetAt(at) === local);
  return shown.length > 0 ? shown : [local - offsetAt(local - dayMs)];
}
