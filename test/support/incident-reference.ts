import type { IncidentPolicy, MaintenanceWindow } from "../../shared/domain/incident-policy.ts";
import { openUntil } from "../../shared/domain/maintenance.ts";
import { matches } from "../../shared/domain/matching.ts";
import type { Route } from "../../shared/domain/probe.ts";
import type { Labels } from "../../shared/domain/series.ts";
import { matchesSilence, type Silence } from "../../shared/domain/silence.ts";
import { minute, type Seen } from "./incident-desk.ts";

/**
 * The rules of docs/incidents.md once more, as plainly as they read and as slowly as need be: everything is
 * kept, changed in place and looked through again each time. It knows series and people, no rounds and messages.
 */

const day = 24 * 60 * minute;
type Level = "unknown" | "warn" | "fail";
const grave = (level: Level) => ["unknown", "warn", "fail"].indexOf(level);

interface Thing {
  key: string;
  probe: string;
  labels: Labels;
  own: Labels;
  fires: boolean;
  level: Level;
  unseen: boolean;
  since: number;
  /** A probe of ours saw it. */
  probed: boolean;
  alertAt: number | null;
  group: string;
  by: Labels;
}

interface Trouble {
  group: string;
  by: Labels;
  open: "no" | "pending" | "firing" | "flapping";
  /** What it showed last: of one that is well, what it was. */
  things: Thing[];
  level: Level;
  labels: Labels;
  /** The probe of what spoke for it last. */
  lead: string;
  turns: number[];
  endedAt: number | null;
  firedAt: number;
  loudAt: number;
  askedAt: number | null;
  acknowledged: boolean;
  graveAt: number;
  escalated: boolean;
  channels: string[];
  mute: { by: string; unseen: boolean } | null;
  /** What this input would have the channel hear. */
  loud: string[];
}

export interface Expected {
  readonly open: Trouble["open"];
  readonly firing: readonly string[];
  readonly waiting: readonly string[];
  readonly level: Level;
  readonly mute: string | null;
  readonly acknowledged: boolean;
}

export class Reference {
  readonly policy: IncidentPolicy;
  readonly probes: readonly string[];
  /** What channels heard: when, which, of which group, and what. */
  readonly told: string[] = [];
  now: number;
  silences: readonly Silence[] = [];
  #things = new Map<string, Thing>();
  #troubles = new Map<string, Trouble>();
  #over = new Map<string, number>();
  #unseenRounds = new Map<string, { count: number; since: number }>();
  #watchdogAt: number | null = null;
  /** The maintenance windows that are open. */
  #open: readonly MaintenanceWindow[] = [];

  constructor(policy: IncidentPolicy, probes: readonly string[], now: number) {
    this.policy = policy;
    this.probes = probes;
    this.now = now;
  }

  /** The evaluation of some probes; `arrives` is false where the incidents never hear of it. */
  round(seen: readonly Seen[], of: readonly string[], down: readonly string[], arrives = true): void {
    for (const probe of of) {
      const before = this.#unseenRounds.get(probe);
      if (!down.includes(probe)) this.#unseenRounds.delete(probe);
      else
        this.#unseenRounds.set(probe, {
          count: (before?.count ?? 0) + 1,
          since: before?.since ?? this.now,
        });
    }
    if (!arrives) return;
    for (const { probe, labels, as } of seen) {
      if (!of.includes(probe)) continue;
      const key = keyOf(probe, labels);
      const unseen = down.includes(probe);
      if (as === "warn" || as === "fail") this.#fails(probe, labels, as, true, unseen);
      if (unseen) continue;
      if (as === "pending") this.#fails(probe, labels, "fail", false, false);
      const thing = this.#things.get(key);
      const gone = as === "gone" && thing?.probed;
      if (thing && (as === "ok" || gone)) {
        this.#things.delete(key);
        this.#over.set(key, this.now);
      }
    }
    for (const probe of of) {
      const key = keyOf("blind", { probe });
      const unseen = this.#unseenRounds.get(probe);
      if (unseen && unseen.count >= this.policy.blindAfter)
        this.#things.set(key, aThing("blind", { probe }, "unknown", unseen.since, { probe: "blind" }));
      else this.#things.delete(key);
    }
    this.#live();
  }

  #fails(probe: string, labels: Labels, level: Level, fires: boolean, unseen: boolean): void {
    const key = keyOf(probe, labels);
    const before = this.#things.get(key);
    this.#things.delete(key);
    const by = groupOf(probe, labels, {}, this.policy.groupBy);
    this.#things.set(key, {
      ...aThing(probe, labels, level, before?.since ?? this.now, by),
      fires: fires || (before?.alertAt ?? null) !== null,
      unseen,
      alertAt: before?.alertAt ?? null,
    });
  }

  alert(probe: string, labels: Labels, status: "firing" | "resolved", startsAt: number): void {
    const key = keyOf(probe, labels);
    const thing = this.#things.get(key);
    if (status === "resolved") {
      if (thing?.alertAt) {
        thing.alertAt = null;
        if (!thing.probed) {
          this.#things.delete(key);
          this.#over.set(key, this.now);
        }
      }
    } else if (thing) {
      thing.alertAt = this.now;
      thing.fires = true;
      thing.unseen = thing.probed && thing.unseen;
    } else if (!(this.#over.has(key) && startsAt <= (this.#over.get(key) ?? 0))) {
      const own = { severity: "critical" };
      const by = groupOf(probe, labels, own, this.policy.groupBy);
      this.#things.set(key, {
        ...aThing(probe, labels, "fail", startsAt, by),
        own,
        probed: false,
        alertAt: this.now,
      });
    }
    this.#live();
  }

  watchdog(): void {
    this.#watchdogAt = this.now;
    this.#live();
  }

  tick(): void {
    this.#live();
  }

  /** `group`'s open trouble; nothing else can be acknowledged. */
  acknowledge(group: string, at: number): void {
    const trouble = this.#troubles.get(group);
    if (!trouble || !isOn(trouble) || trouble.acknowledged) return;
    if (at <= trouble.graveAt) return;
    this.#live(group);
  }

  expected(): Map<string, Expected> {
    const open = [...this.#troubles.values()].filter((trouble) => trouble.open !== "no");
    return new Map(
      open.map((trouble) => [
        trouble.group,
        {
          open: trouble.open,
          firing: this.#members(trouble.group, true),
          waiting: this.#members(trouble.group, false),
          level: trouble.level,
          mute: trouble.mute?.by ?? null,
          acknowledged: isOn(trouble) && trouble.acknowledged,
        },
      ]),
    );
  }

  #members(group: string, fires: boolean): string[] {
    const things = group === stormGroup ? (this.#troubles.get(group)?.things ?? []) : this.#of(group);
    return things
      .filter((thing) => thing.fires === fires)
      .map(({ key }) => key)
      .sort();
  }

  #of(group: string): Thing[] {
    return [...this.#things.values()].filter((thing) => thing.group === group);
  }

  #live(acknowledged?: string): void {
    this.#open = this.policy.maintenance.filter((window) => openUntil(window, this.now) !== null);
    this.#age();
    for (const trouble of this.#troubles.values()) trouble.loud = [];
    const groups = new Set([...this.#things.values()].map(({ group }) => group));
    for (const group of this.#troubles.keys()) if (group !== stormGroup) groups.add(group);
    for (const group of groups) this.#turn(group, this.#of(group), this.policy.flapping.changes);
    const answered = acknowledged === undefined ? undefined : this.#troubles.get(acknowledged);
    if (answered && isOn(answered)) answered.acknowledged = true;
    const causes = this.#causes();
    this.#storm(causes);
    for (const trouble of this.#troubles.values()) this.#quiet(trouble, causes);
    for (const trouble of this.#troubles.values()) this.#tell(trouble);
  }

  /** What only Alertmanager told, and Alertmanager itself, and what was long ago. */
  #age(): void {
    const { alertmanagerSilentAfter: silent } = this.policy;
    for (const [key, thing] of this.#things) {
      if (thing.probed || thing.alertAt === null) continue;
      if (this.now - thing.alertAt >= day) this.#things.delete(key);
      else if (this.now - thing.alertAt >= silent) thing.unseen = true;
    }
    const key = keyOf("alertmanager", {});
    if (this.#watchdogAt === null || this.now - this.#watchdogAt < silent) this.#things.delete(key);
    else if (!this.#things.has(key))
      this.#things.set(key, aThing("alertmanager", {}, "fail", this.#watchdogAt, { probe: "alertmanager" }));
    for (const [over, at] of this.#over) if (this.now - at >= day) this.#over.delete(over);
    for (const [group, { open, endedAt }] of this.#troubles)
      if (open === "no" && endedAt !== null && this.now - endedAt >= day) this.#troubles.delete(group);
  }

  /** One group's trouble, from what fails in it now. */
  #turn(group: string, things: readonly Thing[], changes: number): void {
    const firing = things.filter(({ fires }) => fires);
    const trouble = this.#troubles.get(group) ?? noTrouble(group, things[0]?.by ?? {});
    if (things.length > 0 || this.#troubles.has(group)) this.#troubles.set(group, trouble);
    const within = this.policy.flapping.within;
    const turns = [...trouble.turns.filter((at) => this.now - at < within), this.now];
    const level = gravest(firing.length > 0 ? firing : things.filter((one) => one === leadOf(things)));
    if (trouble.open === "no" || trouble.open === "pending") {
      if (firing.length === 0) {
        trouble.open = things.length > 0 ? "pending" : "no";
        if (things.length > 0) this.#show(trouble, things, level);
        return;
      }
      const before = trouble.endedAt;
      const flaps = before !== null && turns.length >= changes;
      const soon = before !== null && this.now - before < this.policy.groupInterval;
      if (!flaps && !soon) trouble.channels = [];
      trouble.loud = soon && !flaps ? ["fired-again"] : [];
      trouble.open = flaps ? "flapping" : "firing";
      trouble.turns = turns;
      trouble.firedAt = this.now;
      trouble.loudAt = this.now;
      trouble.askedAt = null;
      trouble.acknowledged = false;
      trouble.graveAt = this.now;
      trouble.escalated = false;
      trouble.mute = null;
      trouble.endedAt = null;
      this.#show(trouble, things, level);
      return;
    }
    if (trouble.open === "firing") {
      if (firing.length > 0) {
        if (grave(level) > grave(trouble.level)) this.#graver(trouble);
        this.#show(trouble, things, level);
      } else if (turns.length >= changes) {
        trouble.open = "flapping";
        trouble.turns = turns;
        trouble.loudAt = this.now;
        this.#rest(trouble);
      } else this.#end(trouble, turns);
      return;
    }
    const fired = trouble.things.some(({ fires }) => fires);
    if (fired !== firing.length > 0) trouble.turns = [...trouble.turns, this.now].slice(-changes);
    const calm = this.now - (trouble.turns.at(-1) ?? 0) >= this.policy.flapping.calmAfter;
    if (firing.length === 0) {
      this.#rest(trouble);
      if (calm) this.#end(trouble, []);
      return;
    }
    const graver = grave(level) > grave(trouble.level);
    const held = graver || calm ? level : trouble.level;
    if (graver) this.#graver(trouble);
    else if (calm) {
      trouble.open = "firing";
      trouble.turns = [];
      trouble.loudAt = this.now;
      if (trouble.askedAt !== null) trouble.askedAt = this.now;
      trouble.loud = ["calm"];
    }
    this.#show(trouble, things, held);
  }

  #graver(trouble: Trouble): void {
    trouble.loud = ["escalated"];
    trouble.graveAt = this.now;
    trouble.loudAt = this.now;
    trouble.acknowledged = false;
    trouble.escalated = false;
    if (trouble.askedAt !== null) trouble.askedAt = this.now;
  }

  /** Nothing fires. What only waits is forgotten, until its probe's next round sees it. */
  #rest(trouble: Trouble): void {
    trouble.things = trouble.things.map((thing) => ({ ...thing, fires: false, unseen: false }));
    for (const { key } of this.#of(trouble.group)) this.#things.delete(key);
  }

  #end(trouble: Trouble, turns: number[]): void {
    this.#rest(trouble);
    trouble.open = "no";
    trouble.turns = turns;
    trouble.endedAt = this.now;
    trouble.mute = null;
  }

  #show(trouble: Trouble, things: readonly Thing[], level: Level): void {
    const firing = things.filter(({ fires }) => fires);
    const lead = leadOf(things);
    const speaking = firing.length > 0 ? firing : [lead];
    const probes = new Set(speaking.map(({ probe }) => probe));
    trouble.things = things.map((thing) => ({ ...thing }));
    trouble.level = level;
    trouble.lead = lead.probe;
    trouble.labels = {
      severity: lead.own.severity ?? (lead.level === "fail" ? "critical" : "warning"),
      probe: probes.size === 1 ? lead.probe : (trouble.by.probe ?? lead.probe),
      target: "seoul",
    };
  }

  /** Those that decide: what fires; of one that flaps and is well just now, all. */
  #standing({ things }: Trouble): Thing[] {
    const firing = things.filter(({ fires }) => fires);
    return firing.length > 0 ? firing : things;
  }

  #labels(trouble: Trouble, thing: Thing): Labels {
    const severity = trouble.labels.severity ?? "";
    return { ...thing.labels, ...thing.own, ...trouble.by, severity, probe: thing.probe, target: "seoul" };
  }

  /** Why people asked to hear nothing of one thing. */
  #asked(trouble: Trouble, thing: Thing): string | null {
    const labels = this.#labels(trouble, thing);
    for (const silence of this.silences)
      if (silence.startsAt <= this.now && this.now < silence.endsAt && matchesSilence(silence, labels))
        return "silence";
    return this.#open.some((window) => matches(window.match, labels)) ? "maintenance" : null;
  }

  /** For each trouble that follows from others, whether that is only for want of sight. */
  #causes(): Map<string, { unseen: boolean }> {
    const all = [...this.#troubles.values()].filter(isOn);
    const known = new Set<Trouble>();
    const found = new Map<string, { unseen: boolean }>();
    for (;;) {
      let moved = false;
      for (const trouble of all) {
        if (known.has(trouble)) continue;
        const needy = this.#standing(trouble).filter((thing) => !this.#asked(trouble, thing));
        const causes = needy.map((thing) => all.filter((other) => this.#follows(trouble, thing, other)));
        if (needy.length === 0 || causes.some((one) => one.length === 0)) {
          known.add(trouble);
          moved = true;
          continue;
        }
        const grounded = causes.map((one) => one.filter((cause) => known.has(cause)));
        if (grounded.some((one) => one.length === 0)) continue;
        found.set(trouble.group, { unseen: grounded.flat().every(({ group }) => group === blindGroup) });
        known.add(trouble);
        moved = true;
      }
      if (moved) continue;
      const [oldest] = all.filter((trouble) => !known.has(trouble)).sort((a, b) => this.older(a, b));
      if (!oldest) return found;
      known.add(oldest);
    }
  }

  /** Which of two that mute each other is told: set from outside, where both are equally old. */
  older = (a: Pick<Trouble, "firedAt" | "group">, b: Pick<Trouble, "firedAt" | "group">): number =>
    a.firedAt - b.firedAt;

  #follows(trouble: Trouble, thing: Thing, other: Trouble): boolean {
    if (other === trouble || isOwn(trouble)) return false;
    if (other.group === blindGroup)
      return thing.unseen && this.#standing(other).some(({ labels }) => labels.probe === thing.probe);
    const hidden = this.#troubles.get(blindGroup);
    // What cannot be seen follows from that first.
    if (hidden && isOn(hidden) && this.#follows(trouble, thing, hidden)) return false;
    const labels = this.#labels(trouble, thing);
    return this.policy.inhibitions.some(
      (rule) =>
        matches(rule.mutes, labels) &&
        !matches(rule.source, labels) &&
        this.#standing(other).some(
          (cause) =>
            matches(rule.source, this.#labels(other, cause)) &&
            rule.equal.every(
              (name) => thing.labels[name] !== undefined && thing.labels[name] === cause.labels[name],
            ),
        ),
    );
  }

  #storm(causes: ReadonlyMap<string, unknown>): void {
    const heard = [...this.#troubles.values()].filter(
      (trouble) => isOn(trouble) && !isOwn(trouble) && !this.#quietBy(trouble, causes),
    );
    const untold = heard.filter(({ askedAt }) => askedAt === null);
    const fresh = heard.filter(({ askedAt, loudAt }) => this.now - (askedAt ?? loudAt) < minute);
    const rages = this.#rages();
    const { stormAbove } = this.policy;
    const storms = untold.length > stormAbove / 2 && (rages || fresh.length > stormAbove);
    const things = storms
      ? [...Map.groupBy(untold, ({ lead }) => lead)].map(([probe, own]): Thing => {
          const level = gravest(own.map((trouble) => ({ level: trouble.level })));
          const since = Math.min(...own.map(({ firedAt }) => firedAt));
          return aThing("storm", { of: probe }, level, since, { probe: "storm" });
        })
      : [];
    if (things.length > 0 || this.#troubles.has(stormGroup))
      this.#turn(stormGroup, things, Number.POSITIVE_INFINITY);
  }

  #rages(): boolean {
    const storm = this.#troubles.get(stormGroup);
    return storm !== undefined && isOn(storm) && storm.things.some(({ fires }) => fires);
  }

  #quietBy(trouble: Trouble, causes: ReadonlyMap<string, unknown>): string | null {
    const asked = this.#standing(trouble).map((thing) => this.#asked(trouble, thing));
    if (asked.every(Boolean)) return asked.includes("silence") ? "silence" : "maintenance";
    return causes.has(trouble.group) ? "inhibition" : null;
  }

  #quiet(trouble: Trouble, causes: ReadonlyMap<string, { unseen: boolean }>): void {
    const before = trouble.mute;
    if (!isOn(trouble)) {
      trouble.mute = null;
      return;
    }
    let by = this.#quietBy(trouble, causes);
    if (!by && !isOwn(trouble) && trouble.askedAt === null && this.#rages()) by = "storm";
    if (by) {
      const unseen = by === "inhibition" && causes.get(trouble.group)?.unseen === true;
      trouble.mute = { by, unseen };
      trouble.loud = [];
      return;
    }
    trouble.mute = null;
    if (!before || (before.unseen && trouble.askedAt !== null)) return;
    trouble.askedAt = null;
    if (trouble.open === "flapping") return;
    trouble.loud = ["unmuted"];
    trouble.loudAt = this.now;
  }

  #tell(trouble: Trouble): void {
    const say = (channels: readonly string[], what: string) => {
      for (const channel of channels) this.told.push(`${this.now} ${channel} ${trouble.group} ${what}`);
    };
    const before = [...trouble.channels];
    for (const what of trouble.loud) say(before, what);
    if (!isOn(trouble) || trouble.mute || this.now < trouble.firedAt + this.policy.groupWait) return;
    const routes = this.#routes(trouble);
    const join = (channels: readonly string[]) => {
      for (const channel of channels)
        if (!trouble.channels.includes(channel)) {
          trouble.channels.push(channel);
          say([channel], "firing");
        }
    };
    join(routes.flatMap(({ channels }) => channels));
    trouble.askedAt ??= this.now;
    if (trouble.open === "flapping" || trouble.acknowledged) return;
    const escalation = routes.find((route) => route.escalation)?.escalation;
    if (escalation && !trouble.escalated && this.now - trouble.askedAt >= escalation.after) {
      trouble.escalated = true;
      trouble.loudAt = this.now;
      say(before, "unanswered");
      join(escalation.channels);
      return;
    }
    const repeats = routes
      .map(({ repeatInterval }) => repeatInterval ?? this.policy.repeatInterval)
      .filter((interval) => interval > 0);
    if (repeats.some((interval) => this.now - trouble.loudAt >= interval)) {
      trouble.loudAt = this.now;
      say(before, "repeated");
    }
  }

  #routes({ labels }: Trouble): Route[] {
    const found: Route[] = [];
    for (const route of this.policy.routes) {
      if (!matches(route.match, labels)) continue;
      found.push(route);
      if (!route.continue) return found;
    }
    return found;
  }
}

const blindGroup = '[["probe","blind"]]';
const stormGroup = '[["probe","storm"]]';

function isOn({ open }: Trouble): boolean {
  return open === "firing" || open === "flapping";
}

function isOwn({ group }: Trouble): boolean {
  return [blindGroup, stormGroup, '[["probe","alertmanager"]]'].includes(group);
}

function keyOf(probe: string, labels: Labels): string {
  return `${probe} ${JSON.stringify(Object.entries(labels).sort())}`;
}

function aThing(probe: string, labels: Labels, level: Level, since: number, by: Labels): Thing {
  const group = JSON.stringify(Object.entries(by).sort());
  const seen = { fires: true, unseen: probe === "blind", probed: true, alertAt: null };
  return { key: keyOf(probe, labels), probe, labels, own: {}, level, since, group, by, ...seen };
}

/** The words of groupBy, as far as scripts' series know them. */
function groupOf(probe: string, labels: Labels, own: Labels, groupBy: readonly string[]): Labels {
  const by: Record<string, string> = {};
  for (const word of groupBy) {
    if (word === "probe") by.probe = probe;
    else if (word === "series") Object.assign(by, labels);
    else if (word === "object") {
      const name = ["node", "model"].find((one) => labels[one]);
      if (name) by[name] = labels[name] ?? "";
    } else if (labels[word] ?? own[word]) by[word] = labels[word] ?? own[word] ?? "";
  }
  return by;
}

function gravest(things: readonly { readonly level: Level }[]): Level {
  return things.map(({ level }) => level).sort((a, b) => grave(b) - grave(a))[0] ?? "unknown";
}

/** What fires before what waits, the gravest, the oldest, and then by name. */
function leadOf(things: readonly Thing[]): Thing {
  const [lead] = [...things].sort(
    (a, b) =>
      Number(b.fires) - Number(a.fires) ||
      grave(b.level) - grave(a.level) ||
      a.since - b.since ||
      (a.key < b.key ? -1 : 1),
  );
  if (!lead) throw new Error("nothing fails");
  return lead;
}

function noTrouble(group: string, by: Labels): Trouble {
  return {
    group,
    by,
    open: "no",
    things: [],
    level: "unknown",
    labels: {},
    lead: "",
    turns: [],
    endedAt: null,
    firedAt: 0,
    loudAt: 0,
    askedAt: null,
    acknowledged: false,
    graveAt: 0,
    escalated: false,
    channels: [],
    mute: null,
    loud: [],
  };
}
