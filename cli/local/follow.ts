import { isActive } from "../../shared/domain/incident.ts";
import { summarize } from "../../shared/domain/summary.ts";
import type { CliDeps } from "../deps.ts";
import type { LocalRounds } from "./local-rounds.ts";

const minute = 60_000;

/** A round at the start of each minute until Ctrl-C, a line for each target. A round that fails is told, and the next one comes. */
export async function followSchedule(rounds: LocalRounds, deps: CliDeps): Promise<void> {
  let running = false;
  const tell = () => {
    if (running) deps.err("ending after this round; Ctrl-C again ends at once");
  };
  deps.interrupted.addEventListener("abort", tell, { once: true });
  while (!deps.interrupted.aborted) {
    running = true;
    try {
      for (const { check, incidents, announced } of await rounds.run(deps.now())) {
        const { fail, warn, unknown, ok } = summarize(check.verdicts, 0, 0);
        const open = Object.values(incidents).filter(isActive).length;
        deps.out(
          `${new Date(check.end).toISOString()}  ${check.target}  ${fail} fail, ${warn} warn, ${unknown} unknown, ${ok} ok · ${open} incidents open, ${announced.length} messages brought up to date`,
        );
      }
    } catch (error) {
      deps.err(error instanceof Error ? error.message : String(error));
    }
    running = false;
    await deps.sleep(minute - (deps.now() % minute));
  }
}
