import { checkTarget } from "../../functions/run-probes/check-target.ts";
import { settleNames } from "../../functions/run-probes/names.ts";
import type { Probe, Target } from "../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import type { KeptNames, ProbeState } from "../../shared/domain/state.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";

/**
 * Runs one probe as Sonde would have from the start of the test on, a round at every `every`, and answers the
 * verdicts of the round at or before each of the times. Milliseconds.
 */
export async function runRounds(
  probe: Probe,
  target: Target,
  client: PrometheusClient,
  times: readonly number[],
): Promise<ReadonlyMap<number, readonly Verdict[]>> {
  const rounds = new Map<number, readonly Verdict[]>();
  let kept: KeptNames | null = null;
  let states: Readonly<Record<string, ProbeState>> = {};
  for (let now = 0; now <= Math.max(...times); now += probe.every) {
    const settled = await settleNames([probe], { queryInstant: client.queryInstant, at: now, kept, states });
    kept = settled.kept;
    const check = await checkTarget(target, settled.resolved, { client, now, states });
    states = Object.fromEntries(
      Object.entries(check.probes).map(([id, state]) => [id, beganAtZero(state, probe)]),
    );
    rounds.set(now, check.verdicts);
  }
  return new Map(times.map((time) => [time, rounds.get(time - (time % probe.every)) ?? []]));
}

/** State takes 0 for "never evaluated", and nobody but a test evaluates at Unix time 0: that point is folded again. */
function beganAtZero(state: ProbeState, { step }: Probe): ProbeState {
  return state.evaluatedTo === 0 ? { ...state, evaluatedTo: -step } : state;
}
