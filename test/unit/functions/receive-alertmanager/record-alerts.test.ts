import { describe, expect, it } from "vitest";

import { buildRecordAlerts } from "../../../../functions/receive-alertmanager/record-alerts.ts";
import { buildChangeIncidents } from "../../../../shared/adapters/change-incidents.ts";
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
    announce: async (_, more) => {
      announced.push(...more);
    },
  });
  const incidents = async () => {
    const key = storeKeys.incidents("seoul");
    const stored = await store.read(key);
    return Object.values(incidentsObject("seoul").parse(key, stored?.body ?? "").incidents);
  };
  return { record, announced, incidents };
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
