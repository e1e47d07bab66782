import { comesRound, latestRun, parseCron } from "./cron.ts";
import type { MaintenanceWindow } from "./incident-policy.ts";
import { isTimeZone } from "./monday.ts";

/** When the window that is open at `now` ends, Unix milliseconds; null where none is open. */
export function openUntil({ cron, timezone, duration }: MaintenanceWindow, now: number): number | null {
  const begun = latestRun(parseCron(cron), timezone, now - duration, now);
  return begun === null ? null : begun + duration;
}

/** What is wrong with a window's cron or time zone; null where both are understood. */
export function checkWindow(cron: string, timezone: string): string | null {
  try {
    if (!comesRound(parseCron(cron))) return `"${cron}" never comes round`;
    if (!isTimeZone(timezone)) return `"${timezone}" is no time zone: write one such as Europe/Berlin`;
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
