import type { PollLimits } from "./poll-plan.ts";

/** What limits the calls to a Langfuse: nothing where it is self-hosted; on Cloud the plan's rates. */
export const langfusePlans = ["self-hosted", "hobby", "core", "pro", "enterprise"] as const;
export type LangfusePlan = (typeof langfusePlans)[number];

export interface LangfuseBudget {
  readonly polls: PollLimits;
  /** Deletions a day that Sonde allows itself: four fifths of the plan's. */
  readonly deletesPerDay: number;
  /** The shortest schedule that the deletions allow. Milliseconds. */
  readonly shortestEvery: number;
}

const minute = 60_000;
const day = 24 * 60 * minute;
const ours = 0.8;

/** Reads a minute and deletions a day by plan. A plan whose limits are not known is held to Core's. */
const rates: Readonly<
  Record<Exclude<LangfusePlan, "self-hosted">, { v2: number; legacy: number; deletes: number }>
> = {
  hobby: { v2: 30, legacy: 15, deletes: 50 },
  core: { v2: 100, legacy: 100, deletes: 200 },
  pro: { v2: 100, legacy: 100, deletes: 200 },
  enterprise: { v2: 100, legacy: 100, deletes: 200 },
};

/** How often may be looked, and how often a trace may be made that must be deleted again. */
export function langfuseBudget(plan: LangfusePlan, path: "v2" | "legacy"): LangfuseBudget {
  if (plan === "self-hosted")
    return {
      polls: { shortest: 250, longest: 5_000 },
      deletesPerDay: Number.POSITIVE_INFINITY,
      shortestEvery: minute,
    };
  const { [path]: reads, deletes } = rates[plan];
  const deletesPerDay = Math.floor(deletes * ours);
  const shortest = Math.ceil(minute / (reads * ours));
  return {
    polls: { shortest, longest: Math.max(shortest, 5_000) },
    deletesPerDay,
    shortestEvery: Math.ceil(day / deletesPerDay / minute) * minute,
  };
}
