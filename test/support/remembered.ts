import { buildChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import type { ReceivedAlert } from "../../shared/domain/alertmanager.ts";
import { defaultGroupBy } from "../../shared/domain/grouping.ts";
import { defaultPolicy, type IncidentPolicy } from "../../shared/domain/incident-policy.ts";
import type { Store } from "../../shared/domain/store.ts";

/** The defaults, with one channel for all. */
export function aPolicy(change: Partial<IncidentPolicy> = {}): IncidentPolicy {
  return {
    ...defaultPolicy,
    groupBy: defaultGroupBy,
    routes: [{ match: {}, channels: ["#llm-ops"], continue: false }],
    maintenance: [],
    inhibitions: [],
    ...change,
  };
}

/** An alert as Alertmanager tells it; `firing` since a minute. */
export function anAlert(
  labels: Record<string, string>,
  at: number,
  change: Partial<ReceivedAlert> = {},
): ReceivedAlert {
  return {
    status: "firing",
    labels,
    annotations: { summary: `${labels.alertname} fires` },
    startsAt: at - 60_000,
    endsAt: null,
    generatorUrl: "",
    ...change,
  };
}

/** Puts alerts into a store's incidents, through the reducer. */
export async function remember(
  store: Store,
  alerts: readonly ReceivedAlert[],
  at: number,
  policy = aPolicy(),
): Promise<void> {
  const change = buildChangeIncidents(store, policy, {
    nonce: () => `nonce-${at}`,
    pause: async () => undefined,
  });
  await change("seoul", { kind: "alerts", id: `alerts-${at}`, at, alerts, configured: [] }, at);
}
