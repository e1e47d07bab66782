import * as z from "zod/mini";

const pendingSchema = z.object({
  traceId: z.string(),
  /** Unix milliseconds. */
  sentAt: z.number(),
  /** Langfuse took it: it may be waited for. Else it may have come to nothing. */
  accepted: z.boolean(),
  /** When its deletion was accepted; null where it is still to be deleted. */
  deletedAt: z.nullable(z.number()),
});
/** A trace that was sent, or perhaps was, and is not known to be gone. */
export type PendingTrace = z.infer<typeof pendingSchema>;

const memorySchema = z.object({
  lags: z.array(z.number()),
  pending: z.array(pendingSchema),
  /** The read path that worked last. */
  path: z.nullable(z.enum(["v2", "legacy"])),
  /** When the keys were last unknown, Unix milliseconds; null where they were not. */
  unknownKeyAt: z.nullable(z.number()),
  /** Deletions of a UTC day. */
  deletes: z.object({ day: z.string(), count: z.number() }),
});
export type TraceMemory = z.infer<typeof memorySchema>;

const nothing: TraceMemory = {
  lags: [],
  pending: [],
  path: null,
  unknownKeyAt: null,
  deletes: { day: "", count: 0 },
};

/** What was remembered; what cannot be read is forgotten, since the traces can be found by other means. */
export function readTraceMemory(memory: unknown): TraceMemory {
  const parsed = memorySchema.safeParse(memory);
  return parsed.success ? parsed.data : nothing;
}

export function deletesLeft({ deletes }: TraceMemory, perDay: number, now: number): number {
  return perDay - (deletes.day === dayOf(now) ? deletes.count : 0);
}

export function countDelete(memory: TraceMemory, now: number): TraceMemory {
  const day = dayOf(now);
  const count = memory.deletes.day === day ? memory.deletes.count : 0;
  return { ...memory, deletes: { day, count: count + 1 } };
}

function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}
