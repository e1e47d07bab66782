import type { ChildProcess } from "node:child_process";

import * as z from "zod/mini";

const turn = z.object({
  millis: z.number(),
  requests: z.number(),
  samples: z.number(),
  firing: z.number(),
  /** A turn in which Sonde could not tell is worth nothing. */
  unknown: z.number(),
  /** Megabytes, the most that the process ever held. */
  peak: z.number(),
});
/** What one turn came to. */
export type Turn = z.infer<typeof turn>;

const order = z.object({ at: z.number() });

/** The worker's side: takes a turn whenever it is told to, as of the time it is told. */
export function turnsOf(take: (at: number) => Promise<Omit<Turn, "millis" | "peak">>): void {
  process.on("message", async (message) => {
    const { at } = order.parse(message);
    const started = performance.now();
    const outcome = await take(at);
    const millis = performance.now() - started;
    process.send?.({ ...outcome, millis, peak: process.resourceUsage().maxRSS / 1024 });
  });
}

/** The bench's side: lets a worker take one turn. */
export function takeTurn(worker: ChildProcess, at: number): Promise<Turn> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error("the bench's worker ended"));
    worker.once("exit", ended);
    worker.once("message", (answer) => {
      worker.removeListener("exit", ended);
      resolve(turn.parse(answer));
    });
    worker.send({ at });
  });
}
