import * as z from "zod/mini";

import { pagerDutySeverities } from "../../shared/domain/pagerduty.ts";
import { type FaultyServer, type PlainAnswer, type Posted, serveWithFaults } from "./faulty-server.ts";

/** An alert as PagerDuty keeps it; a trigger after the end begins another one. */
export interface PagerDutyAlertState {
  readonly dedupKey: string;
  status: "triggered" | "acknowledged" | "resolved";
  readonly summaries: string[];
}

export interface PagerDutyStage extends FaultyServer {
  readonly alerts: readonly PagerDutyAlertState[];
  readonly events: readonly unknown[];
}

const named = z.string().check(z.minLength(1));
const about = {
  routing_key: z.string(),
  dedup_key: z.string().check(z.minLength(1), z.maxLength(255)),
};
const schema = z.discriminatedUnion("event_action", [
  z.strictObject({
    ...about,
    event_action: z.literal("trigger"),
    client: z.optional(z.string()),
    payload: z.strictObject({
      summary: z.string().check(z.minLength(1), z.maxLength(1024)),
      source: named,
      severity: z.enum(pagerDutySeverities),
      timestamp: z.iso.datetime(),
      component: named,
      group: named,
      class: named,
      custom_details: z.record(z.string(), z.unknown()),
    }),
    links: z.array(z.strictObject({ href: z.url(), text: named })),
  }),
  z.strictObject({ ...about, event_action: z.literal("acknowledge") }),
  z.strictObject({ ...about, event_action: z.literal("resolve") }),
]);
type Event = z.infer<typeof schema>;

/** Limits of the Events API v2: developer.pagerduty.com/docs/events-api-v2-overview. */
const maxBytes = 512 * 1024;

/** The Events API v2 on loopback, as strict as its documentation. */
export async function startPagerDuty(routingKey: string): Promise<PagerDutyStage> {
  const alerts: PagerDutyAlertState[] = [];
  const events: Event[] = [];
  const server = await serveWithFaults((posted) => {
    const refused = refusalOf(posted);
    if (refused) return refused;
    const parsed = schema.safeParse(JSON.parse(posted.body));
    if (!parsed.success)
      return invalid(parsed.error.issues.map((issue) => `'${issue.path.join(".")}' ${issue.message}`));
    const event = parsed.data;
    if (event.routing_key.length !== 32)
      return invalid(["Length of 'routing_key' is incorrect (should be 32 characters)"]);
    if (event.routing_key !== routingKey) return { status: 400, body: "Invalid routing key" };
    events.push(event);
    take(event, alerts);
    const body = { status: "success", message: "Event processed", dedup_key: event.dedup_key };
    return { status: 202, body: JSON.stringify(body) };
  });
  return { ...server, url: `${server.url}/v2/enqueue`, alerts, events };
}

function refusalOf({ method, path, headers, body }: Posted): PlainAnswer | null {
  if (path !== "/v2/enqueue") return { status: 404 };
  if (method !== "POST") return { status: 405 };
  if (headers["content-type"] !== "application/json") return { status: 415 };
  return Buffer.byteLength(body) > maxBytes ? { status: 413 } : null;
}

function invalid(errors: readonly string[]): PlainAnswer {
  const body = { status: "invalid event", message: "Event object is invalid", errors };
  return { status: 400, body: JSON.stringify(body) };
}

function take(event: Event, alerts: PagerDutyAlertState[]): void {
  const open = alerts.find((one) => one.dedupKey === event.dedup_key && one.status !== "resolved");
  if (event.event_action === "trigger") {
    const { summary } = event.payload;
    if (open) open.summaries.push(summary);
    else alerts.push({ dedupKey: event.dedup_key, status: "triggered", summaries: [summary] });
  } else if (open) {
    open.status = event.event_action === "resolve" ? "resolved" : "acknowledged";
  }
}
