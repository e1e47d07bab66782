import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { evaluateProbe, type ProbeAnswer } from "../../../../shared/domain/evaluate.ts";
import type { Incident } from "../../../../shared/domain/incident.ts";
import { type Incidents, reduceIncidents } from "../../../../shared/domain/incidents.ts";
import type { Probe } from "../../../../shared/domain/probe.ts";
import { seriesKey } from "../../../../shared/domain/series.ts";
import type { ProbeState } from "../../../../shared/domain/state.ts";
import { aLevel, aProbe, aSeries } from "../../../support/builders.ts";

const minute = 60_000;
const start = 1_700_000_100_000;
const routes = [
  { match: { severity: "critical" }, slack: "#oncall" },
  { match: {}, slack: "#ops" },
];

interface World {
  readonly incidents: Incidents;
  readonly state: ProbeState | undefined;
  readonly at: number;
}

const empty: World = { incidents: {}, state: undefined, at: start };

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
  const incidents = reduceIncidents(world.incidents, {
    target: "seoul",
    at,
    results: [{ probe, verdicts, state }],
    configured: [probe],
    blindAfter: 3,
    routes,
    probes: { [probe.id]: state },
  });
  return { incidents, state, at };
}

function play(minutes: readonly Minute[], probe: Probe): Incident[] {
  return Object.values(minutes.reduce((world, seen) => next(world, seen, probe), empty).incidents);
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
    expect(incident?.history.map(({ what }) => what)).toEqual(["firing", "escalated", "eased", "recovered"]);
    expect(incident).toMatchObject({ status: "resolved", resolution: "recovered", value: 70, seq: 4 });
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
    expect(play([[82], "stale"], probe)).toMatchObject([{ status: "firing", blind: true, value: 82 }]);
    const [again] = play([[82], "down", [83]], probe);
    expect(again?.history.map(({ what }) => what)).toEqual(["firing", "blind", "seen-again"]);
  });

  it("begins anew after it ended", () => {
    const incidents = play([[82], [70], [82]], probe);
    expect(incidents.map(({ status }) => status)).toEqual(["resolved", "firing"]);
    expect(new Set(incidents.map(({ id }) => id)).size).toBe(2);
  });

  it("begins anew where a warning outlasts a failure that broke out with it", () => {
    const patient = aProbe({ levels: [aLevel("warn", "> 80", 3 * minute), aLevel("fail", "> 85")] });
    const incidents = play([[90], [82], [82], [82]], patient);
    expect(incidents).toMatchObject([
      { status: "resolved", level: "fail" },
      { status: "firing", level: "warn", activeAt: start + minute },
    ]);
    expect(play([[90], [82], [82], [60]], patient)).toMatchObject([{ status: "resolved", seq: 2 }]);
  });

  it("is the same whatever of its labels survives being stored", () => {
    const labels = JSON.parse('{"gpu":"0","__proto__":"x"}');
    expect(seriesKey(labels)).toBe(seriesKey({ gpu: "0" }));
  });

  it("fills its texts from the labels and the value", () => {
    expect(play([[82]], probe)).toMatchObject([
      {
        summary: "GPU 0 is at 82 °C",
        routing: { severity: "warning", probe: "gpu-temperature", target: "seoul" },
      },
    ]);
  });

  it("ends when config no longer has its probe", () => {
    const world = next(empty, [90], aProbe({ levels: [aLevel("fail", "> 85")] }));
    const after = reduceIncidents(world.incidents, {
      target: "seoul",
      at: world.at + minute,
      results: [],
      configured: [],
      blindAfter: 3,
      routes,
      probes: {},
    });
    expect(Object.values(after)).toMatchObject([{ status: "resolved", resolution: "gone" }]);
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

  it("at most one incident is open for a series, changes only grow, and what recovers resolves", () => {
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 40 }), probes, (minutes, probe) => {
        let world = empty;
        for (const one of minutes) {
          const before = world.incidents;
          world = next(world, one, probe);
          const open = Object.values(world.incidents).filter(({ status }) => status !== "resolved");
          expect(new Set(open.map(({ probe: id, labels }) => id + JSON.stringify(labels))).size).toBe(
            open.length,
          );
          for (const incident of Object.values(world.incidents)) {
            expect(incident.seq).toBeGreaterThanOrEqual(before[incident.id]?.seq ?? 0);
            if (before[incident.id]?.status === "resolved") expect(incident).toEqual(before[incident.id]);
          }
        }
        for (let kept = 0; kept <= 3; kept++) world = next(world, [60, 60], probe);
        expect(Object.values(world.incidents).filter(({ status }) => status !== "resolved")).toEqual([]);
      }),
    );
  });

  it("the same round twice changes nothing the second time", () => {
    fc.assert(
      fc.property(fc.array(seen, { minLength: 1, maxLength: 20 }), (minutes) => {
        const world = minutes.reduce((before, one) => next(before, one, probe), empty);
        const round = {
          target: "seoul",
          at: world.at,
          results: [],
          configured: [probe],
          blindAfter: 3,
          routes,
          probes: world.state ? { [probe.id]: world.state } : {},
        };
        expect(reduceIncidents(world.incidents, round)).toEqual(world.incidents);
      }),
    );
  });
});
