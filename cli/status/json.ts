import { firingMembers, type Incident, leadOf } from "../../shared/domain/incident.ts";
import type { Silence } from "../../shared/domain/silence.ts";

/** How an incident stands, in one word; a muted one is `silenced`. */
export function standing({ status, mute }: Incident): Incident["status"] | "silenced" {
  return mute && status !== "resolved" ? "silenced" : status;
}

/** An incident as `sonde status --json` prints it. */
export function incidentJson(incident: Incident): string {
  const { id, target, probe, level, blind, labels, activeAt, firedAt, resolvedAt } = incident;
  const lead = leadOf(incident);
  return JSON.stringify({
    incident: id,
    target,
    probe,
    status: standing(incident),
    level,
    blind,
    labels,
    summary: lead.summary,
    value: lead.value,
    unit: lead.unit,
    since: time(activeAt),
    firedAt: time(firedAt),
    resolvedAt: time(resolvedAt),
    members: firingMembers(incident).map((member) => ({
      probe: member.probe,
      labels: member.labels,
      level: member.level,
      value: member.value,
      since: time(member.activeAt),
    })),
    acknowledged: incident.acknowledged && {
      by: incident.acknowledged.name,
      at: time(incident.acknowledged.at),
    },
    mute: incident.mute && {
      by: incident.mute.by,
      note: incident.mute.note,
      until: time(incident.mute.until),
    },
    channels: incident.channels,
    budget: lead.budget && {
      left: lead.budget.left,
      exhaustedIn: lead.budget.exhaustedIn,
      at: time(lead.budget.at),
    },
    history: incident.history.map(({ at, what, value, note }) => ({ at: time(at), what, value, note })),
  });
}

/** A silence as `sonde status --json` prints it. */
export function silenceJson({ id, matchers, startsAt, endsAt, by, reason, origin }: Silence): string {
  return JSON.stringify({
    silence: id,
    matchers,
    startsAt: time(startsAt),
    endsAt: time(endsAt),
    by: by.name,
    reason,
    origin,
  });
}

function time(at: number): string;
function time(at: number | null): string | null;
function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
