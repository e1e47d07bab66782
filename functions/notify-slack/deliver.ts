import { type GroupChanged, parseGroupChanged } from "../../events/group-changed.ts";
import { ConfigError, Retryable } from "../../shared/domain/errors.ts";
import { type ConvergeDeps, converge } from "./converge.ts";

/** A hint as it lies in the queue: the event's detail, as text. */
export interface QueuedHint {
  readonly id: string;
  readonly body: string;
}

export interface DeliverDeps extends ConvergeDeps {
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: (
    level: "info" | "warn" | "error",
    message: string,
    data: Readonly<Record<string, unknown>>,
  ) => void;
}

interface Hint {
  readonly id: string;
  readonly event: GroupChanged;
}

/**
 * Follows hints, the channels side by side, each in order, and answers the ids of those that the queue should
 * give again. `deadline` is when the last attempt must have begun, Unix milliseconds.
 */
export async function deliver(
  queued: readonly QueuedHint[],
  deadline: number,
  deps: DeliverDeps,
): Promise<readonly string[]> {
  const read = queued.map((hint) => readHint(hint, deps));
  const hints = read.flatMap((hint) => hint ?? []);
  const unreadable = queued.filter((_, index) => read[index] === null).map(({ id }) => id);
  const channels = Object.values(Object.groupBy(hints, ({ event }) => event.channel));
  const failed = await Promise.all(channels.map((own) => deliverChannel(own ?? [], deadline, deps)));
  return [...unreadable, ...failed.flat()];
}

/** Null for what is no hint: it is given back until the queue puts it aside, and holds up nothing else. */
function readHint({ id, body }: QueuedHint, deps: DeliverDeps): Hint | null {
  try {
    return { id, event: parseGroupChanged(JSON.parse(body)) };
  } catch (error) {
    deps.log("error", `a record of the queue is not a group-changed event: ${describe(error)}`, {
      record: id,
    });
    return null;
  }
}

/**
 * Where the channel cannot be written to, what is left of it is given back untried. The hints of an incident
 * that cannot be shown are not: as long as one of them lies in the queue, it holds up all that its channel is
 * told after it. Each round announces the incident again, and counts its message as behind.
 */
async function deliverChannel(
  hints: readonly Hint[],
  deadline: number,
  deps: DeliverDeps,
): Promise<readonly string[]> {
  const incidents = [...Map.groupBy(hints, ({ event }) => `${event.target} ${event.group}`).values()];
  const failed: string[] = [];
  let open = true;
  for (const same of incidents) {
    const outcome = open && same[0] ? await deliverIncident(same[0].event, deadline, deps) : "channel";
    if (outcome !== "channel") continue;
    failed.push(...same.map(({ id }) => id));
    open = false;
  }
  return failed;
}

async function deliverIncident(
  event: GroupChanged,
  deadline: number,
  deps: DeliverDeps,
): Promise<"done" | "incident" | "channel"> {
  const what = { channel: event.channel, incident: event.group };
  try {
    const effects = await withPatience(() => converge(event, deps), deadline, deps);
    if (effects.length > 0) deps.log("info", "message converged", { ...what, effects });
    return "done";
  } catch (error) {
    deps.log("error", describe(error), { ...what, error: error instanceof Error ? error.name : "unknown" });
    return error instanceof Retryable || error instanceof ConfigError ? "channel" : "incident";
  }
}

const firstPauseMs = 1_000;

/** Tries again after the pause that was asked for, as long as that ends before the deadline. */
async function withPatience<T>(act: () => Promise<T>, deadline: number, deps: DeliverDeps): Promise<T> {
  const began = deps.now();
  let slept = 0;
  for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
    if (deps.now() >= deadline) throw new Retryable("no time is left in this invocation");
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      const wait = Math.max(error.afterMs ?? 0, pauseMs);
      // Pauses count even by a clock that stands still, as in a replay.
      if (Math.max(deps.now(), began + slept) + wait >= deadline) throw error;
      await deps.sleep(wait);
      slept += wait;
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
