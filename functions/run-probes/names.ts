import { aliasesIn, guardSelectors } from "../../shared/domain/aliases.ts";
import { shortHash } from "../../shared/domain/hash.ts";
import type { Probe, Variant } from "../../shared/domain/probe.ts";
import { PrometheusError, type QueryInstant } from "../../shared/domain/prometheus.ts";
import { type FoundNames, planLookup, readLookup, resolveProbe } from "../../shared/domain/resolve-names.ts";
import type { KeptNames, ProbeState } from "../../shared/domain/state.ts";
import type { ResolvedProbe } from "./ask.ts";

/** The probes with a target's own names, and what to remember of those names. */
export interface SettledNames {
  readonly resolved: readonly ResolvedProbe[];
  readonly kept: KeptNames | null;
}

export interface SettleOptions {
  readonly queryInstant: QueryInstant;
  /** Unix milliseconds. */
  readonly at: number;
  readonly kept?: KeptNames | null;
  readonly states?: Readonly<Record<string, ProbeState>>;
}

/** Exporters change their names at upgrades, not by the minute. */
const keepFor = 10 * 60_000;

/**
 * Writes a target's own names into the probes. Names that were looked up in the last ten minutes still hold,
 * unless the probes are others now, or one has just gone blind: then its exporter may have been upgraded.
 */
export async function settleNames(
  probes: readonly Probe[],
  { queryInstant, at, kept = null, states = {} }: SettleOptions,
): Promise<SettledNames> {
  const plan = planLookup(probes);
  const planned = shortHash(plan.queries.join("\n"));
  const blindSince = Math.max(0, ...probes.map(({ id }) => states[id]?.blindSince ?? 0));
  const stillHolds = kept && at - kept.lookedUpAt < keepFor && kept.lookedUpAt > blindSince;
  if (stillHolds && kept.plan === planned)
    return { resolved: probes.map((probe) => settle(probe, kept.found)), kept };
  try {
    const answers = await Promise.all(
      plan.queries.map(async (query) => (await queryInstant({ query, at })).data),
    );
    const found = readLookup(plan, answers, kept?.found);
    return {
      resolved: probes.map((probe) => settle(probe, found)),
      kept: { plan: planned, lookedUpAt: at, found },
    };
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    // Old names are better than none while the target is in trouble.
    const settled = (probe: Probe) => (kept ? settle(probe, kept.found) : unsettled(probe, error.message));
    return { resolved: probes.map(settled), kept };
  }
}

function settle(probe: Probe, found: FoundNames): ResolvedProbe {
  const settled = resolveProbe(probe, found);
  return "missing" in settled ? { probe, missing: settled.hint } : { probe, ...settled };
}

function unsettled(probe: Probe, reason: string): ResolvedProbe {
  const plain = probe.variants.find((variant) => !needsNames(variant));
  if (!plain) return { probe, failed: reason };
  const { query, guard, budget } = plain;
  return { probe, query, guard, ...(budget === undefined ? {} : { budget }) };
}

function needsNames({ query, guard }: Variant): boolean {
  return [query, ...guardSelectors(guard)].flatMap(aliasesIn).length > 0;
}
