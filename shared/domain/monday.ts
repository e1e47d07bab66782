import { offsetsOf } from "./time-zone.ts";

const mondayHour = 9;
const minuteMs = 60_000;
const dayMs = 86_400_000;

/** A zone of the IANA time zone database, such as Europe/Berlin, or UTC. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

/** The first Monday at 09:00 in the time zone that is after `now`. Unix milliseconds. */
export function untilMonday(now: number, timeZone: string): number {
  const offsetAt = offsetsOf(timeZone);
  const local = now + offsetAt(now);
  const midnight = local - modulo(local, dayMs);
  const weekday = new Date(local).getUTCDay();
  const monday = midnight + modulo(1 - weekday, 7) * dayMs + mondayHour * 60 * minuteMs;
  const next = instantOf(monday, offsetAt);
  return next > now ? next : instantOf(monday + 7 * dayMs, offsetAt);
}

/** When clocks in the zone show this local time, written as if it were UTC. No zone changes its clocks at nine. */
function instantOf(local: number, offsetAt: (at: number) => number): number {
  const guess = local - offsetAt(local);
  return local - offsetAt(guess);
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
