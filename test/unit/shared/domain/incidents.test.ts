import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { evaluateProbe, type ProbeAnswer } from "../../../../shared/domain/evaluate.ts";
import { type Incident, isOpen } from "../../../../shared/domain/incident.ts";
import { emptyIncidents } from "../../../../shared/domain/incident-state.ts";
import {
  type IncidentInput,
  reduceIncidents,
  type TargetIncidents,
} from "../../../../shared/domain/incidents.ts";
import type { Probe } from "../../../../shared/domain/probe.ts";
import { seriesKey } from "../../../../shared/domain/series.ts";
import type { ProbeState } from "../../../../shared/domain/state.ts";
import { aLevel, aPolicy, aProbe, aRoute, aSeries } from "../../../support/builders.ts";

const minute = 60_000;
const start = 1_700_000_100_000;
const policy = aPolicy({ routes: [aRoute("#oncall", { match: { severity: "critical" } }), aRoute("#ops")] });

interface World {
  readonly incidents: TargetIncidents;
  readonly state: ProbeState | undefined;
  readonly at: number;
}

const empty: World = { incidents: emptyIncidents("seoul"), state: undefined, at: start };

/** One value a series and minute; null: not there; "down": the target does not answer. */
type Minute = readonly (number | null)[] | "down" | "stale";

function next(world: World, seen: Minute, probe: Probe): World {
  const at = world.at + minute;
  const answer: ProbeAnswer =
    seen === "down"
      ? { kind: "unanswered", cause: "query-failed", query: "gpu_temp", reason: "unreachable" }
      : {
          kind: "answered",
          query: "gpu_temp",
          guard: { kind: "selector", selector: "gpu_temp" },
          window: {
            start: world.state?.evaluatedTo ? world.state.evaluatedTo + minute : at,
            end: at,
            step: minute,
            continues: true,
            gap: false,
          },
          series:
            seen === "stale"
              ? []
              : seen
                  .map((value, gpu) => aSeries({ gpu: String(gpu) }, at, [value]))
                  .filter(({ samples }) => samples.length > 0),
          newest: new Map([["gpu_temp", new Map(seen === "stale" ? [] : [[at, at]])]]),
        };
  const { verdicts, state } = evaluateProbe(probe, "seoul", answer, world.state, at);
  const input = aRound(probe, at, { results: [{ probe, verdicts, state }], probes: { [probe.id]: state } });
  const { state: incidents } = reduceIncidents(world.incidents, input, { now: at, policy, silences: [] });
  return { incidents, state, at };
}

function aRound(
  probe: Probe,
  at: number,
  change: Partial<Extract<IncidentInput, { kind: "round" }>["round"]> = {},
): IncidentInput {
  const none = { results: [], configured: [probe], shardOf: [probe], probes: {} };
  return { kind: "round", round: { shard: "1/1", at, ...none, ...change } };
}

function play(minutes: readonly Minute[], probe: Probe): Incident[] {
  return incidentsOf(minutes.reduce((world, seen) => next(world, seen, probe), empty));
}

function incidentsOf({ incidents }: World): Incident[] {
  return Object.values(incidents.incidents);
}

function changesOf(incident: Incident | undefined): string[] {
  return (incident?.history ?? []).map(({ what }) => what);
}

const probe = aProbe({ levels: [aLevel("warn", "> 80"), aLevel("fail", "> 85", 2 * minute)] });

describe("an incident", () => {
  it("is pending before it fires, and has nothing to show till then", () => {
    const only = aProbe({ levels: [aLevel("fail", "> 85", 2 * minute)] });
    expect(play([[90], [90]], only)).toMatchObject([{ status: "pending", seq: 0 }]);
    expect(play([[90], [90], [90]], only)).toMatchObject([
      { status: "firing", seq: 1, level: "fail", activeAt: start + minute, firedAt: start + 3 * minute },
    ]);
    expect(play([[90], [90], [70]], only)).toEqual([]);
  });

  it("escalates and eases as one, and ends as recovered", () => {
    const [incident, ...others] = play([[82], [90], [90], [90], [84], [70]], probe);
    expect(others).toEqual([]);
    expect(changesOf(incident)).toEqual(["firing", "escalated", "eased", "recovered"]);
    expect(incident).toMatchObject({ status: "resolved", resolution: "recovered", seq: 4 });
    expect(Object.values(incident?.members ?? {})).toMatchObject([{ state: "ok", value: 70 }]);
  });

  it("is shown where its severity is routed, and goes on being shown where it was before it escalated", () => {
    expect(play([[82]], probe)).toMatchObject([{ channels: ["#ops"] }]);
    expect(play([[82], [90], [90], [90], [70]], probe)).toMatchObject([{ channels: ["#ops", "#oncall"] }]);
  });

  it("is gone, not recovered, where its series left while the rest is fresh", () => {
    expect(
      play(
        [
          [82, 60],
          [null, 60],
        ],
        probe,
      ),
    ).toMatchObject([{ status: "resolved", resolution: "gone" }]);
  });

  it("stays open and blind while nobody can tell, and is seen again after", () => {
    const [stale] = play([[82], "stale"], probe);
    expect(stale).toMatchObject({ status: "firing", blind: true });
    expect(Object.values(stale?.members ?? {})).toMatchObject([{ state: "firing", blind: true, value: 82 }]);
    const [unseen] = play([[82], "down", "down", "down"], probe);
    expect(unseen).toMatchObject({
      status: "firing",
      blind: true,
      mute: { by: "inhibition", note: "blind" },
    });
    const [again] = play([[82], "down", "down", "down", [83]], probe);
    expect(again).toMatchObject({ status: "firing", blind: false, mute: null });
    expect(changesOf(again)).toEqual(["firing", "muted", "seen-again"]);
  });

  it("says nothing of a round or two without sight", () => {
    const [again] = play([[82], "down", "down", [83]], probe);
    expect(again).toMatchObject({ blind: false });
    expect(changesOf(again)).toEqual(["firing"]);
  });

  it("is the same one where it fails again within groupInterval, and another one after", () => {
    const [again, ...others] = play([[82], [70], [82]], probe);
    expect(others).toEqual([]);
    expect(again).toMatchObject({ status: "firing", resolvedAt: null, resolution: null });
    expect(changesOf(again)).toEqual(["firing", "recovered", "fired-again"]);
    const incidents = play([[82], [70], [70], [70], [70], [70], [82]], probe);
    expect(incidents.map(({ status }) => status)).toEqual(["resolved", "firing"]);
    expect(new Set(incidents.map(({ id }) => id)).size).toBe(2);
  });

  it("is pending again where a warning outlasts a failure that broke out with it", () => {
    const patient = aProbe({ levels: [aLevel("warn", "> 80", 3 * minute), aLevel("fail", "> 85")] });
    const incidents = play([[90], [82], [82], [82]], patient);
    expect(incidents).toMatchObject([{ status: "firing", level: "warn", activeAt: start + minute }]);
    expect(changesOf(incidents[0])).toEqual(["firing", "recovered", "fired-again"]);
    expect(play([[90], [82], [82], [60]], patient)).toMatchObject([{ status: "resolved", seq: 2 }]);
  });

  it("is the same whatever of its labels survives being stored", () => {
    const labels = JSON.parse('{"gpu":"0","__proto__":"x"}');
    expect(seriesKey(labels)).toBe(seriesKey({ gpu: "0" }));
  });

  it("fills its texts from the labels and the value", () => {
    const [incident] = play([[82]], probe);
    expect(incident?.labels).toEqual({
      gpu: "0",
      severity: "warning",
      probe: "gpu-temperature",
      target: "seoul",
    });
    expect(Object.values(incident?.members ?? {})).toMatchObject([{ summary: "GPU 0 is at 82 °C" }]);
  });

  it("ends when config no longer has its probe", () => {
    const hot = aProbe({ levels: [aLevel("fail", "> 85")] });
    const world = next(empty, [90], hot);
    const at = world.at + minute;
    const input = aRound(hot, at, { configured: [], shardOf: [] });
    const { state } = reduceIncidents(world.incidents, input, { now: at, policy, silences: [] });
    expect(Object.values(state.incidents)).toMatchObject([{ status: "resolved", resolution: "gone" }]);
  });
});

describe("blindness", () => {
  it("is one incident of its own after some rounds, and ends when the target is seen again", () => {
    expect(play(["down", "down"], probe)).toEqual([]);
    expect(play(["down", "down", "down"], probe)).toMatchObject([
      { probe: "blind", level: "unknown", status: "firing" },
    ]);
    expect(play(["down", "down", "down", [60]], probe)).toMatchObject([
      { probe: "blind", status: "resolved" },
    ]);
  });

  it("is no news for a pack's probe that was never heard of on this target", () => {
    const source = { kind: "pack", pack: "p", component: "c", named: false, hint: "" } as const;
    expect(play(["down", "down", "down", "down"], aProbe({ source }))).toEqual([]);
    expect(play([[60], "down", "down", "down"], aProbe({ source }))).toMatchObject([{ probe: "blind" }]);
    // Unless config names the component, and nothing is heard of it.
    expect(play(["down", "down", "down"], aProbe({ source: { ...source, named: true } }))).toMatchObject([
      { probe: "blind" },
    ]);
  });
});

describe("whatever the rounds bring", () => {
  const patience = fc.constantFrom(0, minute, 3 * minute);
  const probes = fc
    .tuple(patience, patience, patience)
    .map(([warn, fail, kept]) =>
      aProbe({ levels: [aLevel("warn", "> 80", warn), aLevel("fail", "> 85", fail, kept)] }),
    );
  const seen = fc.oneof(
    { weight: 8, arbitrary: fc.array(fc.constantFrom(60, 82, 90, null), { minLength: 2, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom("down" as const, "stale" as const) },
  );

  it("at most one incident is open for a group, changes only grow, and what recovers resolves", () => {
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 40 }), probes, (minutes, probe) => {
        let world = empty;
        for (const one of minutes) {
          const before = world.incidents.incidents;
          world = next(world, one, probe);
          const open = incidentsOf(world).filter(isOpen);
          expect(new Set(open.map(({ group }) => group)).size).toBe(open.length);
          for (const { id, seq, history } of incidentsOf(world)) {
            expect(seq).toBeGreaterThanOrEqual(before[id]?.seq ?? 0);
            expect(history.slice(0, before[id]?.history.length ?? 0)).toEqual(before[id]?.history ?? []);
          }
        }
        // Longer than it is kept firing, and then takes to be calm.
        for (let well = 0; well <= 20; well++) world = next(world, [60, 60], probe);
        expect(incidentsOf(world).filter(isOpen)).toEqual([]);
      }),
    );
  });

  it("the same round twice changes nothing the second time", () => {
    fc.assert(
      fc.property(fc.array(seen, { minLength: 1, maxLength: 20 }), (minutes) => {
        const world = minutes.reduce((before, one) => next(before, one, probe), empty);
        const input = aRound(probe, world.at, world.state ? { probes: { [probe.id]: world.state } } : {});
        const again = reduceIncidents(world.incidents, input, { now: world.at, policy, silences: [] });
        expect(again.state).toBe(world.incidents);
        expect(again.effects).toEqual([]);
      }),
    );
  });
});
