import { blindMembers } from "./blindness.ts";
import { drillOf } from "./drill.ts";
import { groupKey, groupLabels } from "./grouping.ts";
import {
  alertmanagerProbe,
  blindProbe,
  finite,
  type Incident,
  isOpen,
  isOwn,
  type Member,
} from "./incident.ts";
import type { Ended, Group } from "./incident-life.ts";
import type { IncidentPolicy } from "./incident-policy.ts";
import type { LevelName, Probe } from "./probe.ts";
import { type ReceivedAlert, watchdogAlert } from "./received-alert.ts";
import type { Round } from "./round.ts";
import { type Labels, seriesKey } from "./series.ts";
import { isMild } from "./severity.ts";
import { renderTemplate } from "./template.ts";
import type { Verdict } from "./verdict.ts";

const maxPoints = 60;
/** Texts are shown in part only, and state is one object. */
const maxText = 1_500;

/** The groups of a target while one input changes who is in them. */
export class Membership {
  readonly #groups = new Map<string, { by: Labels; members: Map<string, Member>; ended: Ended[] }>();
  readonly #where = new Map<string, string>();
  /** When members were seen to be over. */
  readonly over: Record<string, number> = {};

  constructor(incidents: readonly Incident[]) {
    for (const incident of incidents.filter(isOpen)) {
      const failing = Object.entries(incident.members).filter(([, { state }]) => state !== "ok");
      this.#groups.set(incident.group, { by: incident.groupedBy, members: new Map(failing), ended: [] });
      for (const [key] of failing) this.#where.set(key, incident.group);
    }
  }

  /** Every member that fails now, by key. */
  entries(): (readonly [key: string, member: Member])[] {
    return [...this.#groups.values()].flatMap(({ members }) => [...members]);
  }

  get(key: string): Member | undefined {
    return this.#groups.get(this.#where.get(key) ?? "")?.members.get(key);
  }

  /** Puts a member where its labels belong; one that is there already is replaced. */
  put(key: string, member: Member, by: Labels): void {
    const group = groupKey(by);
    const before = this.#where.get(key);
    // Config groups otherwise now: it fails on, elsewhere.
    if (before !== undefined && before !== group) this.end(key, "gone", null);
    const entry = this.#groups.get(group) ?? { by, members: new Map(), ended: [] };
    entry.members.set(key, member);
    this.#groups.set(group, entry);
    this.#where.set(key, group);
  }

  /** Changes a member where it is. */
  replace(key: string, member: Member): void {
    this.#groups.get(this.#where.get(key) ?? "")?.members.set(key, member);
  }

  /** `seenAt`: when it was seen to be over; not where it is only known of no longer. */
  end(key: string, how: Ended["how"], value: number | null, seenAt?: number): void {
    const group = this.#groups.get(this.#where.get(key) ?? "");
    const member = group?.members.get(key);
    if (!group || !member) return;
    group.members.delete(key);
    this.#where.delete(key);
    group.ended.push({ member, how, value: finite(value) });
    if (seenAt !== undefined) this.over[key] = seenAt;
  }

  groups(): Group[] {
    return [...this.#groups].map(([key, group]) => ({ key, ...group }));
  }
}

/** Carries a round's verdicts over into who fails. */
export function joinRound(membership: Membership, round: Round, policy: IncidentPolicy): void {
  const failing = new Set<string>();
  const seen = new Map<string, Verdict>();
  const answered = new Set<string>();
  const failedBefore = new Set(membership.entries().map(([, { probe }]) => probe));
  for (const { probe, verdicts } of round.results) {
    // Where nobody answered nothing is known to be over.
    if (!verdicts.some(({ cause }) => cause === "query-failed" || cause === "missing"))
      answered.add(probe.id);
    for (const verdict of verdicts) {
      const level = verdict.status === "warn" || verdict.status === "fail" ? verdict.status : null;
      const fails = level !== null || verdict.pending !== null;
      // Most series are well and were: those need no key.
      if (!fails && !failedBefore.has(probe.id)) continue;
      const key = memberKey(probe.id, verdict.labels, Object.keys(probe.labels));
      seen.set(key, verdict);
      if (!fails) continue;
      failing.add(key);
      const member = memberOf(probe, verdict, level, membership.get(key), round);
      const groupBy = probe.groupBy ?? policy.groupBy;
      membership.put(key, member, groupLabels(probe.id, verdict.labels, groupBy, member.own));
    }
  }
  for (const [key, member] of membership.entries()) {
    if (!answered.has(member.probe) || failing.has(key)) continue;
    const verdict = seen.get(key);
    // An alert of Alertmanager's stands until a probe of ours has seen for itself.
    if (member.alertAt !== null && verdict?.status === "unknown") continue;
    if (!member.byProbe && !verdict) continue;
    membership.end(key, verdict ? "recovered" : "gone", verdict?.value ?? null, round.at);
  }
  const configured = new Set(round.configured.map(({ id }) => id));
  // What Alertmanager goes on telling of it begins anew.
  for (const [key, member] of membership.entries())
    if (member.byProbe && !isOwn(member) && !configured.has(member.probe)) membership.end(key, "gone", null);
  joinBlindness(membership, round);
}

function joinBlindness(membership: Membership, round: Round): void {
  const known = new Set(
    membership
      .entries()
      .flatMap(([, { probe, labels }]) => (probe === blindProbe ? [labels.probe ?? ""] : [])),
  );
  const blind = blindMembers(known, round);
  for (const member of blind)
    membership.put(memberKey(blindProbe, member.labels), member, { probe: blindProbe });
  const still = new Set(blind.map(({ labels }) => labels.probe));
  // Of probes that another shard runs this round says nothing.
  const own = new Set(round.shardOf.map(({ id }) => id));
  const configured = new Set(round.configured.map(({ id }) => id));
  for (const id of known)
    if (!still.has(id) && (own.has(id) || !configured.has(id)))
      membership.end(memberKey(blindProbe, { probe: id }), "recovered", null);
}

/** The identity of a failing series. What a rule adds to its alerts is no part of it. */
export function memberKey(probe: string, labels: Labels, own: readonly string[] = []): string {
  const added = new Set([...own, "alertname", "severity", ...(probe === blindProbe ? [] : ["probe"])]);
  const series = Object.fromEntries(Object.entries(labels).filter(([name]) => !added.has(name)));
  return `${probe} ${seriesKey(series)}`;
}

function memberOf(
  probe: Probe,
  verdict: Verdict,
  level: LevelName | null,
  before: Member | undefined,
  round: Round,
): Member {
  const shown = before?.byProbe && verdict.blind ? before : show(probe, verdict, before);
  return {
    ...shown,
    // Alertmanager may have seen it through before our own round does.
    state: level || (before?.alertAt ?? null) !== null ? "firing" : "pending",
    level: level ?? verdict.pending ?? "fail",
    blind: verdict.blind,
    activeAt: verdict.since ?? before?.activeAt ?? round.at,
    activeAtLeast: verdict.sinceAtLeast,
    byProbe: true,
    alertAt: before?.alertAt ?? null,
    budget: verdict.budget ?? before?.budget ?? null,
  };
}

/** What the verdict shows now: value, texts and points. */
function show(probe: Probe, verdict: Verdict, before: Member | undefined) {
  const { value } = verdict;
  const context = { labels: verdict.labels, value: value ?? Number.NaN };
  // Without a value a template would say NaN; without a template the reason says what there is to say.
  const untold = value === null || !probe.summary;
  const newest = before?.points.at(-1)?.t ?? 0;
  const points = verdict.points.filter(({ t }) => t > newest).map(({ t, v }) => ({ t, v: finite(v) }));
  return {
    probe: probe.id,
    labels: verdict.labels,
    value: finite(value) ?? before?.value ?? null,
    unit: probe.unit,
    threshold: verdict.threshold,
    summary: clip(untold ? `${probe.id}: ${verdict.reason}` : renderTemplate(probe.summary, context)),
    description: clip(renderTemplate(probe.description, context)),
    runbook: probe.runbook,
    dashboard: probe.dashboard,
    own: Object.fromEntries(
      Object.entries(probe.labels).map(([name, text]) => [name, renderTemplate(text, context)]),
    ),
    points: [...(before?.points ?? []), ...points].slice(-maxPoints),
  };
}

function clip(text: string): string {
  return text.length > maxText ? `${text.slice(0, maxText - 1)}…` : text;
}

export interface AlertsInput {
  /** When Alertmanager told it, Unix milliseconds. */
  readonly at: number;
  readonly alerts: readonly ReceivedAlert[];
  /** The probes that run on this target: their word counts for more. */
  readonly configured: readonly Probe[];
}

/** Alerts that every Alertmanager sends, to show that it can. */
export function isWatchdog({ labels }: ReceivedAlert): boolean {
  return labels.alertname === watchdogAlert;
}

/** Carries what Alertmanager tells over into who fails. `over` says when members were last seen to be over. */
export function joinAlerts(
  membership: Membership,
  { at, alerts, configured }: AlertsInput,
  policy: IncidentPolicy,
  over: Readonly<Record<string, number>>,
): void {
  const probes = new Map(configured.map((probe) => [probe.id, probe]));
  for (const alert of alerts) {
    if (isWatchdog(alert) || drillOf(alert) !== null) continue;
    const probe = probes.get(alert.labels.probe ?? "") ?? probes.get(alert.labels.alertname ?? "");
    const name = probe?.id ?? alert.labels.alertname ?? "alert";
    const own = Object.keys(probe?.labels ?? {});
    const key = memberKey(name, alert.labels, own);
    const known = membership.get(key);
    // Messages may overtake each other.
    if (known?.alertAt && known.alertAt > at) continue;
    if (alert.status === "resolved") {
      if (!known || known.alertAt === null) continue;
      if (known.byProbe) membership.replace(key, { ...known, alertAt: null });
      else membership.end(key, "recovered", null, alert.endsAt ?? at);
      continue;
    }
    if (known) {
      const blind = known.byProbe && known.blind;
      membership.replace(key, { ...known, alertAt: at, state: "firing", blind });
      continue;
    }
    // Alertmanager goes on telling for a while what a probe has seen to be over.
    const endedAt = over[key];
    if (endedAt !== undefined && (alert.startsAt ?? at) <= endedAt) continue;
    const member = alertMember(alert, name, probe, own, at);
    const groupBy = probe?.groupBy ?? policy.groupBy;
    membership.put(key, member, groupLabels(name, member.labels, groupBy, member.own));
  }
}

/**
 * What only Alertmanager tells, and no longer repeats, is not known any more: it fires on, unseen, for a day.
 * An Alertmanager that was heard once and is silent now is an incident of its own.
 */
export function joinSilentAlertmanager(
  membership: Membership,
  watchdogAt: number | null,
  now: number,
  policy: IncidentPolicy,
): void {
  const silentAfter = policy.alertmanagerSilentAfter;
  for (const [key, member] of membership.entries()) {
    if (member.byProbe || member.alertAt === null) continue;
    if (now - member.alertAt >= giveUpAfter) membership.end(key, "gone", null);
    else if (!member.blind && now - member.alertAt >= silentAfter)
      membership.replace(key, { ...member, blind: true });
  }
  const key = memberKey(alertmanagerProbe, {});
  if (watchdogAt === null || now - watchdogAt < silentAfter) {
    if (membership.get(key)) membership.end(key, "recovered", null);
  } else if (!membership.get(key)) {
    membership.put(key, silentAlertmanager(watchdogAt), { probe: alertmanagerProbe });
  }
}

const giveUpAfter = 24 * 3_600_000;

function silentAlertmanager(watchdogAt: number): Member {
  return {
    probe: alertmanagerProbe,
    labels: {},
    state: "firing",
    level: "fail",
    blind: false,
    value: null,
    unit: "",
    threshold: null,
    summary: "Alertmanager is silent: its Watchdog alert is not repeated any more",
    description:
      "Alerts that only Alertmanager raises do not arrive. Look at the alert manager's definition and topic, and at the DiscardedAlerts and NotificationsFailed metrics of the workspace.",
    runbook: "",
    dashboard: "",
    own: {},
    activeAt: watchdogAt,
    activeAtLeast: false,
    points: [],
    byProbe: true,
    alertAt: null,
    budget: null,
  };
}

function alertMember(
  { labels, annotations, startsAt }: ReceivedAlert,
  name: string,
  probe: Probe | undefined,
  own: readonly string[],
  at: number,
): Member {
  const added = new Set(["alertname", "severity", "probe", ...own]);
  const series = Object.fromEntries(Object.entries(labels).filter(([label]) => !added.has(label)));
  const rule = Object.fromEntries(
    Object.entries(labels).filter(
      ([label]) => added.has(label) && label !== "probe" && label !== "alertname",
    ),
  );
  const level = isMild(labels.severity ?? "") ? "warn" : "fail";
  return {
    probe: name,
    labels: series,
    state: "firing",
    level,
    blind: false,
    value: null,
    unit: probe?.unit ?? "",
    threshold: null,
    summary: clip(annotations.summary ?? annotations.message ?? `${name} (told by Alertmanager)`),
    description: clip(annotations.description ?? ""),
    runbook: annotations.runbook_url ?? annotations.runbook ?? probe?.runbook ?? "",
    dashboard: annotations.dashboard_url ?? annotations.dashboard ?? probe?.dashboard ?? "",
    own: rule,
    activeAt: startsAt ?? at,
    activeAtLeast: false,
    points: [],
    byProbe: false,
    alertAt: at,
    budget: null,
  };
}
