import { json, type StageAnswer } from "./answer.ts";

export type CloudPlan = "hobby" | "core";
export type Limited = "ingestion" | "v2-observations" | "legacy" | "v2-metrics" | "delete";

const minute = 60_000;
const day = 24 * 60 * minute;

/** Langfuse Cloud's limits: how many in what time. A self-hosted Langfuse has none. */
const limits: Readonly<
  Record<CloudPlan, Readonly<Record<Limited, readonly [count: number, windowMs: number]>>>
> = {
  hobby: {
    ingestion: [1_000, minute],
    "v2-observations": [30, minute],
    legacy: [15, minute],
    "v2-metrics": [100, day],
    delete: [50, day],
  },
  core: {
    ingestion: [4_000, minute],
    "v2-observations": [100, minute],
    legacy: [100, minute],
    "v2-metrics": [2_000, day],
    delete: [200, day],
  },
};

/** Answers 429 to what is too much, else nothing. */
export function buildLimits(
  plan: CloudPlan | null,
  now: () => number,
): (what: Limited) => StageAnswer | null {
  const taken = new Map<Limited, number[]>();
  return (what) => {
    if (!plan) return null;
    const [count, windowMs] = limits[plan][what];
    const recent = (taken.get(what) ?? []).filter((at) => now() - at < windowMs);
    const [oldest] = recent;
    if (recent.length >= count && oldest !== undefined)
      return tooMany(Math.ceil((oldest + windowMs - now()) / 1000));
    taken.set(what, [...recent, now()]);
    return null;
  };
}

export function tooMany(retryAfterSeconds: number): StageAnswer {
  return json(429, { message: "Rate limit exceeded" }, { "retry-after": String(retryAfterSeconds) });
}
