import { parseJsonAlerts } from "./alertmanager-json.ts";
import { parseLines } from "./alertmanager-lines.ts";
import { parseTextAlerts } from "./alertmanager-text.ts";
import { ConfigError } from "./errors.ts";
import type { ReceivedAlert, ReceivedAlerts } from "./received-alert.ts";

export type { ReceivedAlert, ReceivedAlerts };

/** One message's alerts about one target. The same message comes again with the same id. */
export interface AlertIntake {
  readonly target: string;
  readonly id: string;
  /** When Alertmanager sent it, Unix milliseconds. */
  readonly at: number;
  readonly alerts: readonly ReceivedAlert[];
  readonly truncated: boolean;
}

export type RecordAlerts = (intake: AlertIntake) => Promise<void>;

/** The message attribute, or label, that names the target. */
export const targetAttribute = "sonde_target";

/** How often our definition has a firing alert repeated, in milliseconds: what is not repeated is not known. */
export const repeatInterval = { alerts: 300_000, watchdog: 60_000 } as const;

/**
 * Reads a notification of Alertmanager's: the message of our own definition, JSON in the shape of its webhook,
 * or its default text. Throws a ConfigError where it is none of these.
 */
export function parseNotification(message: string): ReceivedAlerts {
  const found = parseLines(message) ?? parseJsonAlerts(message) ?? parseTextAlerts(message);
  if (found) return found;
  throw new ConfigError(
    "the message is neither of Sonde's definition, nor Alertmanager's JSON or default text: give Alertmanager what `sonde render --only alertmanager` writes",
  );
}
