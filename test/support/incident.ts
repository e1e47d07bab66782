import type { Incident, IncidentChange } from "../../shared/domain/incident.ts";
import { emptyTargetState, formatTargetState } from "../../shared/domain/state.ts";
import type { Store } from "../../shared/domain/store.ts";
import { storeKeys } from "../../shared/domain/store.ts";

/** 2026-03-01 03:00 UTC */
export const t0 = Date.UTC(2026, 2, 1, 3);
const minute = 60_000;

/** A GPU that is too hot, firing for five minutes, with nothing special about it. */
export function anIncident(change: Partial<Incident> = {}): Incident {
  return {
    id: "gpu-temperature-1x2y3z-lq3k9f40",
    target: "seoul",
    probe: "gpu-temperature",
    status: "firing",
    level: "fail",
    blind: false,
    labels: { Hostname: "gpu-node-7", gpu: "3" },
    routing: { severity: "critical" },
    channels: ["#llm-oncall"],
    summary: "GPU 3 on gpu-node-7 is at 91.2 °C",
    description: "Above the point at which the driver throttles clocks.",
    runbook: "https://runbooks.example.com/gpu",
    dashboard: "https://grafana.example.com/d/gpu?viewPanel=4",
    value: 91.2,
    unit: "celsius",
    threshold: "> 85",
    activeAt: t0,
    activeAtLeast: false,
    firedAt: t0 + 5 * minute,
    resolvedAt: null,
    resolution: null,
    points: [70, 74, 80, 86, 91.2].map((v, index) => ({ t: t0 + index * minute, v })),
    seq: 1,
    history: [{ at: t0 + 5 * minute, what: "firing", value: 91.2 }],
    ...change,
  };
}

/** The same incident after one more change. */
export function afterChange(
  incident: Incident,
  what: IncidentChange["what"],
  at: number,
  value = 80,
): Incident {
  const over = what === "recovered" || what === "gone";
  return {
    ...incident,
    seq: incident.seq + 1,
    value,
    history: [...incident.history, { at, what, value }],
    ...(what === "firing" ? { status: "firing", firedAt: at } : {}),
    ...(what === "escalated" ? { level: "fail" } : {}),
    ...(what === "eased" ? { level: "warn" } : {}),
    ...(what === "blind" ? { blind: true } : {}),
    ...(what === "seen-again" ? { blind: false } : {}),
    ...(over ? { status: "resolved", resolvedAt: at, resolution: what } : {}),
  };
}

/** Puts incidents of one target into a store, whatever stood there. */
export async function storeIncidents(store: Store, incidents: readonly Incident[]): Promise<void> {
  const target = incidents[0]?.target ?? "seoul";
  const key = storeKeys.target(target);
  const stored = await store.read(key);
  const state = {
    ...emptyTargetState(target),
    incidents: Object.fromEntries(incidents.map((incident) => [incident.id, incident])),
  };
  const written = await store.write(
    key,
    formatTargetState(state),
    stored ? { ifMatch: stored.etag } : { ifNoneMatch: "*" },
  );
  if (written === "conflict") throw new Error("somebody else wrote the target's state");
}
