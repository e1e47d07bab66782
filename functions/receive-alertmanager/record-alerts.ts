import type { ChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import type { RecordAlerts } from "../../shared/domain/alertmanager.ts";
import type { Announcement } from "../../shared/domain/incidents.ts";
import type { Probe } from "../../shared/domain/probe.ts";

export interface RecordAlertsDeps {
  /** All that run on the targets: an alert of theirs joins their own incidents. */
  readonly probes: readonly Probe[];
  readonly now: () => number;
  readonly changeIncidents: ChangeIncidents;
  /** Tells the notifiers which messages may lag behind their incident. */
  readonly announce: (target: string, announcements: readonly Announcement[]) => Promise<void>;
}

/** Carries a message's alerts into the incidents. What is not announced after a crash, the next round announces. */
export function buildRecordAlerts(deps: RecordAlertsDeps): RecordAlerts {
  return async ({ target, id, at, alerts }) => {
    const input = { kind: "alerts", id, at, alerts, configured: deps.probes } as const;
    const { effects } = await deps.changeIncidents(target, input, deps.now());
    if (effects.length > 0) await deps.announce(target, effects);
  };
}
