import { type GroupChanged, groupChanged } from "../../events/group-changed.ts";
import type { PublishEvents } from "../../shared/adapters/event-bus.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import type { CompiledConfig, Target } from "../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import {
  emptyTargetState,
  formatTargetState,
  parseMessageState,
  parseTargetState,
  type TargetState,
} from "../../shared/domain/state.ts";
import { type Store, storeKeys } from "../../shared/domain/store.ts";
import { checkTarget, foldCheck, type TargetCheck } from "./check-target.ts";
import { settleNames } from "./names.ts";

export interface RoundDeps {
  readonly store: Store;
  readonly publish: PublishEvents;
  readonly clientFor: (target: Target) => Promise<PrometheusClient>;
  readonly nonce: () => string;
  /** Messages known to show a change, as `incident channel seq`: they need not be looked at again. */
  readonly shown: Set<string>;
}

/** One target's round: what was found, what is remembered now, and the messages that lag. */
export interface TargetRound {
  readonly check: TargetCheck;
  readonly state: TargetState;
  readonly announced: readonly GroupChanged[];
}

/** Rounds may overlap; whoever writes second reads again and finds its points evaluated. */
const writeTries = 4;

/** Runs all probes of one target, remembers, and announces what changed. `now` is Unix milliseconds. */
export async function runTargetRound(
  target: Target,
  config: CompiledConfig,
  now: number,
  deps: RoundDeps,
): Promise<TargetRound> {
  const client = await deps.clientFor(target);
  const key = storeKeys.target(target.name);
  for (let tries = 0; tries < writeTries; tries++) {
    const stored = await deps.store.read(key);
    const before = stored ? parseTargetState(key, stored.body) : emptyTargetState(target.name);
    const { resolved, kept } = await settleNames(config.probes, {
      queryInstant: client.queryInstant,
      at: now - target.delay,
      kept: before.names,
      states: before.probes,
    });
    const check = await checkTarget(target, resolved, { client, now, states: before.probes });
    if (check.end < before.roundAt) return { check, state: before, announced: [] };
    // A round that another invocation has remembered is not counted twice, only announced.
    if (check.end === before.roundAt)
      return { check, state: before, announced: await announce(before, deps) };
    const state = foldCheck(before, check, config.probes, config, kept, deps.nonce());
    const condition = stored ? ({ ifMatch: stored.etag } as const) : ({ ifNoneMatch: "*" } as const);
    const written = await deps.store.write(key, formatTargetState(state), condition);
    if (written === "conflict") continue;
    return { check, state, announced: await announce(state, deps) };
  }
  throw new Error(
    `the state of target ${target.name} was changed by others ${writeTries} times in one round; the next round catches up`,
  );
}

async function announce(state: TargetState, deps: RoundDeps): Promise<GroupChanged[]> {
  const lagging = await findLagging(state, deps);
  await deps.publish(
    lagging.map((detail) => ({ source: groupChanged.source, detailType: groupChanged.detailType, detail })),
  );
  return lagging;
}

/** Messages that do not show their incident's last change: new ones, and those whose event was lost. */
async function findLagging(state: TargetState, deps: RoundDeps): Promise<GroupChanged[]> {
  const shown = Object.values(state.incidents).flatMap((incident) =>
    incident.channels.map((channel) => announceIfLagging(incident, channel, deps)),
  );
  return (await Promise.all(shown)).flatMap((event) => event ?? []);
}

async function announceIfLagging(
  incident: Incident,
  channel: string,
  { store, shown }: RoundDeps,
): Promise<GroupChanged | null> {
  const mark = `${incident.id} ${channel} ${incident.seq}`;
  if (shown.has(mark)) return null;
  const key = storeKeys.message(incident.id, channel);
  const stored = await store.read(key);
  const posted = stored ? parseMessageState(key, stored.body).postedSeq : 0;
  if (posted >= incident.seq) {
    shown.add(mark);
    return null;
  }
  // An incident that came and went before anything was posted needs no message; one may yet be on its way.
  if (!stored && incident.status === "resolved") return null;
  return { type: "group-changed", target: incident.target, group: incident.id, seq: incident.seq, channel };
}
