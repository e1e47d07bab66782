import { buildChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import type { ReceivedAlert } from "../../shared/domain/alertmanager.ts";
import type { Store } from "../../shared/domain/store.ts";
import { aPolicy, aRoute } from "./builders.ts";

/** The defaults, with one channel for all. */
export const onePolicy = aPolicy({ routes: [aRoute("#llm-ops")] });

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
  policy = onePolicy,
): Promise<void> {
  const change = buildChangeIncidents(store, policy, {
    nonce: () => `nonce-${at}`,
    pause: async () => undefined,
  });
  await change("seoul", { kind: "alerts", id: `alerts-${at}`, at, alerts, configured: [] }, at);
}
