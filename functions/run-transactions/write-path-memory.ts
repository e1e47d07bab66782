import * as z from "zod/mini";

const memorySchema = z.object({ lags: z.array(z.number()) });

/** The lags of earlier runs, milliseconds; what cannot be read is forgotten. */
export function readWritePathMemory(memory: unknown): z.infer<typeof memorySchema> {
  const parsed = memorySchema.safeParse(memory);
  return parsed.success ? parsed.data : { lags: [] };
}
