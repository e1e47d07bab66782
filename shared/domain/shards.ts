import { hashOf } from "./hash.ts";
import type { Probe } from "./probe.ts";

/** A part of a target's probes that is evaluated by itself; `name` is such as `2/3`. */
export interface Shard {
  readonly name: string;
  readonly probes: readonly Probe[];
}

/** What one function answers for well within its minute. */
export const probesPerShard = 400;

/** The probes in as few shards as hold them, each probe always in the same one by the hash of its id. */
export function shardsOf(probes: readonly Probe[], perShard = probesPerShard): Shard[] {
  const count = Math.max(1, Math.ceil(probes.length / perShard));
  const shards = Array.from({ length: count }, (): Probe[] => []);
  for (const probe of probes) shards[Number(hashOf(probe.id) % BigInt(count))]?.push(probe);
  return shards.map((own, index) => ({ name: `${index + 1}/${count}`, probes: own }));
}
