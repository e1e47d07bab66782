import { isActive } from "../../shared/domain/incident.ts";
import { summarize } from "../../shared/domain/summary.ts";
import type { CliDeps } from "../deps.ts";
import type { LocalRounds } from "./local-rounds.ts";

type Scheduled = Pick<LocalRounds, "run" | "next">;
type FollowDeps = Pick<CliDeps, "now" | "sleep" | "out" | "err" | "interrupted">;

/** A round at once, and from then on each when it is due, until Ctrl-C. */
export async function followSchedule(rounds: Scheduled, deps: FollowDeps): Promise<void> {
  let running = false;
  const tell = () => {
    if (running) deps.err("ending after this round; Ctrl-C again ends at once");
  };
  deps.interrupted.addEventListener("abort", tell, { once: true });
  let last: number | null = null;
  while (!deps.interrupted.aborted) {
    // Asked anew after every sleep: a machine that slept too goes on with the round that is due by then.
    const due: number = last === null ? deps.now() : rounds.next(last);
    const early = due - deps.now();
    if (early > 0) {
      await deps.sleep(early);
      continue;
    }
    running = true;
    await runAndTell(rounds, due, deps);
    running = false;
    last = due;
  }
}

/** One round, a line for each target. A round that fails is told, and the next one comes. */
async function runAndTell(rounds: Scheduled, at: number, deps: FollowDeps): Promise<void> {
  try {
    for (const { check, incidents, announced } of await rounds.run(at)) {
      const { fail, warn, unknown, ok } = summarize(check.verdicts, 0, 0);
      const open = Object.values(incidents).filter(isActive).length;
      deps.out(
        `${new Date(check.end).toISOString()}  ${check.target}  ${fail} fail, ${warn} warn, ${unknown} unknown, ${ok} ok · ${open} incidents open, ${announced.length} messages brought up to date`,
      );
    }
  } catch (error) {
    deps.err(error instanceof Error ? error.message : String(error));
  }
}
