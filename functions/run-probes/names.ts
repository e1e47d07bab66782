import type { Probe } from "../../shared/domain/probe.ts";
import { PrometheusError, type QueryInstant } from "../../shared/domain/prometheus.ts";
import { type FoundNames, planLookup, readLookup, resolveProbe } from "../../shared/domain/resolve-names.ts";
import type { ResolvedProbe } from "./ask.ts";

/** Settles a target's metric and label names, and remembers them for a while. */
export type ResolveNames = (
  target: string,
  probes: readonly Probe[],
  queryInstant: QueryInstant,
  at: number,
) => Promise<readonly ResolvedProbe[]>;

/** Exporters change their names at upgrades, not by the minute. */
const keepFor = 10 * 60_000;

/** A cache that lives as long as the process: a Lambda that stays warm looks names up every ten minutes. */
export function buildResolveNames(): ResolveNames {
  const cache = new Map<string, { found: FoundNames; at: number }>();
  return async (target, probes, queryInstant, at) => {
    const cached = cache.get(target);
    try {
      const found =
        cached && at - cached.at < keepFor
          ? cached.found
          : await lookUp(probes, queryInstant, at, cached?.found);
      if (found !== cached?.found) cache.set(target, { found, at });
      return probes.map((probe) => settle(probe, found));
    } catch (error) {
      if (!(error instanceof PrometheusError)) throw error;
      // Old names are better than none while the target is in trouble.
      return probes.map((probe) => (cached ? settle(probe, cached.found) : unsettled(probe, error.message)));
    }
  };
}

async function lookUp(
  probes: readonly Probe[],
  queryInstant: QueryInstant,
  at: number,
  before: FoundNames | undefined,
): Promise<FoundNames> {
  const plan = planLookup(probes);
  const answers = await Promise.all(
    plan.queries.map(async (query) => (await queryInstant({ query, at })).data),
  );
  return readLookup(plan, answers, before);
}

function settle(probe: Probe, found: FoundNames): ResolvedProbe {
  const settled = resolveProbe(probe, found);
  return "missing" in settled ? { probe, missing: settled.hint } : { probe, ...settled };
}

function unsettled(probe: Probe, reason: string): ResolvedProbe {
  const [variant] = probe.variants;
  const plain = variant && Object.keys(probe.aliases).length === 0;
  return plain ? { probe, query: variant.query, guard: variant.guard } : { probe, failed: reason };
}
