import { parseNotification, type RecordAlerts, targetAttribute } from "../../shared/domain/alertmanager.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { Log } from "../../shared/lambda/logger.ts";
import { parseRecord } from "./sns-event.ts";
import { type KnownTarget, sortByTarget } from "./which-target.ts";

export interface TakeInDeps {
  /** ARNs of the topics whose messages are taken. */
  readonly topics: readonly string[];
  readonly targets: readonly KnownTarget[];
  readonly record: RecordAlerts;
  readonly log: Log;
}

/**
 * Takes in one message: its alerts are recorded with the targets that they are of. The same message may come
 * again, and has the same id then. Throws where any of it could not be taken in.
 */
export async function takeIn(data: unknown, deps: TakeInDeps): Promise<void> {
  const { id, at, message, attributes } = parseRecord(data, deps.topics);
  const received = explain(id, () => parseNotification(message));
  const { byTarget, homeless } = explain(id, () => sortByTarget(received, attributes, deps.targets));
  // AMP and Alertmanager say so where they cut a message to SNS's size.
  const truncated = received.truncated || attributes.truncated === "true";
  for (const [target, alerts] of byTarget) await deps.record({ target, id, at, alerts, truncated });
  deps.log(truncated ? "warn" : "info", "took in a message", {
    id,
    targets: [...byTarget.keys()],
    alerts: received.alerts.length,
    truncated,
  });
  if (homeless > 0)
    throw new ConfigError(
      `message ${id}: nothing says of which target ${homeless} of its ${received.alerts.length} alerts are: add the attribute ${targetAttribute} to sns_configs, or a label ${targetAttribute} to the rules, with the target's name in sonde.yaml`,
    );
}

/** Says which message an error is about. */
function explain<T>(id: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new ConfigError(`message ${id}: ${cause.message}`, { cause });
  }
}
