import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod/mini";

import { changeKinds } from "../../shared/domain/incident.ts";
import { type FaultyServer, type PlainAnswer, type Posted, serveWithFaults } from "./faulty-server.ts";

export interface WebhookReceiver extends FaultyServer {
  /** Each change once, however often it was sent. */
  readonly taken: readonly z.infer<typeof postSchema>[];
  /** How often something came. */
  readonly count: () => number;
}

const time = z.iso.datetime();
const labels = z.record(z.string(), z.string());
const level = z.enum(["warn", "fail", "unknown"]);
/** What docs/notify.md promises. */
const postSchema = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  incident: z.strictObject({
    id: z.string(),
    target: z.string(),
    probe: z.string(),
    status: z.enum(["firing", "flapping", "resolved"]),
    level,
    severity: z.string(),
    blind: z.boolean(),
    summary: z.string(),
    labels,
    groupedBy: labels,
    since: time,
    sinceAtLeast: z.boolean(),
    firedAt: z.nullable(time),
    resolvedAt: z.nullable(time),
    resolution: z.nullable(z.enum(["recovered", "gone"])),
    acknowledged: z.nullable(z.strictObject({ by: z.string(), at: time })),
    memberCount: z.number().check(z.int(), z.positive()),
    members: z.array(
      z.strictObject({
        probe: z.string(),
        level,
        failing: z.boolean(),
        blind: z.boolean(),
        value: z.nullable(z.number()),
        unit: z.string(),
        threshold: z.nullable(z.string()),
        summary: z.string(),
        description: z.string(),
        runbook: z.string(),
        dashboard: z.string(),
        labels,
        since: time,
      }),
    ),
  }),
  changes: z.array(
    z.strictObject({
      seq: z.number(),
      at: time,
      what: z.enum(changeKinds),
      value: z.nullable(z.number()),
      note: z.string(),
    }),
  ),
});

export function parseWebhookPost(body: string) {
  return postSchema.safeParse(JSON.parse(body));
}

/** Somebody's own receiver, on loopback: it takes what is signed, of now and of the promised shape. */
export async function startWebhookReceiver(key: string, now: () => number): Promise<WebhookReceiver> {
  const taken = new Map<string, z.infer<typeof postSchema>>();
  let count = 0;
  const server = await serveWithFaults((posted) => {
    const refused = refusalOf(posted, key, now());
    if (refused) return refused;
    const parsed = parseWebhookPost(posted.body);
    if (!parsed.success) return { status: 422, body: z.prettifyError(parsed.error) };
    if (parsed.data.id !== posted.headers["sonde-id"]) return { status: 400, body: "two ids" };
    count += 1;
    taken.set(parsed.data.id, parsed.data);
    return { status: 204 };
  });
  return {
    ...server,
    url: `${server.url}/hooks/sonde`,
    get taken() {
      return [...taken.values()];
    },
    count: () => count,
  };
}

function refusalOf({ method, path, headers, body }: Posted, key: string, now: number): PlainAnswer | null {
  if (method !== "POST" || path !== "/hooks/sonde") return { status: 404 };
  if (headers["content-type"] !== "application/json; charset=utf-8") return { status: 415 };
  const [, at = "", mac = ""] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["sonde-signature"])) ?? [];
  const own = createHmac("sha256", key).update(`${at}.${body}`).digest("hex");
  const genuine = mac.length === own.length && timingSafeEqual(Buffer.from(mac), Buffer.from(own));
  if (!genuine) return { status: 401, body: "the signature is not ours" };
  return Math.abs(now - Number(at) * 1000) > 300_000 ? { status: 401, body: "too old" } : null;
}
