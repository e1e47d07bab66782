import { describe, expect, it } from "vitest";

import { buildIncidents } from "../../../../functions/apply-answer/incidents.ts";
import { buildChangeIncidents } from "../../../../shared/adapters/change-incidents.ts";
import { incidentsObject } from "../../../../shared/domain/incident-state.ts";
import { addSilence, matchersOf, silencesObject } from "../../../../shared/domain/silence.ts";
import { storeKeys } from "../../../../shared/domain/store.ts";
import { t0 } from "../../../support/incident.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";
import { anAlert, onePolicy, remember } from "../../../support/remembered.ts";

const minute = 60_000;
const ada = { id: "U0ADA0001", name: "ada" };

/** A GPU's incident, firing and shown in a channel. */
async function setUp() {
  const store = buildMemoryStore();
  await remember(store, [anAlert({ alertname: "gpu-hot", Hostname: "gpu-node-7" }, t0)], t0);
  const read = () => {
    const key = storeKeys.incidents("seoul");
    return incidentsObject("seoul").parse(key, store.objects.get(key)?.body ?? "").incidents;
  };
  const [incident] = Object.values(read());
  if (!incident) throw new Error("the alert made no incident");
  const announced: string[] = [];
  let nonces = 0;
  const nonce = () => `n${++nonces}`;
  const incidents = buildIncidents({
    store,
    change: buildChangeIncidents(store, onePolicy, { nonce, pause: async () => undefined }),
    announce: async (target, announcements) => {
      announced.push(...announcements.map(({ channel, seq }) => `${target} ${channel} ${seq}`));
    },
    now: () => t0 + minute,
  });
  return { store, incident, incidents, announced, now: () => read()[incident.id] };
}

describe("acknowledging an incident", () => {
  it("says who did, when, and has the message show it", async () => {
    const { incident, incidents, announced, now } = await setUp();
    expect(await incidents.acknowledge("seoul", incident.id, ada, t0 + 1000, "a1")).toBe("done");
    expect(now()?.acknowledged).toEqual({ ...ada, at: t0 + 1000 });
    expect(announced).toEqual([`seoul #llm-ops ${incident.seq + 1}`]);
  });

  it("twice changes and tells nothing more", async () => {
    const { incident, incidents, announced, now } = await setUp();
    await incidents.acknowledge("seoul", incident.id, ada, t0 + 1000, "a1");
    expect(
      await incidents.acknowledge("seoul", incident.id, { id: "U0BOB0001", name: "bob" }, t0 + 2000, "a2"),
    ).toBe("done");
    expect(now()?.acknowledged?.name).toBe("ada");
    expect(announced).toHaveLength(1);
  });

  it.each(["seoul", "another target"])("that is not there, on %s, finds it gone", async (target) => {
    const { incidents, announced } = await setUp();
    expect(await incidents.acknowledge(target, "another", ada, t0, "a1")).toBe("gone");
    expect(announced).toEqual([]);
  });
});

describe("silencing an incident", () => {
  it("goes by what the group was made by, and is shown once its target is refreshed", async () => {
    const { store, incident, incidents, announced, now } = await setUp();
    const labels = await incidents.labelsOf("seoul", incident.id);
    expect(labels).toEqual({ target: "seoul", probe: "gpu-hot", Hostname: "gpu-node-7" });
    const silence = {
      id: "a1",
      matchers: matchersOf(labels ?? {}),
      startsAt: t0,
      endsAt: t0 + 60 * minute,
      by: ada,
      reason: "",
      origin: "slack" as const,
    };
    const body = silencesObject.format(addSilence([], silence, t0), "w");
    await store.write(storeKeys.silences, body, { ifNoneMatch: "*" });
    await incidents.refresh("seoul");
    expect(now()?.mute).toMatchObject({ by: "silence", id: "a1", until: t0 + 60 * minute });
    expect(announced).toEqual([`seoul #llm-ops ${incident.seq + 1}`]);
  });

  it("finds no labels where the incident is not known any more", async () => {
    const { incidents } = await setUp();
    expect(await incidents.labelsOf("seoul", "another")).toBeNull();
    expect(await incidents.labelsOf("another target", "another")).toBeNull();
  });
});
