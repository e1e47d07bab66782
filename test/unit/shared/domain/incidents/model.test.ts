import fc from "fast-check";
import { expect, it } from "vitest";

import { type Incident, isOpen } from "../../../../../shared/domain/incident.ts";
import type { IncidentPolicy } from "../../../../../shared/domain/incident-policy.ts";
import { minute, noon, openDesk, type Seen } from "../../../../support/incident-desk.ts";
import { type Expected, Reference } from "../../../../support/incident-reference.ts";
import {
  play,
  type Step,
  scriptPolicy,
  scriptProbes,
  scriptSeries,
  scriptShards,
  scriptStep,
} from "../../../../support/incident-script.ts";

type Desk = ReturnType<typeof openDesk>;

/** A step, taken by the reference and by the real thing, which must then agree. */
class Taken implements fc.Command<World, Desk> {
  readonly step: Step;
  constructor(step: Step) {
    this.step = step;
  }
  check = () => true;
  toString = () => JSON.stringify(this.step);

  run(world: World, desk: Desk): void {
    const answer = this.step.do === "acknowledge" ? desk.incidents()[this.step.nth] : undefined;
    const shown = desk.shown().length;
    const told = world.reference.told.length;
    play(desk, this.step);
    world.reference.silences = desk.silences();
    world.reference.now = desk.now();
    world.take(this.step, answer);
    expect(stateOf(desk)).toEqual(world.reference.expected());
    const heard = desk
      .shown()
      .slice(shown)
      .map(({ at, channel, group, what }) => `${at} ${channel} ${group} ${what}`);
    expect(heard.sort()).toEqual(world.reference.told.slice(told).sort());
  }
}

/** What the reference is told of a step: what is seen now, and who answers. */
class World {
  readonly reference: Reference;
  #seen: Seen[] = [];
  constructor(policy: IncidentPolicy) {
    this.reference = new Reference(
      policy,
      scriptProbes.map(({ id }) => id),
      noon,
    );
  }

  take(step: Step, answer: Incident | undefined): void {
    const { reference } = this;
    switch (step.do) {
      case "round": {
        const { as, down, by } = step;
        this.#seen = scriptSeries.map((series, index) => {
          const before = this.#seen[index]?.as ?? "gone";
          return { ...series, as: down.includes(series.probe) ? before : (as[index] ?? "ok") };
        });
        const all = scriptProbes.map(({ id }) => id);
        if (by === "whole" || by === "lost") reference.round(this.#seen, all, down, by === "whole");
        if (by === "first" || by === "both") reference.round(this.#seen, scriptShards[0].of, down);
        if (by === "second" || by === "both") reference.round(this.#seen, scriptShards[1].of, down);
        return;
      }
      case "alert": {
        const series = scriptSeries[step.series];
        if (series) reference.alert(series.probe, series.labels, step.status, reference.now - 2 * minute);
        return;
      }
      case "watchdog":
        reference.watchdog();
        return;
      case "acknowledge":
        if (answer && isOpen(answer)) reference.acknowledge(answer.group, reference.now);
        return;
      case "pass":
        reference.tick();
        return;
      // Nothing that was had before changes anything, and silences count from the next input on.
      case "again":
      case "silence":
      case "unsilence":
        return;
    }
  }
}

function stateOf(desk: Desk): Map<string, Expected> {
  return new Map(
    desk
      .incidents()
      .filter(isOpen)
      .map((incident): [string, Expected] => {
        const of = (state: string) =>
          Object.entries(incident.members)
            .filter(([, member]) => member.state === state)
            .map(([key]) => key)
            .sort();
        return [
          incident.group,
          {
            open: incident.status === "resolved" ? "no" : incident.status,
            firing: of("firing"),
            waiting: of("pending"),
            level: incident.level,
            mute: incident.mute?.by ?? null,
            acknowledged: incident.acknowledged !== null,
          },
        ];
      }),
  );
}

it("incidents live as the plain reading of their rules has it, whatever comes", () => {
  const steps = scriptStep.map((step) => new Taken(step));
  fc.assert(
    fc.property(scriptPolicy, fc.commands([steps], { maxCommands: 60, size: "max" }), (policy, commands) => {
      fc.modelRun(() => {
        const desk = openDesk({ policy, probes: scriptProbes });
        const world = new World(policy);
        // Of equals that would mute each other the ids decide, which the reference does not know.
        world.reference.older = (a, b) => {
          const idOf = (group: string) =>
            desk.incidents().findLast((incident) => incident.group === group)?.id ?? "";
          return a.firedAt - b.firedAt || (idOf(a.group) < idOf(b.group) ? -1 : 1);
        };
        return { model: world, real: desk };
      }, commands);
    }),
    { numRuns: 60 },
  );
});
