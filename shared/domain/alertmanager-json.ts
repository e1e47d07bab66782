import * as z from "zod/mini";

import { readObjects } from "./lenient-json.ts";
import { parseGoTime, type ReceivedAlert, type ReceivedAlerts, toLabels } from "./received-alert.ts";

const labels = z.record(z.string(), z.string());
/** The shape of Alertmanager's webhook, which AWS's template for SNS follows; without labels it leaves them out. */
const alertSchema = z.object({
  status: z.enum(["firing", "resolved"]),
  labels,
  annotations: z.optional(labels),
  startsAt: z.optional(z.string()),
  endsAt: z.optional(z.string()),
  generatorURL: z.optional(z.string()),
});
const messageSchema = z.object({
  alerts: z.array(z.unknown()),
  /** How many Alertmanager left out by itself. */
  truncatedAlerts: z.optional(z.number()),
});

/** A JSON body; null where the message is none, or is another's. */
export function parseJsonAlerts(message: string): ReceivedAlerts | null {
  if (!/^\s*\{/.test(message)) return null;
  const found = readWhole(message) ?? readPieces(message);
  if (!found) return null;
  const alerts = found.alerts.flatMap((alert) => parseAlert(alert) ?? []);
  return { target: null, truncated: found.truncated || alerts.length < found.alerts.length, alerts };
}

interface Read {
  readonly alerts: readonly unknown[];
  readonly truncated: boolean;
}

function readWhole(message: string): Read | null {
  try {
    const { alerts, truncatedAlerts = 0 } = messageSchema.parse(JSON.parse(message));
    return { alerts, truncated: truncatedAlerts > 0 };
  } catch {
    return null;
  }
}

/** JSON that was cut, or that a template made without escaping: the alerts that can be made out. */
function readPieces(message: string): Read | null {
  const list = /"alerts"\s*:\s*\[/.exec(message);
  if (!list) return null;
  const { objects, whole } = readObjects(message, list.index + list[0].length);
  return { alerts: objects, truncated: !whole };
}

function parseAlert(data: unknown): ReceivedAlert | null {
  const parsed = alertSchema.safeParse(data);
  if (!parsed.success || Object.keys(parsed.data.labels).length === 0) return null;
  const { status, annotations = {}, startsAt = "", endsAt = "", generatorURL = "" } = parsed.data;
  return {
    status,
    labels: toLabels(Object.entries(parsed.data.labels)),
    annotations: toLabels(Object.entries(annotations)),
    startsAt: parseGoTime(startsAt),
    endsAt: status === "resolved" ? parseGoTime(endsAt) : null,
    generatorUrl: generatorURL.toWellFormed(),
  };
}
