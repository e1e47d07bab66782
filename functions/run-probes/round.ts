import type { ChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { findLagging, isBehind } from "../../shared/adapters/find-lagging.ts";
import type { Announcement, Incidents } from "../../shared/domain/incidents.ts";
import { allProbes, type CompiledConfig, type Target } from "../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import { allChannels } from "../../shared/domain/routes.ts";
import type { Shard } from "../../shared/domain/shards.ts";
import {
  emptyTargetState,
  formatTargetState,
  parseTargetState,
  type TargetState,
} from "../../shared/domain/state.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import { checkTarget, type TargetCheck } from "./check-target.ts";
import { settleNames } from "./names.ts";

export interface RoundDeps {
  readonly store: Store;
  readonly changeIncidents: ChangeIncidents;
  /** Tells the notifiers which messages may lag behind their incident. */
  readonly announce: (target: string, announcements: readonly Announcement[]) => Promise<void>;
  readonly clientFor: (target: Target) => Promise<PrometheusClient>;
  readonly nonce: () => string;
  /** Up to which change a message is known to show its incident, so that it need not be looked at again. */
  readonly shown: Map<string, number>;
}

/** One round of one shard of a target: what was found, the incidents now, and the messages that lag. */
export interface TargetRound {
  readonly check: TargetCheck;
  readonly incidents: Incidents;
  readonly announced: readonly Announcement[];
  /** Of those, the messages that have not told a change for longer than anybody should wait. */
  readonly behind: number;
}

/** Rounds may overlap; whoever writes second reads again and finds its points evaluated. */
const writeTries = 4;

/** Runs a shard's probes on their target, remembers, and announces what changed. `now` is Unix milliseconds. */
export async function runTargetRound(
  target: Target,
  shard: Shard,
  config: CompiledConfig,
  now: number,
  deps: RoundDeps,
): Promise<TargetRound> {
  const client = await deps.clientFor(target);
  const key = storeKeys.shard(target.name, shard.name);
  for (let tries = 0; tries < writeTries; tries++) {
    const stored = await deps.store.read(key);
    const before = stored ? parseTargetState(key, stored.body) : emptyTargetState(target.name);
    const { resolved, kept } = await settleNames(shard.probes, {
      queryInstant: client.queryInstant,
      at: now - target.delay,
      kept: before.names,
      states: before.probes,
    });
    const check = await checkTarget(target, resolved, { client, now, states: before.probes });
    // Incidents first: a round that is cut short between the two is evaluated again, and changes them no more.
    const input = {
      kind: "round",
      round: {
        shard: shard.name,
        at: check.end,
        results: check.results,
        configured: allProbes(config),
        shardOf: shard.probes,
        probes: check.probes,
      },
    } as const;
    const { incidents } = (await deps.changeIncidents(target.name, input, now)).state;
    const lagging = await findLagging(incidents, deps);
    const announced = lagging.map(({ announcement }) => announcement);
    const state: TargetState = {
      ...before,
      writer: deps.nonce(),
      roundAt: check.end,
      names: kept,
      probes: { ...check.probes },
    };
    const condition = stored ? ({ ifMatch: stored.etag } as const) : ({ ifNoneMatch: "*" } as const);
    // Side by side: a bus in trouble costs no state, and state that cannot be written no message.
    const [written, told] = await Promise.allSettled([
      // Another invocation may have remembered this round already.
      check.end <= before.roundAt ? "covered" : deps.store.write(key, formatTargetState(state), condition),
      deps.announce(target.name, announced),
    ]);
    if (written.status === "rejected") throw written.reason;
    if (written.value === "conflict") continue;
    if (told.status === "rejected") throw told.reason;
    const routed = new Set(allChannels(config.incidents.routes));
    const behind = lagging.filter((one) => routed.has(one.announcement.channel) && isBehind(one, now)).length;
    return { check, incidents, announced, behind };
  }
  throw new Error(
    `the state of target ${target.name} was changed by others ${writeTries} times in one round; the next round catches up`,
  );
}
