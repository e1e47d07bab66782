import { formatDuration } from "./duration.ts";
import { blindProbe, type Incident, isActive, isOpen, leadOf, type Mute, note, touch } from "./incident.ts";
import { findMutes, type MuteContext } from "./muting.ts";
import { escalationFor, routesFor } from "./routes.ts";

export interface TellContext extends MuteContext {
  /** The time that the input spoke of, Unix milliseconds. */
  readonly at: number;
}

/** What follows from time: who is muted and who is heard again, what is repeated, escalated, and where it is told. */
export function tell(incidents: readonly Incident[], context: TellContext): Incident[] {
  const muteOf = findMutes(incidents, context);
  return incidents.map((incident) =>
    isOpen(incident)
      ? tellOne(applyMute(incident, muteOf(incident), context), context)
      : { ...incident, mute: null },
  );
}

/** A silence says that it ends so long before it does. */
const endingSoon = 15 * 60_000;

function applyMute(incident: Incident, mute: Mute | null, { now }: TellContext): Incident {
  const before = incident.mute;
  if (!before && !mute) return incident;
  if (!before && mute) {
    const muted = { ...incident, mute };
    return isActive(incident) ? note(muted, "muted", now, { note: describeMute(mute, now) }) : muted;
  }
  if (!mute) {
    const heard = { ...incident, mute: null };
    if (!isActive(incident)) return heard;
    return note({ ...heard, loudAt: now }, "unmuted", now, { value: leadOf(incident).value });
  }
  if (before && (before.by !== mute.by || before.id !== mute.id || before.until !== mute.until))
    return touch({ ...incident, mute });
  const { until } = mute;
  const soon = mute.by === "silence" && until !== null && until - now <= endingSoon && isActive(incident);
  if (
    soon &&
    incident.history.findLast(({ what }) => what === "muted" || what === "mute-ending")?.what === "muted"
  )
    return note(incident, "mute-ending", now, {
      note: formatDuration(Math.ceil((until - now) / 60_000) * 60_000),
    });
  return incident;
}

function describeMute({ by, note: text, until }: Mute, now: number): string {
  const long = until === null ? "" : ` for ${formatDuration(Math.ceil((until - now) / 60_000) * 60_000)}`;
  switch (by) {
    case "silence":
      return `silenced by ${text}${long}`;
    case "maintenance":
      return `in a maintenance window${long}`;
    case "inhibition":
      return `follows from ${text}`;
    case "storm":
      return "part of a storm";
  }
}

function tellOne(incident: Incident, context: TellContext): Incident {
  if (!isActive(incident) || incident.mute) return incident;
  const { now, policy } = context;
  if (now < (incident.firedAt ?? now) + policy.groupWait) return incident;
  const routes = routesFor(incident, policy.routes);
  const shown = show(
    incident,
    routes.flatMap(({ channels }) => channels),
  );
  if (incident.status === "flapping") return shown;
  let next = tellBlindness(tellGrowth(shown, context), context);
  if (next.acknowledged) return next;
  const escalation = escalationFor(routes);
  const firedAt = next.firedAt ?? now;
  if (escalation && next.escalatedAt === null && now - firedAt >= escalation.after) {
    next = note({ ...next, escalatedAt: now, loudAt: now }, "unanswered", now, {
      value: leadOf(next).value,
      note: escalation.mention,
    });
    return show(next, escalation.channels);
  }
  const interval = Math.min(...routes.map(({ repeatInterval }) => repeatInterval ?? policy.repeatInterval));
  if (interval > 0 && Number.isFinite(interval) && now - (next.loudAt ?? now) >= interval)
    return note({ ...next, loudAt: now }, "repeated", now, { value: leadOf(next).value });
  return next;
}

/** An incident that escalates into another route is told there, and kept up to date where it was told before. */
function show(incident: Incident, channels: readonly string[]): Incident {
  const more = [...new Set(channels)].filter((channel) => !incident.channels.includes(channel));
  return more.length === 0 ? incident : { ...incident, channels: [...incident.channels, ...more] };
}

/** The message shows each member at once; the thread hears of them now and then. */
function tellGrowth(incident: Incident, { now, policy }: TellContext): Incident {
  const { joined, left, toldAt } = incident.growth;
  if ((joined === 0 && left === 0) || now - toldAt < policy.groupInterval) return incident;
  const parts = [...(joined > 0 ? [`${joined} joined`] : []), ...(left > 0 ? [`${left} left`] : [])];
  return note({ ...incident, growth: { toldAt: now, joined: 0, left: 0 } }, "grew", now, {
    note: parts.join(", "),
  });
}

/** A round or two without sight are no news. */
function tellBlindness(incident: Incident, { at, policy }: TellContext): Incident {
  if (incident.probe === blindProbe) return incident;
  const last = incident.history.findLast(({ what }) => what === "blind" || what === "seen-again")?.what;
  const patience = (policy.blindAfter - 1) * 60_000;
  if (incident.blindSince !== null && last !== "blind" && at - incident.blindSince >= patience)
    return note(incident, "blind", at, { value: leadOf(incident).value });
  if (incident.blindSince === null && last === "blind")
    return note(incident, "seen-again", at, { value: leadOf(incident).value });
  return incident;
}
