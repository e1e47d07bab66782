import * as z from "zod/mini";

import { ConfigError, Unacknowledged } from "../domain/errors.ts";
import type { PagerDutyEvent, SendToPagerDuty } from "../domain/pagerduty.ts";
import type { HttpAnswer, SendHttp } from "./http.ts";
import { answerOf, isSafeUrl, passingFailure, saidIn, secretFields } from "./outlet-failure.ts";

export interface PagerDutyService {
  readonly routingKey: string;
  readonly url: string;
}

const defaultUrl = "https://events.pagerduty.com/v2/enqueue";
const who = "PagerDuty";
/** An event and its acknowledgement may follow each other in one attempt. */
const timeoutMs = 5_000;
/** PagerDuty asks for "a few minutes" where it sends no Retry-After (Events API v2, rate limits). */
const patienceMs = 60_000;

/**
 * The service in a secret's text: the 32 characters of an Events API v2 integration key alone, or JSON with
 * `routingKey` and, for another region, `url`. No error shows the text.
 */
export function readPagerDutyService(name: string, secret: string): PagerDutyService {
  const fault = () =>
    new ConfigError(
      `the secret "${name}" holds no PagerDuty key: store the 32 characters of an Events API v2 integration key, or {"routingKey": "…", "url": "https://…"}`,
    );
  const text = secret.trim();
  const { routingKey, url = defaultUrl } = text.startsWith("{")
    ? secretFields(text, fault)
    : { routingKey: text };
  if (routingKey === undefined || !/^[0-9A-Za-z]{32}$/.test(routingKey) || !isSafeUrl(url)) throw fault();
  return { routingKey, url };
}

/** Sends events over the Events API v2 (developer.pagerduty.com/docs/events-api-v2-overview). */
export function buildSendToPagerDuty(
  { routingKey, url }: PagerDutyService,
  send: SendHttp,
  now: () => number,
): SendToPagerDuty {
  const headers = { "content-type": "application/json" };
  return async (event) => {
    const body = JSON.stringify({ routing_key: routingKey, ...payload(event) });
    const answer = await answerOf(who, send({ method: "POST", url, headers, body, timeoutMs }));
    if (answer.status === 202 && isAccepted(answer, event)) return;
    throw failure(answer, routingKey, now());
  };
}

function payload(event: PagerDutyEvent) {
  const about = { event_action: event.action, dedup_key: event.dedupKey };
  if (event.action !== "trigger") return about;
  const { at, details, links, ...alert } = event.alert;
  return {
    ...about,
    client: "Sonde",
    payload: { ...alert, timestamp: new Date(at).toISOString(), custom_details: details },
    links,
  };
}

const accepted = z.object({ status: z.literal("success"), dedup_key: z.string() });

function isAccepted({ body }: HttpAnswer, { dedupKey }: PagerDutyEvent): boolean {
  const parsed = accepted.safeParse(parseJson(body));
  return parsed.success && parsed.data.dedup_key === dedupKey;
}

const refusal = z.object({ message: z.string(), errors: z.optional(z.array(z.string())) });

function failure(answer: HttpAnswer, routingKey: string, now: number): Error {
  const passing = passingFailure(who, answer, now, { patienceMs, secrets: [routingKey] });
  if (passing) return passing;
  const { status } = answer;
  const said = refusal.safeParse(parseJson(answer.body));
  const reason = said.success
    ? [said.data.message, ...(said.data.errors ?? [])].join("; ").replaceAll(routingKey, "[redacted]")
    : saidIn(answer, [routingKey]);
  // Something between here and PagerDuty may have answered in its place.
  if (status < 400) return new Unacknowledged(`PagerDuty accepted nothing: HTTP ${status} with ${reason}`);
  if (status === 400 && !/routing.?key/i.test(reason))
    return new Error(`PagerDuty refused the event: ${reason}`);
  return new ConfigError(
    `PagerDuty answered HTTP ${status}: ${reason}: store the integration key of an Events API v2 integration in the secret, and its region's address where that is not the default`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
