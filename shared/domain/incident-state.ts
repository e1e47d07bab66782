import * as z from "zod/mini";

import { changeKinds, type Incident } from "./incident.ts";
import type { TargetIncidents } from "./incidents.ts";
import { parseVersioned } from "./versioned.ts";

const version = 1;
const labels = z.record(z.string(), z.string());
const nullableNumber = z.nullable(z.number());
const incidentLevel = z.enum(["warn", "fail", "unknown"]);

const memberSchema = z.object({
  probe: z.string(),
  labels,
  state: z.enum(["pending", "firing", "ok"]),
  level: incidentLevel,
  blind: z.boolean(),
  value: nullableNumber,
  unit: z.string(),
  threshold: z.nullable(z.string()),
  summary: z.string(),
  description: z.string(),
  runbook: z.string(),
  dashboard: z.string(),
  own: labels,
  activeAt: z.number(),
  activeAtLeast: z.boolean(),
  points: z.array(z.object({ t: z.number(), v: nullableNumber })),
  byProbe: z.boolean(),
  alertAt: nullableNumber,
  budget: z.nullable(z.object({ left: z.number(), exhaustedIn: nullableNumber, at: z.number() })),
});

const incidentSchema: z.ZodMiniType<Incident> = z.object({
  id: z.string(),
  group: z.string(),
  target: z.string(),
  probe: z.string(),
  status: z.enum(["pending", "firing", "flapping", "resolved"]),
  level: incidentLevel,
  blind: z.boolean(),
  groupedBy: labels,
  labels,
  members: z.record(z.string(), memberSchema),
  lead: z.string(),
  channels: z.array(z.string()),
  activeAt: z.number(),
  activeAtLeast: z.boolean(),
  firedAt: nullableNumber,
  resolvedAt: nullableNumber,
  resolution: z.nullable(z.enum(["recovered", "gone"])),
  acknowledged: z.nullable(z.object({ id: z.string(), name: z.string(), at: z.number() })),
  mute: z.nullable(
    z.object({
      by: z.enum(["silence", "maintenance", "inhibition", "storm"]),
      id: z.string(),
      until: nullableNumber,
      note: z.string(),
    }),
  ),
  transitions: z.array(z.number()),
  loudAt: nullableNumber,
  graveAt: nullableNumber,
  askedAt: nullableNumber,
  escalatedAt: nullableNumber,
  blindSince: nullableNumber,
  growth: z.object({ toldAt: z.number(), joined: z.number(), left: z.number() }),
  seq: z.number(),
  history: z.array(
    z.object({
      seq: z.number(),
      at: z.number(),
      what: z.enum(changeKinds),
      value: nullableNumber,
      note: z.string(),
    }),
  ),
});

const incidentsSchema = z.object({
  version: z.literal(version),
  target: z.string(),
  /** Differs with every write, so that a writer recognises its own after a lost answer. */
  writer: z.string(),
  rounds: z.record(z.string(), z.number()),
  told: z.array(z.string()),
  heard: z.array(z.string()),
  over: z.record(z.string(), z.number()),
  watchdogAt: nullableNumber,
  incidents: z.record(z.string(), incidentSchema),
});

export function emptyIncidents(target: string): TargetIncidents {
  return { target, rounds: {}, told: [], heard: [], over: {}, watchdogAt: null, incidents: {} };
}

/** The stored object of one target's incidents, for `changeObject`. */
export function incidentsObject(target: string) {
  return {
    parse: (key: string, body: string): TargetIncidents => {
      const { version: _, writer: __, ...state } = parseVersioned(incidentsSchema, version, key, body);
      return state;
    },
    format: (state: TargetIncidents, writer: string) => JSON.stringify({ version, ...state, writer }),
    empty: () => emptyIncidents(target),
  };
}
