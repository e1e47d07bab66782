import { isLoud } from "../../functions/notify-slack/news.ts";
import type { ReceivedAlert } from "../../shared/domain/alertmanager.ts";
import { type Incident, isActive, isOpen, type Person } from "../../shared/domain/incident.ts";
import type { IncidentPolicy } from "../../shared/domain/incident-policy.ts";
import { emptyIncidents } from "../../shared/domain/incident-state.ts";
import { type IncidentInput, type Reduced, reduceIncidents } from "../../shared/domain/incidents.ts";
import type { LevelName, Probe } from "../../shared/domain/probe.ts";
import type { Round, RoundResult } from "../../shared/domain/round.ts";
import { type Labels, seriesKey } from "../../shared/domain/series.ts";
import { addSilence, expireSilence, type Silence } from "../../shared/domain/silence.ts";
import type { ProbeState } from "../../shared/domain/state.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";

export const minute = 60_000;
export const hour = 60 * minute;
/** A Monday, 12:00 UTC. */
export const noon = Date.UTC(2026, 2, 2, 12);

/** One series as a round sees it. */
export interface Seen {
  readonly probe: string;
  readonly labels: Labels;
  readonly as: LevelName | "pending" | "ok" | "gone";
}

export const fails = (probe: string, labels: Labels = {}): Seen => ({ probe, labels, as: "fail" });
export const warns = (probe: string, labels: Labels = {}): Seen => ({ probe, labels, as: "warn" });
export const pends = (probe: string, labels: Labels = {}): Seen => ({ probe, labels, as: "pending" });
export const isGone = (probe: string, labels: Labels = {}): Seen => ({ probe, labels, as: "gone" });

/** What a channel was shown: the first message of an incident, or a change that is loud. */
export interface Told {
  readonly at: number;
  readonly channel: string;
  readonly incident: string;
  readonly group: string;
  readonly what: string;
}

export interface DeskOptions {
  readonly policy: IncidentPolicy;
  readonly probes: readonly Probe[];
}

/** The incidents of one target with a clock, the series that were seen so far, and channels that are told at once. */
export function openDesk({ policy, probes }: DeskOptions) {
  let now = noon;
  let state = emptyIncidents("seoul");
  let silences: readonly Silence[] = [];
  let config = { policy, probes };
  let alertIds = 0;
  const known = new Map<string, Seen>();
  const states: Record<string, ProbeState> = {};
  const told: Told[] = [];
  const inputs: IncidentInput[] = [];
  const messages = new Map<string, { first: number | null; shown: number }>();

  function reduce(input: IncidentInput): Reduced {
    const reduced = reduceIncidents(state, input, { now, policy: config.policy, silences });
    state = reduced.state;
    inputs.push(input);
    for (const { incident: id, channel } of reduced.effects) {
      const incident = state.incidents[id];
      if (incident) show(incident, channel);
    }
    return reduced;
  }

  /** As notify-slack does, with nothing lost on the way. */
  function show(incident: Incident, channel: string): void {
    const { id: key, group, seq, probe, mute, history } = incident;
    const message = messages.get(`${key} ${channel}`) ?? { first: null, shown: 0 };
    const tell = (what: string) => told.push({ at: now, channel, incident: probe, group, what });
    if (message.first === null && !(mute && isActive(incident))) {
      tell("firing");
      message.first = seq;
    } else if (message.first !== null)
      for (const change of history) if (change.seq > message.shown && isLoud(change)) tell(change.what);
    message.shown = seq;
    messages.set(`${key} ${channel}`, message);
  }

  function verdictsOf(probe: Probe, down: boolean): Verdict[] {
    const own = [...known.values()].filter((one) => one.probe === probe.id && one.as !== "gone");
    const failing = own.filter(({ as }) => as === "warn" || as === "fail");
    const of = (seen: Omit<Seen, "probe">, cause: Verdict["cause"]): Verdict => ({
      probe: probe.id,
      target: "seoul",
      status: seen.as === "warn" || seen.as === "fail" ? seen.as : down ? "unknown" : "ok",
      cause,
      value: down ? null : 1,
      unit: "",
      threshold: null,
      since: null,
      sinceAtLeast: false,
      labels: seen.labels,
      reason: "",
      query: "",
      points: [],
      pending: seen.as === "pending" ? "fail" : null,
      blind: down,
    });
    if (down) {
      const unseen = failing.map((seen) => of(seen, "query-failed"));
      return unseen.length > 0 ? unseen : [of({ labels: {}, as: "ok" }, "query-failed")];
    }
    return own.length > 0 ? own.map((seen) => of(seen, "within")) : [of({ labels: {}, as: "ok" }, "within")];
  }

  /** What the probes see now: what is not named again is well, and what fails while it is down fails on, unseen. */
  function see(seen: readonly Seen[], down: readonly string[]): void {
    for (const [key, one] of known)
      if (!down.includes(one.probe)) known.set(key, { ...one, as: one.as === "gone" ? "gone" : "ok" });
    for (const one of seen)
      if (!down.includes(one.probe)) known.set(`${one.probe} ${seriesKey(one.labels)}`, one);
  }

  function roundOf({ down, shard, of }: Required<RoundOptions>): Omit<Round, "heard" | "blindAfter"> {
    const own = config.probes.filter(({ id }) => of.includes(id));
    const results = own.map((probe): RoundResult => {
      const unseen = down.includes(probe.id);
      const before = states[probe.id];
      const next: ProbeState = {
        query: "",
        evaluatedTo: now,
        series: {},
        blindRounds: unseen ? (before?.blindRounds ?? 0) + 1 : 0,
        blindSince: unseen ? (before?.blindSince ?? now) : null,
        everFresh: before?.everFresh || !unseen,
      };
      states[probe.id] = next;
      return { probe, verdicts: verdictsOf(probe, unseen), state: next };
    });
    return {
      shard,
      at: now,
      results,
      configured: config.probes,
      shardOf: own,
      probes: Object.fromEntries(own.flatMap(({ id }) => (states[id] ? [[id, states[id]] as const] : []))),
    };
  }

  interface RoundOptions {
    /** The probes that get no answer. */
    readonly down?: readonly string[];
    readonly shard?: string;
    /** The probes of the shard. */
    readonly of?: readonly string[];
  }

  const desk = {
    /** A minute later, a round that sees these fail and all else well. */
    round(seen: readonly Seen[] = [], options: RoundOptions = {}): Reduced {
      now += minute;
      return desk.roundNow(seen, options);
    },
    roundNow(seen: readonly Seen[] = [], { down = [], shard = "1/1", of }: RoundOptions = {}): Reduced {
      const probes = of ?? config.probes.map(({ id }) => id);
      see(seen, down);
      return reduce({ kind: "round", round: roundOf({ down, shard, of: probes }) });
    },
    /** What the probes would see, without a round. */
    look: (seen: readonly Seen[], { down = [] }: RoundOptions = {}): void => see(seen, down),
    /** A round, now, of what was looked at. */
    roundSeen: ({ down = [], shard = "1/1", of }: RoundOptions): Reduced =>
      reduce({
        kind: "round",
        round: roundOf({ down, shard, of: of ?? config.probes.map(({ id }) => id) }),
      }),
    /** So many rounds that see the same. */
    rounds(count: number, seen: readonly Seen[] = [], options: RoundOptions = {}): void {
      for (let one = 0; one < count; one++) desk.round(seen, options);
    },
    /** The round that would be run now, for another time. */
    draw: (seen: readonly Seen[], options: RoundOptions = {}): IncidentInput => {
      see(seen, options.down ?? []);
      const of = options.of ?? config.probes.map(({ id }) => id);
      return {
        kind: "round",
        round: roundOf({ down: options.down ?? [], shard: options.shard ?? "1/1", of }),
      };
    },
    reduce,
    pass(ms: number): void {
      now += ms;
    },
    tick: (): Reduced => reduce({ kind: "tick", at: now }),
    alerts: (alerts: readonly ReceivedAlert[], id = `alerts-${++alertIds}`, at = now): Reduced =>
      reduce({ kind: "alerts", id, at, alerts, configured: config.probes }),
    acknowledge: (probe: string): Reduced => desk.acknowledgeIncident(desk.open(probe).id),
    /** A moment later: nobody answers before there is a question. */
    acknowledgeIncident(incident: string): Reduced {
      now += 1;
      return reduce({ kind: "acknowledge", incident, by: ada, at: now });
    },
    silence(labels: Labels, ms: number, id = `silence-${silences.length}`): void {
      const matchers = Object.entries(labels).map(([name, value]) => ({ name, value }));
      const silence: Silence = {
        id,
        matchers,
        startsAt: now,
        endsAt: now + ms,
        by: ada,
        reason: "",
        origin: "cli",
      };
      silences = addSilence(silences, silence, now);
    },
    unsilence(id: string): void {
      silences = expireSilence(silences, id, now);
    },
    configure(change: Partial<DeskOptions>): void {
      config = { ...config, ...change };
    },
    now: () => now,
    state: () => state,
    silences: () => silences,
    /** All that was reduced so far, the latest last. */
    inputs: () => inputs,
    /** Up to which change each message shows its incident. */
    messages: (): Map<string, number> => new Map([...messages].map(([key, { shown }]) => [key, shown])),
    /** All that the channels were shown. */
    shown: () => told,
    incidents: (): Incident[] => Object.values(state.incidents),
    /** The one incident of a probe that is open. */
    open(probe: string): Incident {
      const [found, ...others] = desk.incidents().filter((one) => one.probe === probe && isOpen(one));
      if (!found || others.length > 0)
        throw new Error(`${probe} has ${found ? others.length + 1 : 0} open incidents`);
      return found;
    },
    /** The latest incident of a probe. */
    last(probe: string): Incident {
      const found = desk.incidents().findLast((one) => one.probe === probe);
      if (!found) throw new Error(`${probe} has no incident`);
      return found;
    },
    /** What happened to the latest incident of a probe. */
    story: (probe: string): string[] => desk.last(probe).history.map(({ what }) => what),
    /** What the channels were shown, as `minute #channel probe what`, so far or since a minute after noon. */
    told: (since = 0): string[] =>
      told
        .map(({ at, ...rest }) => ({ ...rest, minutes: Math.round(((at - noon) / minute) * 10) / 10 }))
        .filter(({ minutes }) => minutes >= since)
        .map(({ minutes, channel, incident, what }) => `${minutes} ${channel} ${incident} ${what}`),
  };
  return desk;
}

export const ada: Person = { id: "U1", name: "Ada" };

export function anAlert(alertname: string, change: Partial<ReceivedAlert> = {}): ReceivedAlert {
  const { labels, ...rest } = change;
  return {
    status: "firing",
    annotations: {},
    startsAt: noon,
    endsAt: null,
    generatorUrl: "",
    ...rest,
    labels: { alertname, ...labels },
  };
}
