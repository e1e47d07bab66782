import { describe, expect, it } from "vitest";

import { buildRecordAlerts } from "../../../../functions/receive-alertmanager/record-alerts.ts";
import { buildChangeIncidents } from "../../../../shared/adapters/change-incidents.ts";
import { parseDrillArrival } from "../../../../shared/domain/drill.ts";
import { incidentsObject } from "../../../../shared/domain/incident-state.ts";
import type { Announcement } from "../../../../shared/domain/incidents.ts";
import { storeKeys } from "../../../../shared/domain/store.ts";
import { aPolicy, aProbe, aRoute } from "../../../support/builders.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";
import { anAlert } from "../../../support/remembered.ts";

const t0 = Date.UTC(2026, 2, 1, 3);
const probe = aProbe({ labels: { team: "gpu" } });

function setUp() {
  const store = buildMemoryStore();
  const announced: Announcement[] = [];
  let nonce = 0;
  const changeIncidents = buildChangeIncidents(store, aPolicy({ routes: [aRoute("#ops")] }), {
    nonce: () => `n${++nonce}`,
    pause: async () => undefined,
  });
  const record = buildRecordAlerts({
    probes: [probe],
    now: () => t0,
    changeIncidents,
    create: async (key, body) =>
      (await store.write(key, body, { ifNoneMatch: "*" })) === "conflict" ? "exists" : "created",
    announce: async (_, more) => {
      announced.push(...more);
    },
  });
  const incidents = async () => {
    const key = storeKeys.incidents("seoul");
    const stored = await store.read(key);
    return Object.values(incidentsObject("seoul").parse(key, stored?.body ?? "").incidents);
  };
  return { record, announced, incidents, store };
}

const labels = {
  alertname: "GpuTemperature",
  severity: "critical",
  team: "gpu",
  probe: "gpu-temperature",
  gpu: "5",
};

describe("alerts that Alertmanager tells", () => {
  it("are an incident of the probe that they were generated from, and announced", async () => {
    const { record, announced, incidents } = setUp();
    await record({ target: "seoul", id: "m1", at: t0, alerts: [anAlert(labels, t0)], truncated: false });
    const [incident, ...others] = await incidents();
    expect(others).toEqual([]);
    expect(incident).toMatchObject({
      probe: "gpu-temperature",
      status: "firing",
      labels: { team: "gpu", severity: "critical", gpu: "5" },
    });
    expect(announced).toEqual([{ incident: incident?.id, channel: "#ops", seq: 1 }]);
  });

  it("change nothing when the same message comes again", async () => {
    const { record, announced } = setUp();
    const message = { target: "seoul", id: "m1", at: t0, alerts: [anAlert(labels, t0)], truncated: false };
    await record(message);
    await record(message);
    expect(announced.length).toBe(1);
  });

  it("end their incident where they are resolved", async () => {
    const { record, incidents } = setUp();
    const firing = anAlert(labels, t0);
    await record({ target: "seoul", id: "m1", at: t0, alerts: [firing], truncated: false });
    const over = [{ ...firing, status: "resolved" as const, endsAt: t0 }];
    await record({ target: "seoul", id: "m2", at: t0, alerts: over, truncated: false });
    expect(await incidents()).toMatchObject([{ status: "resolved", resolution: "recovered" }]);
  });
});

describe("drills", () => {
  const drill = {
    alertname: "SondeDrill",
    severity: "none",
    sonde_drill: "0190d1e4-aaaa-bbbb-cccc-0123456789ab",
  };
  const message = (id: string, alerts: Parameters<typeof anAlert>[0][], at = t0) => ({
    target: "seoul",
    id,
    at,
    alerts: alerts.map((one) => anAlert(one, t0 - 2_000)),
    truncated: false,
  });

  it("are written down the first time that they come, and are no incidents", async () => {
    const { record, announced, store } = setUp();
    await record(message("m1", [drill], t0 - 1_000));
    await record(message("m2", [drill], t0 + 60_000));
    expect([...store.objects.keys()]).toEqual([`drills/${drill.sonde_drill}.json`]);
    const key = storeKeys.drill(drill.sonde_drill);
    expect(parseDrillArrival(key, store.objects.get(key)?.body ?? "")).toEqual({
      version: 1,
      drill: drill.sonde_drill,
      target: "seoul",
      firedAt: t0 - 62_000,
      sentAt: t0 - 1_000,
      receivedAt: t0,
    });
    expect(announced).toEqual([]);
  });

  it("leave the alerts beside them as they are", async () => {
    const { record, incidents } = setUp();
    await record(message("m1", [drill, labels]));
    expect((await incidents()).map((incident) => incident.probe)).toEqual(["gpu-temperature"]);
  });

  it.each([
    ["a label that any workload may set", { ...labels, sonde_drill: drill.sonde_drill }],
    ["a name without an id", { ...drill, sonde_drill: "" }],
    ["an id of another shape", { ...drill, sonde_drill: "../../incidents/seoul" }],
  ])("are not made by %s", async (_, alert) => {
    const { record, incidents, store } = setUp();
    await record(message("m1", [alert]));
    expect(await incidents()).toHaveLength(1);
    expect(await store.list("drills/")).toEqual([]);
  });
});
