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
  const local = now + offsetAt(now, timeZone);
  const midnight = local - modulo(local, dayMs);
  const weekday = new Date(local).getUTCDay();
  const monday = midnight + modulo(1 - weekday, 7) * dayMs + mondayHour * 60 * minuteMs;
  const next = instantOf(monday, timeZone);
  return next > now ? next : instantOf(monday + 7 * dayMs, timeZone);
}

/** When clocks in the zone show this local time, written as if it were UTC. No zone changes its clocks at nine. */
function instantOf(local: number, timeZone: string): number {
  const guess = local - offsetAt(local, timeZone);
  return local - offsetAt(guess, timeZone);
}

/** How far the zone's clocks are ahead of UTC, milliseconds. */
function offsetAt(at: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat("en", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
