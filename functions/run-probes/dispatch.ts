import { type EvaluationDue, evaluationDue } from "../../events/evaluation-due.ts";
import type { PublishEvents } from "../../shared/adapters/event-bus.ts";
import { incidentsObject } from "../../shared/domain/incident-state.ts";
import type { Store } from "../../shared/domain/store.ts";
import { storeKeys } from "../../shared/domain/store.ts";
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

/** Whether every unit's last round is a recent one: what is sent off for evaluation says nothing by itself. */
export async function allEvaluated(
  units: readonly Unit[],
  now: number,
  { store }: DispatchDeps,
): Promise<boolean> {
  const targets = new Map(units.map(({ target }) => [target.name, target]));
  const fresh = await Promise.all(
    [...targets.values()].map(async (target) => {
      const key = storeKeys.incidents(target.name);
      const stored = await store.read(key);
      const rounds = stored ? incidentsObject(target.name).parse(key, stored.body).rounds : {};
      return units.every(
        (unit) => unit.target !== target || now - target.delay - (rounds[unit.shard.name] ?? 0) <= freshFor,
      );
    }),
  );
  return fresh.every(Boolean);
}
