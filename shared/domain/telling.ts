import { formatDuration } from "./duration.ts";
import {
  blindProbe,
  type ChangeKind,
  type Incident,
  isActive,
  leadOf,
  type Mute,
  note,
  touch,
} from "./incident.ts";
import type { IncidentPolicy } from "./incident-policy.ts";
import type { Incidents } from "./incidents.ts";
import { isBlindness, type MuteOf } from "./muting.ts";
import { escalationFor, routesFor } from "./routes.ts";

export interface TellContext {
  /** The time that the input spoke of, and the time that it is now; Unix milliseconds. */
  readonly at: number;
  readonly now: number;
  readonly policy: IncidentPolicy;
  /** The incidents as they were before the input. */
  readonly before: Incidents;
}

/** What follows from time: who is muted and who is heard again, what is repeated, escalated, and where it is told. */
export function tell(incidents: readonly Incident[], muteOf: MuteOf, context: TellContext): Incident[] {
  return incidents.map((incident) => tellOne(applyMute(incident, muteOf(incident), context), context));
}

/** A silence says that it ends so long before it does. */
const endingSoon = 15 * 60_000;

function applyMute(incident: Incident, mute: Mute | null, context: TellContext): Incident {
  const { mute: before } = incident;
  if (!mute) return before ? unmute(incident, before, context) : incident;
  const { now } = context;
  const quiet = { ...withdraw(incident, context), mute };
  if (!before || (before.by !== mute.by && mute.by === "silence"))
    return note(quiet, "muted", now, { note: describeMute(mute, now) });
  if (before.id !== mute.id || before.until !== mute.until) return touch(quiet);
  const { until } = mute;
  const said = incident.history.findLast(({ what }) => what === "muted" || what === "mute-ending");
  const soon = mute.by === "silence" && until !== null && until - now <= endingSoon;
  // One that is short from the start has said so.
  if (soon && said?.what === "muted" && until - said.at > endingSoon)
    return note(quiet, "mute-ending", now, { note: formatMinutes(until - now) });
  return quiet;
}

/** What the channel has not seen yet it sees now; what it saw before it went out of sight is no news. */
function unmute(incident: Incident, mute: Mute, context: TellContext): Incident {
  const { now } = context;
  const heard = { ...incident, mute: null };
  if (!isActive(incident)) return heard;
  const { value } = leadOf(incident);
  if (isBlindness(mute) && incident.askedAt !== null)
    return incident.blind ? touch(heard) : note(heard, "seen-again", now, { value });
  const anew = { ...heard, askedAt: null };
  if (incident.status === "flapping") return touch(anew);
  return note({ ...withdraw(anew, context), loudAt: now }, "unmuted", now, { value });
}

const withdrawn: ReadonlySet<ChangeKind> = new Set(["fired-again", "escalated", "eased", "flapping", "calm"]);

/** The incident without what this input made it say; that it changed remains. */
function withdraw(incident: Incident, { before }: TellContext): Incident {
  const known = before[incident.id]?.seq ?? 0;
  if (incident.seq === known) return incident;
  const history = incident.history.filter(({ seq, what }) => seq <= known || !withdrawn.has(what));
  return { ...incident, history };
}

function describeMute({ by, note: text, until }: Mute, now: number): string {
  const long = until === null ? "" : ` for ${formatMinutes(until - now)}`;
  switch (by) {
    case "silence":
      return `silenced by ${text}${long}`;
    case "maintenance":
      return `in a maintenance window${long}`;
    case "inhibition":
      return text === blindProbe ? "it cannot be seen at the moment" : `follows from ${text}`;
    case "storm":
      return "part of a storm";
  }
}

function formatMinutes(ms: number): string {
  return formatDuration(Math.ceil(ms / 60_000) * 60_000);
}

function tellOne(incident: Incident, context: TellContext): Incident {
  if (!isActive(incident) || incident.mute) return incident;
  const { now, policy } = context;
  if (now < (incident.firedAt ?? now) + policy.groupWait) return incident;
  const routes = routesFor(incident, policy.routes);
  const asked = incident.askedAt === null ? { ...incident, askedAt: now } : incident;
  const shown = show(
    asked,
    routes.flatMap(({ channels }) => channels),
  );
  if (shown.status === "flapping") return shown;
  const next = tellBlindness(tellGrowth(shown, context), context);
  if (next.acknowledged) return next;
  const value = { value: leadOf(next).value };
  const escalation = escalationFor(routes);
  if (escalation && next.escalatedAt === null && now - (next.askedAt ?? now) >= escalation.after) {
    const { mention, channels } = escalation;
    const called = { ...next, escalatedAt: now, loudAt: now };
    return show(note(called, "unanswered", now, { ...value, note: mention }), channels);
  }
  const intervals = routes.map(({ repeatInterval }) => repeatInterval ?? policy.repeatInterval);
  const interval = Math.min(...intervals.filter((one) => one > 0));
  if (now - (next.loudAt ?? now) < interval) return next;
  return note({ ...next, loudAt: now }, "repeated", now, value);
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

const aboutSight: ReadonlySet<ChangeKind> = new Set(["blind", "seen-again", "recovered", "gone"]);

/** A round or two without sight are no news. */
function tellBlindness(incident: Incident, { at, policy }: TellContext): Incident {
  if (incident.probe === blindProbe) return incident;
  const last = incident.history.findLast(({ what }) => aboutSight.has(what))?.what;
  const patience = (policy.blindAfter - 1) * 60_000;
  if (incident.blindSince !== null && last !== "blind" && at - incident.blindSince >= patience)
    return note(incident, "blind", at, { value: leadOf(incident).value });
  if (incident.blindSince === null && last === "blind")
    return note(incident, "seen-again", at, { value: leadOf(incident).value });
  return incident;
}
