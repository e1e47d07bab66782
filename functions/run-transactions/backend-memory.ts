import * as z from "zod/mini";

const pendingSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  run: z.string(),
  /** Unix milliseconds. */
  sentAt: z.number(),
  /** It was taken, so it may be waited for. Else it may have come to nothing. */
  accepted: z.boolean(),
});
/** Something that was sent and not seen since, or seen and not deleted where it could be. */
export type PendingSent = z.infer<typeof pendingSchema>;

const memorySchema = z.object({ lags: z.array(z.number()), pending: z.array(pendingSchema) });
export type BackendMemory = z.infer<typeof memorySchema>;

/** What was remembered; what cannot be read is forgotten. */
export function readBackendMemory(memory: unknown): BackendMemory {
  const parsed = memorySchema.safeParse(memory);
  return parsed.success ? parsed.data : { lags: [], pending: [] };
}

/** What nobody saw in a day was never stored; what was not even taken, most likely in minutes. */
const forgottenAfter = 24 * 3_600_000;
const doubtfulAfter = 10 * 60_000;

export function isForgotten({ sentAt, accepted }: PendingSent, now: number): boolean {
  return now - sentAt >= (accepted ? forgottenAfter : doubtfulAfter);
}
