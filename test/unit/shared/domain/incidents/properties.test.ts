import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Incident, isActive, isOpen } from "../../../../../shared/domain/incident.ts";
import type { IncidentPolicy } from "../../../../../shared/domain/incident-policy.ts";
import { incidentsObject } from "../../../../../shared/domain/incident-state.ts";
import type { TargetIncidents } from "../../../../../shared/domain/incidents.ts";
import { routesFor } from "../../../../../shared/domain/routes.ts";
import { minute, openDesk } from "../../../../support/incident-desk.ts";
import {
  play,
  type Step,
  scriptAlert,
  scriptPolicy,
  scriptProbes,
  scriptSeries,
  scriptStep,
} from "../../../../support/incident-script.ts";

const runs = 100;
type Desk = ReturnType<typeof openDesk>;

/** Plays every script and has `check` look after every step. */
function always(check: (desk: Desk, before: TargetIncidents, policy: IncidentPolicy) => void): void {
  fc.assert(
    fc.property(scriptPolicy, fc.array(scriptStep, { maxLength: 40 }), (policy, steps) => {
      const desk = openDesk({ policy, probes: scriptProbes });
      for (const step of steps) {
        const before = desk.state();
        play(desk, step);
        check(desk, before, policy);
      }
    }),
    { numRuns: runs },
  );
}

describe("whatever comes, in whatever order, twice or not at all", () => {
  it("no group has two open incidents", () => {
    always(({ incidents }) => {
      const groups = incidents()
        .filter(isOpen)
        .map(({ group }) => group);
      expect(new Set(groups).size).toBe(groups.length);
    });
  });

  it("what fires and is not muted is shown wherever its routes say", () => {
    always(({ incidents, state, now }, before, policy) => {
      // Nothing was heard of what time brings.
      if (state() === before) return;
      for (const incident of incidents()) {
        if (!isActive(incident) || incident.mute || now() < (incident.firedAt ?? 0) + policy.groupWait)
          continue;
        const wanted = routesFor(incident, policy.routes).flatMap(({ channels }) => channels);
        expect(incident.channels).toEqual(expect.arrayContaining(wanted));
        if (wanted.length > 0) expect(incident.askedAt).not.toBeNull();
      }
    });
  });

  it("what is muted is so for a reason that people know of", () => {
    always(({ state, incidents, silences, now }, before) => {
      if (state() === before) return;
      for (const incident of incidents().filter(({ mute }) => mute)) {
        expect(isActive(incident)).toBe(true);
        let cause: Incident | undefined = incident;
        for (let steps = 0; cause?.mute?.by === "inhibition" || cause?.mute?.by === "storm"; steps++) {
          expect(steps).toBeLessThan(10);
          cause = state().incidents[cause.mute.id];
          expect(cause && isActive(cause)).toBe(true);
        }
        const mute = cause?.mute;
        if (mute?.by === "silence")
          expect(silences().find(({ id }) => id === mute.id)?.endsAt).toBeGreaterThan(now());
      }
    });
  });

  it("numbers and histories only grow, and nothing is announced that did not change", () => {
    always(({ incidents }, before) => {
      for (const { id, seq, history, status } of incidents()) {
        const known = before.incidents[id];
        const seqs = history.map((change) => change.seq);
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
        expect(seqs.at(-1)).toBeLessThanOrEqual(seq);
        if (!known) continue;
        expect(seq).toBeGreaterThanOrEqual(known.seq);
        // What was said stays said; a long history forgets its beginning.
        const said = history.filter((change) => change.seq <= known.seq);
        expect(known.history.slice(-said.length || known.history.length)).toEqual(said);
        if (known.status !== status && status !== "pending") expect(seq).toBeGreaterThan(known.seq);
      }
    });
  });

  it("every change is announced to every channel that shows it", () => {
    always(({ incidents, messages }) => {
      const wanted = incidents().flatMap(({ id, channels, seq }) =>
        channels.map((channel): [string, number] => [`${id} ${channel}`, seq]),
      );
      // The desk's messages show what was announced, and no more.
      expect([...messages()]).toEqual(expect.arrayContaining(wanted));
    });
  });

  it("the same again gives the very same state back", () => {
    always((desk) => {
      const before = desk.state();
      for (const input of desk.inputs().slice(-3)) {
        if (input.kind === "tick") continue;
        const again = desk.reduce(input);
        expect(again.state).toBe(before);
        expect(again.effects).toEqual([]);
      }
    });
  });

  it("nothing is lost by being stored", () => {
    always(({ state }) => {
      const { parse, format } = incidentsObject("seoul");
      expect(parse("incidents/seoul.json", format(state(), "writer"))).toEqual(state());
    });
  });

  it("an input leaves the state before it as it was", () => {
    const frozen = new Map<TargetIncidents, string>();
    always(({ state }, before) => {
      expect(JSON.stringify(before)).toBe(frozen.get(before) ?? JSON.stringify(before));
      frozen.clear();
      frozen.set(state(), JSON.stringify(state()));
    });
  });

  it("all that recovers resolves", () => {
    const well: Step = { do: "round", as: scriptSeries.map(() => "ok"), down: [], by: "whole" };
    fc.assert(
      fc.property(scriptPolicy, fc.array(scriptStep, { maxLength: 40 }), (policy, steps) => {
        const desk = openDesk({ policy, probes: scriptProbes });
        for (const step of steps) play(desk, step);
        desk.pass(minute);
        desk.alerts(scriptSeries.map((series) => scriptAlert(series, "resolved", desk.now())));
        const watched = desk.state().watchdogAt !== null;
        for (let minutes = 0; minutes < 20; minutes++) {
          if (watched && minutes % 4 === 0) play(desk, { do: "watchdog" });
          play(desk, well);
        }
        expect(desk.incidents().filter(isOpen)).toEqual([]);
      }),
      { numRuns: runs },
    );
  });
});
