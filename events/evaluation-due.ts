import * as z from "zod/mini";

/** One shard of one target is to be evaluated as of `at`. Told twice or late, it changes nothing. */
export const evaluationDue = {
  detailType: "evaluation-due",
  source: "sonde.run-probes",
  detail: z.strictObject({
    type: z.literal("evaluation-due"),
    target: z.string(),
    /** Such as `2/3`. */
    shard: z.string(),
    at: z.iso.datetime(),
  }),
} as const;

export type EvaluationDue = z.infer<typeof evaluationDue.detail>;
