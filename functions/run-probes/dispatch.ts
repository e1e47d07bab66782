import { type EvaluationDue, evaluationDue } from "../../events/evaluation-due.ts";
import type { PublishEvents } from "../../shared/adapters/event-bus.ts";
import { emptyTargetState, parseTargetState } from "../../shared/domain/state.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import type { Unit } from "./run-round.ts";

export interface DispatchDeps {
  readonly store: Store;
  readonly publish: PublishEvents;
}

/** Has every unit evaluated by an invocation of its own. `at` is Unix milliseconds. */
export async function dispatch(units: readonly Unit[], at: number, { publish }: DispatchDeps): Promise<void> {
  const { source, detailType } = evaluationDue;
  await publish(
    units.map(({ target, shard }) => {
      const detail: EvaluationDue = {
        type: "evaluation-due",
        target: target.name,
        shard: shard.name,
        at: new Date(at).toISOString(),
      };
      return { source, detailType, detail };
    }),
  );
}

/** Two rounds may be missed before somebody outside should notice. */
const freshFor = 3 * 60_000;

/**
 * Whether every unit's last round is a recent one, and somebody answered in it: what is sent off for evaluation
 * says nothing by itself.
 */
export async function allEvaluated(
  units: readonly Unit[],
  now: number,
  { store }: DispatchDeps,
): Promise<boolean> {
  const rounds = await Promise.all(
    units.map(async ({ target, shard }) => {
      const key = storeKeys.shard(target.name, shard.name);
      const stored = await store.read(key);
      const { roundAt, probes } = stored ? parseTargetState(key, stored.body) : emptyTargetState(target.name);
      const oldest = now - target.delay - freshFor;
      return {
        fresh: roundAt >= oldest,
        answered: Object.values(probes).some(({ evaluatedTo }) => evaluatedTo >= oldest),
      };
    }),
  );
  return rounds.every(({ fresh }) => fresh) && rounds.some(({ answered }) => answered);
}
