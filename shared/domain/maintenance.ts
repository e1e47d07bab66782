import { Cron } from "croner";

import type { MaintenanceWindow } from "./incident-policy.ts";

/** When the window that is open at `now` ends, Unix milliseconds; null where none is open. */
export function openUntil({ cron, timezone, duration }: MaintenanceWindow, now: number): number | null {
  const begins = new Cron(cron, { timezone });
  // The first beginning after one that would be over by now; of overlapping ones the last counts.
  let until: number | null = null;
  let from = new Date(now - duration);
  for (let begin = begins.nextRun(from); begin && begin.getTime() <= now; begin = begins.nextRun(from)) {
    until = begin.getTime() + duration;
    from = begin;
  }
  return until;
}

/** What is wrong with a window's cron or time zone; null where both are understood. */
export function checkWindow(cron: string, timezone: string): string | null {
  try {
    if (!new Cron(cron, { timezone }).nextRun()) return `"${cron}" never comes round`;
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern:\s*/, "") : String(error);
  }
}
