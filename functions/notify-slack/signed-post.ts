import { type Incident, isActive, type Member } from "../../shared/domain/incident.ts";
import type { SignedPost } from "../../shared/domain/webhook.ts";
import { decidePush } from "./decide.ts";
import { shownOf, summaryOf } from "./members.ts";
import { attempt, busy, newMessage, settle } from "./message.ts";
import type { Notifier } from "./notifier.ts";
import { clip, oneLine } from "./text.ts";

/** Takes the next step of an incident's posts to a webhook: at least one for what happens, the newest state in each. */
export const stepSignedPost: Notifier = async ({ incident, channel, name, held }, deps) => {
  const step = decidePush(incident, held?.state ?? null, deps.now(), () => true);
  if (step.do === "nothing") return "done";
  if (step.do === "wait") throw busy(channel, step.ms);
  const own = held ?? newMessage(incident.id, channel, deps);
  if (step.do === "settle") return settle(incident, own, deps);
  const send = await deps.postSigned(name);
  const post = signedPostOf(incident, own.state.postedSeq);
  const { held: begun } = await attempt("post", incident.seq, own, deps, () => send(post));
  return settle(incident, begun, deps, "posted");
};

/** The version of what is posted; docs/notify.md says what is in it. */
const version = 1;
const maxMembers = 20;
const maxLabels = 50;
const maxText = 1_500;

/** An incident as others are told of it, with what has happened since they last were. */
function signedPostOf(incident: Incident, since: number): SignedPost {
  const id = `${encodeURIComponent(incident.id.toWellFormed())}/${incident.seq}`;
  const changes = incident.history
    .filter(({ seq }) => seq > since)
    .map(({ seq, at, what, value, note }) => ({ seq, at: timeOf(at), what, value, note }));
  return { id, body: JSON.stringify({ version, id, incident: describe(incident), changes }) };
}

function describe(incident: Incident) {
  const members = shownOf(incident);
  const { acknowledged, resolution } = incident;
  return {
    id: incident.id,
    target: incident.target,
    probe: incident.probe,
    status: incident.status,
    level: incident.level,
    severity: incident.labels.severity ?? "",
    blind: incident.blind,
    summary: clip(oneLine(summaryOf(incident)), maxText),
    labels: labelsOf(incident.labels),
    groupedBy: labelsOf(incident.groupedBy),
    since: timeOf(incident.activeAt),
    sinceAtLeast: incident.activeAtLeast,
    firedAt: incident.firedAt === null ? null : timeOf(incident.firedAt),
    resolvedAt: incident.resolvedAt === null ? null : timeOf(incident.resolvedAt),
    resolution,
    acknowledged: acknowledged && { by: acknowledged.name, at: timeOf(acknowledged.at) },
    memberCount: members.length,
    members: members.slice(0, maxMembers).map((member) => describeMember(member, incident)),
  };
}

function describeMember(member: Member, incident: Incident) {
  const { probe, level, blind, value, unit, threshold, state } = member;
  return {
    probe,
    level,
    failing: isActive(incident) && state === "firing",
    blind,
    value,
    unit,
    threshold,
    summary: clip(member.summary, maxText),
    description: clip(member.description, maxText),
    runbook: clip(member.runbook, maxText),
    dashboard: clip(member.dashboard, maxText),
    labels: labelsOf(member.labels),
    since: timeOf(member.activeAt),
  };
}

function labelsOf(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const shown = Object.entries(labels).slice(0, maxLabels);
  return Object.fromEntries(shown.map(([name, value]) => [name, clip(value, maxText)]));
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
