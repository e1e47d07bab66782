import { blindProbe, type Member } from "./incident.ts";
import type { ProbeSource } from "./probe.ts";
import type { Round } from "./round.ts";

/**
 * The probes of a round that cannot tell, as members of the target's one incident about blindness, so that a
 * dead target is one message and not sixty. `known` are those that are in it already.
 */
export function blindMembers(known: ReadonlySet<string>, round: Round): Member[] {
  const reasons = new Map(
    round.results.map(({ probe, verdicts }) => [probe.id, verdicts.at(-1)?.reason ?? ""]),
  );
  return round.shardOf.flatMap(({ id, source }): Member[] => {
    const state = round.probes[id];
    if (!state || state.blindRounds < round.blindAfter) return [];
    if (!known.has(id) && !state.everFresh && !isExpected(source, round.heard)) return [];
    const reason = reasons.get(id) ?? "";
    return [
      {
        probe: blindProbe,
        labels: { probe: id },
        state: "firing",
        level: "unknown",
        blind: true,
        value: null,
        unit: "",
        threshold: null,
        summary: reason ? `${id}: ${reason}` : id,
        description: "",
        runbook: "",
        dashboard: "",
        own: {},
        activeAt: state.blindSince ?? round.at,
        activeAtLeast: false,
        points: [],
        byProbe: true,
        alertAt: null,
        budget: null,
      },
    ];
  });
}

/** The components that a round's probes have heard of. */
export function heardIn({ shardOf, probes }: Pick<Round, "shardOf" | "probes">): string[] {
  return shardOf.flatMap(({ id, source }) => (probes[id]?.everFresh ? [componentOf(source)] : []));
}

/**
 * Whether the silence of a probe that was never heard of on this target is news. A pack asks more than any one
 * target has: there it is news only if config names the component and nothing at all is heard of it.
 */
function isExpected(source: ProbeSource, heard: ReadonlySet<string>): boolean {
  return source.kind !== "pack" || (source.named && !heard.has(componentOf(source)));
}

function componentOf(source: ProbeSource): string {
  return source.kind === "pack" ? `${source.pack} ${source.component}` : "";
}
