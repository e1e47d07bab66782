import { parseGroupChanged } from "../../events/group-changed.ts";
import { type ConvergeDeps, converge } from "../../functions/notify-slack/converge.ts";
import { buildResolveNames } from "../../functions/run-probes/names.ts";
import { type RoundDeps, runTargetRound, type TargetRound } from "../../functions/run-probes/round.ts";
import { buildDirectoryStore } from "../../shared/adapters/directory-store.ts";
import { Retryable } from "../../shared/domain/errors.ts";
import type { CompiledConfig, Target } from "../../shared/domain/probe.ts";
import type { PrometheusClient } from "../../shared/domain/prometheus.ts";
import type { CliDeps } from "../deps.ts";

/** The functions on this machine: state in a directory, and the bus a plain call. */
export interface LocalRounds {
  /** One round over all targets as of `now`, and the messages that follow from it. */
  readonly run: (now: number) => Promise<readonly TargetRound[]>;
}

export interface LocalOptions {
  readonly config: CompiledConfig;
  readonly stateDir: string;
  /** What notify-slack needs beside the store; null shows nothing to anybody. */
  readonly notify: Omit<ConvergeDeps, "store" | "now" | "nonce"> | null;
}

const deliveryTries = 3;

export function buildLocalRounds({ config, stateDir, notify }: LocalOptions, deps: CliDeps): LocalRounds {
  const store = buildDirectoryStore(stateDir, deps.now);
  const clients = new Map<string, Promise<PrometheusClient>>();
  const clientFor = (target: Target) => {
    const client = clients.get(target.name) ?? deps.clientFor(target);
    clients.set(target.name, client);
    return client;
  };
  return {
    run: async (now) => {
      const convergeDeps = notify && { ...notify, store, now: () => now, nonce: deps.nonce };
      const roundDeps: RoundDeps = {
        store,
        clientFor,
        resolveNames,
        nonce: deps.nonce,
        publish: async (events) => {
          if (!convergeDeps) return;
          for (const { detail } of events) await deliver(parseGroupChanged(detail), convergeDeps, deps);
        },
      };
      return Promise.all(config.targets.map((target) => runTargetRound(target, config, now, roundDeps)));
    },
  };
}

const resolveNames = buildResolveNames();

/** As the queue does it: again after a pause, and in the end told, not dropped; the next round announces anew. */
async function deliver(
  event: ReturnType<typeof parseGroupChanged>,
  notify: ConvergeDeps,
  deps: CliDeps,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await converge(event, notify);
      return;
    } catch (error) {
      if (!(error instanceof Retryable) || tries >= deliveryTries) {
        deps.err(
          `a message to ${event.channel} was not sent: ${error instanceof Error ? error.message : String(error)}`,
        );
        return;
      }
      await deps.sleep(error.afterMs ?? 500);
    }
  }
}
