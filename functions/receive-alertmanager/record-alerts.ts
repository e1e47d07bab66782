import type { ChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import type { AlertIntake, RecordAlerts } from "../../shared/domain/alertmanager.ts";
import { drillOf, formatDrillArrival } from "../../shared/domain/drill.ts";
import type { Announcement } from "../../shared/domain/incidents.ts";
import type { Probe } from "../../shared/domain/probe.ts";
import { type CreateObject, storeKeys } from "../../shared/domain/store.ts";

export interface RecordAlertsDeps {
  /** All that run on the targets: an alert of theirs joins their own incidents. */
  readonly probes: readonly Probe[];
  readonly now: () => number;
  readonly changeIncidents: ChangeIncidents;
  /** Writes down a drill that has come back; the first time counts. */
  readonly create: CreateObject;
  /** Tells the notifiers which messages may lag behind their incident. */
  readonly announce: (target: string, announcements: readonly Announcement[]) => Promise<void>;
}

/** Carries a message's alerts into the incidents. What is not announced after a crash, the next round announces. */
export function buildRecordAlerts(deps: RecordAlertsDeps): RecordAlerts {
  return async (intake) => {
    const { target, id, at } = intake;
    await recordDrills(intake, deps);
    const alerts = intake.alerts.filter((alert) => drillOf(alert) === null);
    // A message of drills alone is no news of anything else.
    if (alerts.length === 0 && intake.alerts.length > 0) return;
    const input = { kind: "alerts", id, at, alerts, configured: deps.probes } as const;
    const { effects } = await deps.changeIncidents(target, input, deps.now());
    if (effects.length > 0) await deps.announce(target, effects);
  };
}

/** Drills never become incidents: who has begun one looks for it here. */
async function recordDrills(
  { target, at, alerts }: AlertIntake,
  { create, now }: RecordAlertsDeps,
): Promise<void> {
  for (const alert of alerts) {
    const drill = drillOf(alert);
    if (drill === null || alert.status !== "firing") continue;
    const arrival = { drill, target, firedAt: alert.startsAt, sentAt: at, receivedAt: now() };
    await create(storeKeys.drill(drill), formatDrillArrival(arrival));
  }
}
