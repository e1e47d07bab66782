import * as z from "zod/mini";

const memorySchema = z.object({
  /** Tokens of a UTC day, those included that a run under way may still take. */
  day: z.string(),
  tokens: z.number(),
});
/** What the completion probe keeps from run to run. */
export type CompletionMemory = z.infer<typeof memorySchema>;

/** What one run takes at the most, as far as nobody says otherwise: eight tokens, a short prompt, a chat template. */
export const tokensPerRun = 64;

/** Today's part of what was remembered; what cannot be read counts as nothing. */
export function readCompletionMemory(memory: unknown, now: number): CompletionMemory {
  const day = new Date(now).toISOString().slice(0, 10);
  const parsed = memorySchema.safeParse(memory);
  return parsed.success && parsed.data.day === day ? parsed.data : { day, tokens: 0 };
}

/** Taken before the request goes out, so that a run that crashes has not asked for free. */
export function reserve(memory: CompletionMemory): CompletionMemory {
  return { ...memory, tokens: memory.tokens + tokensPerRun };
}

/** Puts what the answer says in the place of what was reserved. */
export function settle(reserved: CompletionMemory, taken: number | null): CompletionMemory {
  return taken === null ? reserved : { ...reserved, tokens: reserved.tokens - tokensPerRun + taken };
}
