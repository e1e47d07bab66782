import fc from "fast-check";

import type { IncidentPolicy, MaintenanceWindow } from "../../shared/domain/incident-policy.ts";
import type { Route } from "../../shared/domain/probe.ts";
import type { Labels } from "../../shared/domain/series.ts";
import { aPolicy, aProbe, aRoute } from "./builders.ts";
import { anAlert, hour, minute, type openDesk, type Seen } from "./incident-desk.ts";

/** What scripts play with: three probes, and the series that they may find. */
export const scriptProbes = ["hot", "slow", "node-ready"].map((id) => aProbe({ id }));
export const scriptSeries: readonly { readonly probe: string; readonly labels: Labels }[] = [
  { probe: "hot", labels: { node: "n1", gpu: "0" } },
  { probe: "hot", labels: { node: "n1", gpu: "1" } },
  { probe: "hot", labels: { node: "n2", gpu: "0" } },
  { probe: "slow", labels: { model: "m1" } },
  { probe: "slow", labels: { model: "m2" } },
  { probe: "node-ready", labels: { node: "n1" } },
];
/** The two shards that a round may be evaluated in. */
export const scriptShards = [
  { shard: "1/2", of: ["hot"] },
  { shard: "2/2", of: ["slow", "node-ready"] },
] as const;
export const scriptSilences: readonly Labels[] = [
  { probe: "hot" },
  { node: "n1" },
  { gpu: "0" },
  { severity: "warning" },
  { target: "seoul" },
];

export type Step =
  /** A minute later, a round; `lost` is evaluated, and what it found never arrives. */
  | {
      readonly do: "round";
      readonly as: readonly Seen["as"][];
      readonly down: readonly string[];
      readonly by: "whole" | "first" | "second" | "both" | "lost";
    }
  /** An input that was had before, counted from the latest one. */
  | { readonly do: "again"; readonly back: number }
  | { readonly do: "alert"; readonly series: number; readonly status: "firing" | "resolved" }
  | { readonly do: "watchdog" }
  | { readonly do: "acknowledge"; readonly nth: number }
  | { readonly do: "silence"; readonly which: number; readonly minutes: number }
  | { readonly do: "unsilence"; readonly which: number }
  | { readonly do: "pass"; readonly minutes: number };

const level = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Seen["as"]>("ok") },
  { weight: 4, arbitrary: fc.constant<Seen["as"]>("fail") },
  { weight: 2, arbitrary: fc.constantFrom<Seen["as"]>("warn", "pending", "gone") },
);
const round = fc.record({
  do: fc.constant("round" as const),
  as: fc.array(level, { minLength: scriptSeries.length, maxLength: scriptSeries.length }),
  down: fc.oneof(
    { weight: 5, arbitrary: fc.constant<string[]>([]) },
    { weight: 2, arbitrary: fc.subarray(scriptProbes.map(({ id }) => id)) },
  ),
  by: fc.constantFrom(
    "whole" as const,
    "whole" as const,
    "first" as const,
    "second" as const,
    "both" as const,
    "lost" as const,
  ),
});
export const scriptStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: round },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("again" as const), back: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("alert" as const),
      series: fc.nat(scriptSeries.length - 1),
      status: fc.constantFrom("firing" as const, "resolved" as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "watchdog" as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("acknowledge" as const), nth: fc.nat(4) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("silence" as const),
      which: fc.nat(scriptSilences.length - 1),
      minutes: fc.constantFrom(1, 5, 20, 60),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unsilence" as const), which: fc.nat(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      minutes: fc.constantFrom(0, 0.5, 1, 4, 5, 10, 16, 60, 25 * 60),
    }),
  },
);

const escalation = { after: 10 * minute, channels: ["#managers"], mention: "" };
const routes: readonly (readonly Route[])[] = [
  [aRoute("#ops")],
  [aRoute("#oncall", { match: { severity: "critical" }, escalation, continue: true }), aRoute("#ops")],
  [aRoute("#hot", { match: { probe: "hot" }, repeatInterval: 7 * minute, escalation }), aRoute("#ops")],
  [aRoute("#oncall", { match: { severity: "critical" } })],
  [],
];
const window: MaintenanceWindow = {
  match: { probe: ["hot", "blind"] },
  cron: "*/30 * * * *",
  timezone: "Asia/Seoul",
  duration: 10 * minute,
};
const nodes = { source: { probe: "node-ready" }, mutes: { probe: "hot" }, equal: ["node"] };
const ring = [
  { source: { probe: "hot" }, mutes: { probe: "slow" }, equal: [] },
  { source: { probe: "slow" }, mutes: { probe: "node-ready" }, equal: [] },
  { source: { probe: "node-ready" }, mutes: { probe: "hot" }, equal: [] },
];

export const scriptPolicy: fc.Arbitrary<IncidentPolicy> = fc
  .record({
    groupBy: fc.constantFrom(["probe", "object"], ["probe"], ["object"], ["probe", "series"], ["gpu"], []),
    groupWait: fc.constantFrom(0, 0, 2 * minute),
    groupInterval: fc.constantFrom(0, 2 * minute, 5 * minute),
    repeatInterval: fc.constantFrom(0, 10 * minute, 4 * hour),
    flapping: fc.constantFrom(
      { changes: 3, within: 10 * minute, calmAfter: 4 * minute },
      { changes: 4, within: hour, calmAfter: 15 * minute },
      { changes: 100, within: hour, calmAfter: minute },
    ),
    stormAbove: fc.constantFrom(1, 2, 3, 20),
    blindAfter: fc.constantFrom(1, 3),
    routes: fc.constantFrom(...routes),
    maintenance: fc.constantFrom([], [], [window]),
    inhibitions: fc.constantFrom([], [nodes], ring),
    alertmanagerSilentAfter: fc.constantFrom(5 * minute, 15 * minute),
  })
  .map(aPolicy);

type Desk = ReturnType<typeof openDesk>;

/** Plays one step at a desk. */
export function play(desk: Desk, step: Step): void {
  switch (step.do) {
    case "round": {
      const seen = scriptSeries.flatMap((series, index): Seen[] => {
        const as = step.as[index] ?? "ok";
        return [{ ...series, as }];
      });
      const { down, by } = step;
      desk.pass(minute);
      if (by === "lost") desk.draw(seen, { down });
      else if (by === "whole") desk.roundNow(seen, { down });
      else desk.look(seen, { down });
      if (by === "first" || by === "both") desk.roundSeen({ down, ...scriptShards[0] });
      if (by === "second" || by === "both") desk.roundSeen({ down, ...scriptShards[1] });
      return;
    }
    case "again": {
      const input = desk.inputs().at(-1 - step.back);
      if (input && input.kind !== "tick") desk.reduce(input);
      return;
    }
    case "alert": {
      const series = scriptSeries[step.series];
      if (series) desk.alerts([scriptAlert(series, step.status, desk.now())]);
      return;
    }
    case "watchdog":
      desk.alerts([anAlert("Watchdog")]);
      return;
    case "acknowledge": {
      const incident = desk.incidents()[step.nth];
      if (incident) desk.acknowledgeIncident(incident.id);
      return;
    }
    case "silence":
      desk.silence(scriptSilences[step.which] ?? {}, step.minutes * minute, `silence-${step.which}`);
      return;
    case "unsilence":
      desk.unsilence(`silence-${step.which}`);
      return;
    case "pass":
      desk.pass(step.minutes * minute);
      desk.tick();
      return;
  }
}

export function scriptAlert(
  { probe, labels }: { readonly probe: string; readonly labels: Labels },
  status: "firing" | "resolved",
  now: number,
) {
  return anAlert(probe, {
    status,
    labels: { ...labels, severity: "critical" },
    startsAt: now - 2 * minute,
    endsAt: status === "resolved" ? now : null,
  });
}
