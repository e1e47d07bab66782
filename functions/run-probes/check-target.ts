import { evaluateProbe } from "../../shared/domain/evaluate.ts";
import type { Target } from "../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import type { RoundResult } from "../../shared/domain/round.ts";
import type { ProbeState } from "../../shared/domain/state.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";
import { type Asked, askProbes, type ResolvedProbe } from "./ask.ts";

/** One look at one target: what was found, and what to remember of it. */
export interface TargetCheck {
  readonly target: string;
  readonly verdicts: readonly Verdict[];
  readonly results: readonly RoundResult[];
  readonly probes: Readonly<Record<string, ProbeState>>;
  readonly end: number;
  readonly asked: Omit<Asked, "answers">;
}

export interface CheckOptions {
  readonly client: PrometheusClient;
  readonly now: number;
  readonly states: Readonly<Record<string, ProbeState>>;
  readonly concurrency?: number;
}

/** Asks a target all that is due and gives a verdict for each series. Reads and writes no state of its own. */
export async function checkTarget(
  target: Target,
  resolved: readonly ResolvedProbe[],
  { client, now, states, concurrency }: CheckOptions,
): Promise<TargetCheck> {
  const end = now - target.delay;
  const { answers, ...asked } = await askProbes(resolved, {
    queryRange: client.queryRange,
    end,
    states,
    ...(concurrency === undefined ? {} : { concurrency }),
  });
  const results = resolved.flatMap(({ probe }): RoundResult[] => {
    const answer = answers.get(probe.id);
    return answer ? [{ probe, ...evaluateProbe(probe, target.name, answer, states[probe.id], end) }] : [];
  });
  const evaluated = new Map(results.map(({ probe, state }) => [probe.id, state]));
  const probes = Object.fromEntries(
    resolved.flatMap(({ probe }) => {
      const state = evaluated.get(probe.id) ?? states[probe.id];
      return state ? [[probe.id, state] as const] : [];
    }),
  );
  return {
    target: target.name,
    verdicts: results.flatMap(({ verdicts }) => verdicts),
    results,
    probes,
    end,
    asked,
  };
}
