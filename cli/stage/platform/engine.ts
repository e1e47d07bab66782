import { meanOf } from "./distribution.ts";
import { minute } from "./flow.ts";
import { models } from "./models.ts";
import { type Counts, type Workload, weighed } from "./workload.ts";

/** What one engine looks like at a moment. */
export interface EngineState {
  readonly at: number;
  readonly startedAt: number;
  readonly served: Counts;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly running: number;
  readonly waiting: number;
  readonly cacheUsage: number;
}

/** The engine of a pod at a time, or null while its container restarts. */
export function engineAt(workload: Workload, at: number): EngineState | null {
  const startedAt = workload.startedAt(at);
  if (startedAt === null) return null;
  const model = models[workload.pod.model];
  const served = workload.served(at);
  const load = workload.load(at);
  const strain = workload.strain(at);
  const warm = Math.min(1, (at - startedAt) / (2 * minute));
  const quiet = model.rate * load * meanOf(model.endToEnd[0]) * warm;
  return {
    at,
    startedAt,
    served,
    promptTokens: weighed(served, model.promptTokens),
    outputTokens: weighed(served, model.outputTokens),
    running: Math.round(quiet + strain * (46 - quiet)),
    waiting: Math.max(0, Math.round((load - 1.45) * 5 + strain * (36 + 20 * (load - 1.3)))),
    cacheUsage: Math.min(
      0.985,
      0.06 + 0.3 * load * warm * (1 - strain) + strain * (0.87 + 0.02 * (load - 1.3)),
    ),
  };
}
