import * as z from "zod/mini";

import type { ReceivedAlert } from "./received-alert.ts";
import { parseVersioned } from "./versioned.ts";

/** The rule that a drill fires on, what it reads, and the label by which a drill is known on its way. */
export const drillAlert = "SondeDrill";
export const drillMetric = "sonde_drill_active";
export const drillLabel = "sonde_drill";

const idPattern = /^[0-9a-f-]{8,64}$/;

/**
 * The drill that an alert belongs to; null where it is an alert like others. The alert's name counts as well: a
 * label alone, which any workload may set, must not keep an alert from people.
 */
export function drillOf({ labels }: Pick<ReceivedAlert, "labels">): string | null {
  const id = labels[drillLabel] ?? "";
  return labels.alertname === drillAlert && idPattern.test(id) ? id : null;
}

const drillVersion = 1;
const arrivalSchema = z.object({
  version: z.literal(drillVersion),
  drill: z.string(),
  target: z.string(),
  /** When the rule fired, when Alertmanager's message was taken by SNS, and when it was here. Unix milliseconds. */
  firedAt: z.nullable(z.number()),
  sentAt: z.number(),
  receivedAt: z.number(),
});
/** A drill that has come back: written once, by the function that the alert came to. */
export type DrillArrival = Omit<z.infer<typeof arrivalSchema>, "version">;

export function parseDrillArrival(key: string, body: string): DrillArrival {
  return parseVersioned(arrivalSchema, drillVersion, key, body);
}

export function formatDrillArrival(arrival: DrillArrival): string {
  return JSON.stringify({ version: drillVersion, ...arrival });
}
