import pLimit from "p-limit";

import { groupChangedEvent } from "../../events/group-changed.ts";
import { type DeliverDeps, deliver } from "../../functions/notify-slack/deliver.ts";
import type { NotifierDeps } from "../../functions/notify-slack/notifier.ts";
import { runTargetRound, type TargetRound } from "../../functions/run-probes/round.ts";
import { unitsOf } from "../../functions/run-probes/run-round.ts";
import { buildChangeIncidents, type ChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { buildDirectoryStore } from "../../shared/adapters/directory-store.ts";
import type { Announcement } from "../../shared/domain/incidents.ts";
import type { CompiledConfig, Target } from "../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import { nextRound } from "../../shared/domain/schedule.ts";
import type { Store } from "../../shared/domain/store.ts";
import type { CliDeps } from "../deps.ts";

/** The functions on this machine: state in a directory, and the bus a plain call. */
export interface LocalRounds {
  /** One round over all targets as of `now`, and the messages that follow from it. */
  readonly run: (now: number) => Promise<readonly TargetRound[]>;
  /** When the round after the one at `last` is due. */
  readonly next: (last: number) => number;
  readonly store: Store;
  readonly changeIncidents: ChangeIncidents;
  /** Brings messages up to date, as they look at `now`. */
  readonly announce: (target: string, announcements: readonly Announcement[], now: number) => Promise<void>;
}

export interface LocalOptions {
  readonly config: CompiledConfig;
  readonly stateDir: string;
  /** What notify-slack needs beside the store; null shows nothing to anybody. */
  readonly notify: (NotifierDeps & Pick<DeliverDeps, "pace">) | null;
}

const deliverWithin = 30_000;

export function buildLocalRounds({ config, stateDir, notify }: LocalOptions, deps: CliDeps): LocalRounds {
  const store = buildDirectoryStore(stateDir, deps.now);
  const shown = new Map<string, number>();
  // The queue too keeps what shards announce of one incident in order.
  const oneByOne = pLimit(1);
  const changeIncidents = buildChangeIncidents(store, config.incidents, {
    nonce: deps.nonce,
    pause: async () => undefined,
  });
  const clients = new Map<string, Promise<PrometheusClient>>();
  const clientFor = (target: Target) => {
    const client = clients.get(target.name) ?? deps.clientFor(target);
    clients.set(target.name, client);
    return client;
  };
  const announce: LocalRounds["announce"] = async (target, announcements, now) => {
    if (!notify) return;
    const behind = now - deps.now();
    const deliverDeps: DeliverDeps = {
      ...notify,
      store,
      // A replayed round's messages look as they did then, on a clock that goes on.
      now: () => deps.now() + behind,
      nonce: deps.nonce,
      sleep: deps.sleep,
      log: (level, message, data) => {
        if (level === "error") deps.err(`${message} (${Object.values(data).join(", ")})`);
      },
    };
    const hints = announcements.map((announcement, index) => ({
      id: String(index),
      body: JSON.stringify(groupChangedEvent(target, announcement).detail),
    }));
    // What fails is told by its log line; the next round announces it again.
    await oneByOne(() => deliver(hints, now + deliverWithin, deliverDeps));
  };
  return {
    store,
    changeIncidents,
    announce,
    next: (last) => nextRound(config, last, deps.now()),
    run: (now) => {
      const roundDeps = {
        store,
        clientFor,
        nonce: deps.nonce,
        shown,
        changeIncidents,
        announce: (target: string, announcements: readonly Announcement[]) =>
          announce(target, announcements, now),
      };
      return Promise.all(
        unitsOf(config).map(({ target, shard }) => runTargetRound(target, shard, config, now, roundDeps)),
      );
    },
  };
}
