import type { Langfuse, ReadPath } from "../../shared/adapters/langfuse.ts";
import { nextPause } from "../../shared/domain/transactions/poll-plan.ts";

interface FindTraceDeps {
  readonly langfuse: Pick<Langfuse, "read">;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Well above what Langfuse Cloud's smallest plan allows, 30 a minute. */
const shortestPause = 3_000;

/** Whether a trace that another program sends can be read in time; null where that could not be asked. */
export async function findTrace(
  traceId: string,
  patience: number,
  { langfuse, now, sleep }: FindTraceDeps,
): Promise<boolean | null> {
  const until = now() + patience;
  let path: ReadPath = "v2";
  let answered = false;
  let turned = false;
  for (;;) {
    const started = now();
    const { kind } = await langfuse.read(path, traceId);
    if (kind === "trace") return true;
    if (kind === "other-path" && !turned) {
      turned = true;
      path = "legacy";
      continue;
    }
    answered ||= kind === "nothing";
    if (started >= until) return answered ? false : null;
    await sleep(nextPause(patience - (until - started), shortestPause));
  }
}
