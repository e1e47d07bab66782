import type { Incident, IncidentChange, IncidentStatus, Member, Mute } from "../../shared/domain/incident.ts";
import { note } from "../../shared/domain/incident.ts";
import { emptyIncidents, incidentsObject } from "../../shared/domain/incident-state.ts";
import type { Store } from "../../shared/domain/store.ts";
import { storeKeys } from "../../shared/domain/store.ts";

/** 2026-03-01 03:00 UTC */
export const t0 = Date.UTC(2026, 2, 1, 3);
const minute = 60_000;

/** One GPU that is too hot. */
export function aMember(change: Partial<Member> = {}): Member {
  return {
    probe: "gpu-temperature",
    labels: { Hostname: "gpu-node-7", gpu: "3" },
    state: "firing",
    level: "fail",
    blind: false,
    value: 91.2,
    unit: "celsius",
    threshold: "> 85",
    summary: "GPU 3 on gpu-node-7 is at 91.2 °C",
    description: "Above the point at which the driver throttles clocks.",
    runbook: "https://runbooks.example.com/gpu",
    dashboard: "https://grafana.example.com/d/gpu?viewPanel=4",
    own: { severity: "critical" },
    activeAt: t0,
    activeAtLeast: false,
    points: [70, 74, 80, 86, 91.2].map((v, index) => ({ t: t0 + index * minute, v })),
    byProbe: true,
    alertAt: null,
    budget: null,
    ...change,
  };
}

/** A GPU that is too hot, firing for five minutes, with nothing special about it; `lead` changes its one member. */
export function anIncident(change: Partial<Incident> = {}, lead: Partial<Member> = {}): Incident {
  return {
    id: "gpu-temperature-1x2y3z-lq3k9f40",
    group: '[["Hostname","gpu-node-7"],["probe","gpu-temperature"]]',
    target: "seoul",
    probe: "gpu-temperature",
    status: "firing",
    level: "fail",
    blind: false,
    groupedBy: { probe: "gpu-temperature", Hostname: "gpu-node-7" },
    labels: {
      Hostname: "gpu-node-7",
      gpu: "3",
      severity: "critical",
      probe: "gpu-temperature",
      target: "seoul",
    },
    members: { lead: aMember(lead) },
    lead: "lead",
    channels: ["#llm-oncall"],
    activeAt: t0,
    activeAtLeast: false,
    firedAt: t0 + 5 * minute,
    resolvedAt: null,
    resolution: null,
    acknowledged: null,
    mute: null,
    transitions: [t0 + 5 * minute],
    loudAt: t0 + 5 * minute,
    askedAt: t0 + 5 * minute,
    graveAt: t0 + 5 * minute,
    escalatedAt: null,
    blindSince: null,
    growth: { toldAt: t0 + 5 * minute, joined: 0, left: 0 },
    seq: 1,
    history: [{ seq: 1, at: t0 + 5 * minute, what: "firing", value: 91.2, note: "" }],
    ...change,
  };
}

/** The incident of many GPUs on one node. */
export function manyMembers(
  count: number,
  each: (index: number) => Partial<Member> = () => ({}),
  change: Partial<Incident> = {},
): Incident {
  const members = Array.from({ length: count }, (_, index): [string, Member] => {
    const labels = { Hostname: "gpu-node-7", gpu: String(index) };
    const summary = `GPU ${index} on gpu-node-7 is at 91.2 °C`;
    return [`gpu-${index}`, aMember({ labels, summary, ...each(index) })];
  });
  return anIncident({ members: Object.fromEntries(members), lead: "gpu-0", ...change });
}

export const aSilence: Mute = {
  by: "silence",
  id: "silence-1",
  until: t0 + 2 * 60 * minute,
  note: "Ada: new fans arrive",
};

/** The same incident after one more change. */
export function afterChange(
  incident: Incident,
  what: IncidentChange["what"],
  at: number,
  value = 80,
  text = "",
): Incident {
  const over = what === "recovered" || what === "gone";
  const members = Object.fromEntries(
    Object.entries(incident.members).map(([key, member]) => [
      key,
      {
        ...member,
        ...(key === incident.lead ? { value } : {}),
        ...(over ? { state: "ok" as const, blind: false } : {}),
        ...(what === "firing" || what === "fired-again" || what === "calm"
          ? { state: "firing" as const }
          : {}),
        ...(what === "escalated" ? { level: "fail" as const } : {}),
        ...(what === "eased" ? { level: "warn" as const } : {}),
      },
    ]),
  );
  const changed = note({ ...incident, members }, what, at, { value, note: text });
  return { ...changed, ...whatFollows(what, at) };
}

function whatFollows(what: IncidentChange["what"], at: number): Partial<Incident> {
  const firing: IncidentStatus = "firing";
  switch (what) {
    case "firing":
      return { status: firing, firedAt: at };
    case "fired-again":
      return { status: firing, firedAt: at, resolvedAt: null, resolution: null, acknowledged: null };
    case "calm":
      return { status: firing };
    case "flapping":
      return { status: "flapping" };
    case "escalated":
      return { level: "fail", acknowledged: null, escalatedAt: null };
    case "eased":
      return { level: "warn" };
    case "blind":
      return { blind: true, blindSince: at };
    case "seen-again":
      return { blind: false, blindSince: null };
    case "acknowledged":
      return { acknowledged: { id: "U0ADA", name: "Ada", at } };
    case "muted":
      return { mute: aSilence };
    case "unmuted":
      return { mute: null };
    case "unanswered":
      return { escalatedAt: at };
    case "recovered":
    case "gone":
      return { status: "resolved", resolvedAt: at, resolution: what, blind: false, mute: null };
    case "pending":
    case "grew":
    case "mute-ending":
    case "repeated":
      return {};
  }
}

/** Puts incidents of one target into a store, whatever stood there. */
export async function storeIncidents(store: Store, incidents: readonly Incident[]): Promise<void> {
  const target = incidents[0]?.target ?? "seoul";
  const key = storeKeys.incidents(target);
  const stored = await store.read(key);
  const written = await store.write(
    key,
    formatIncidents(target, incidents),
    stored ? { ifMatch: stored.etag } : { ifNoneMatch: "*" },
  );
  if (written === "conflict") throw new Error("somebody else wrote the target's incidents");
}

/** A target's stored object that holds these incidents and nothing else. */
export function formatIncidents(target: string, incidents: readonly Incident[]): string {
  const state = {
    ...emptyIncidents(target),
    incidents: Object.fromEntries(incidents.map((incident) => [incident.id, incident])),
  };
  return incidentsObject(target).format(state, "test");
}
