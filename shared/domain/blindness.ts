import { shortHash } from "./hash.ts";
import { addHistory, blindProbe, type Incident, type IncidentChange, resolveIncident } from "./incident.ts";
import type { ProbeSource } from "./probe.ts";
import type { Round } from "./round.ts";
import type { Labels } from "./series.ts";

/** One incident a target for all probes that cannot tell, so that a dead target is one message and not sixty. */
export function reduceBlindness(open: Incident | undefined, round: Round): Incident | null {
  const known = new Set(open ? listed(open) : []);
  const reasons = new Map(
    round.results.map(({ probe, verdicts }) => [probe.id, verdicts.at(-1)?.reason ?? ""]),
  );
  const heard = new Set(
    round.configured.filter(({ id }) => round.probes[id]?.everFresh).map(({ source }) => componentOf(source)),
  );
  const blind = round.configured
    .filter(({ id, source }) => {
      const state = round.probes[id];
      if (!state || state.blindRounds < round.blindAfter) return false;
      return known.has(id) || state.everFresh || isExpected(source, heard);
    })
    .map(({ id }) => id)
    .sort();
  if (blind.length === 0) return open ? resolveIncident(open, "recovered", null, round.at) : null;
  const names = blind.join(", ");
  if (open && listed(open).join(", ") === names) return open;
  const since = Math.min(...blind.map((id) => round.probes[id]?.blindSince ?? round.at));
  const count = blind.length === 1 ? "1 probe" : `${blind.length} probes`;
  const description = [...new Set(blind.flatMap((id) => reasons.get(id) || []))].slice(0, 5).join("\n");
  const text = {
    summary: `${count} of ${round.configured.length} cannot tell: ${names}`,
    description: description || (open?.description ?? ""),
  };
  if (open) {
    const change: IncidentChange = { at: round.at, what: "blind", value: blind.length };
    return {
      ...open,
      ...text,
      routing: blindRouting(round.target, names),
      value: blind.length,
      seq: open.seq + 1,
      history: addHistory(open.history, [change]),
    };
  }
  return {
    ...text,
    id: `${blindProbe}-${shortHash(round.target)}-${round.at.toString(36)}`,
    target: round.target,
    probe: blindProbe,
    status: "firing",
    level: "unknown",
    blind: true,
    labels: {},
    channels: [],
    routing: blindRouting(round.target, names),
    runbook: "",
    dashboard: "",
    value: blind.length,
    unit: "probes",
    threshold: null,
    activeAt: since,
    activeAtLeast: false,
    firedAt: round.at,
    resolvedAt: null,
    resolution: null,
    points: [],
    seq: 1,
    history: [{ at: round.at, what: "firing", value: blind.length }],
  };
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

function blindRouting(target: string, probes: string): Labels {
  return { severity: "warning", probe: blindProbe, target, probes };
}

function listed(incident: Incident): string[] {
  return (incident.routing.probes ?? "").split(", ").filter((id) => id !== "");
}
