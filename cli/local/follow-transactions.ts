import { type RunDueDeps, runDue } from "../../functions/run-transactions/run-due.ts";
import type { CliDeps } from "../deps.ts";

const minute = 60_000;
/** As long as the function may run: what takes longer is cut off. */
const invocation = 10 * minute;

/**
 * What is due, each minute, until Ctrl-C, a line for each run. Minutes overlap as invocations do: what is still
 * running is not begun again.
 */
export async function followTransactions(due: RunDueDeps, deps: CliDeps): Promise<void> {
  const running = new Set<Promise<void>>();
  while (!deps.interrupted.aborted) {
    const now = deps.now();
    const one = runAndTell(due, now, deps).finally(() => running.delete(one));
    running.add(one);
    await deps.sleep(minute - (deps.now() % minute));
  }
  await Promise.all(running);
}

async function runAndTell(due: RunDueDeps, now: number, deps: CliDeps): Promise<void> {
  try {
    const { ran } = await runDue(now, now + invocation, due);
    for (const [name, status] of Object.entries(ran))
      deps.out(`${new Date(deps.now()).toISOString()}  ${name}  ${status}`);
  } catch (error) {
    if (!deps.interrupted.aborted) deps.err(error instanceof Error ? error.message : String(error));
  }
}
