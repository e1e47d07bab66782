import { createHmac } from "node:crypto";

import type { SlackAccess } from "../../shared/domain/slack-access.ts";
import { actionButton, type SlackAction } from "../../shared/domain/slack-actions.ts";

export const signingSecret = "8f742231b10e8888abcd99c0ffee85a5";
export const place = { channelId: "C0STAGE001", ts: "1772334000.000100" };

/** Everybody of the team may acknowledge in two channels; two people may silence in one. */
export const access: SlackAccess = {
  appId: "A012AB3CD",
  teamId: "T012AB3CD",
  enterpriseId: null,
  timezone: "Europe/Berlin",
  actions: {
    acknowledge: { users: null, channels: ["#llm-oncall", "#llm-ops"] },
    silence: { users: ["U0ADA0001", "U0BOB0001"], channels: ["#llm-oncall"] },
  },
};

export const acknowledge: SlackAction = {
  kind: "acknowledge",
  target: "seoul",
  incident: "gpu-temperature-1x2y3z-lq3k9f40",
  channel: "#llm-oncall",
};
export const silence: SlackAction = { ...acknowledge, kind: "silence", for: "4h" };

/** A click on a button of Sonde's, as Slack describes it. */
export function aPayload(action: SlackAction = acknowledge, change: Readonly<Record<string, unknown>> = {}) {
  return {
    type: "block_actions",
    user: { id: "U0ADA0001", username: "ada", name: "ada", team_id: access.teamId },
    api_app_id: access.appId,
    team: { id: access.teamId, domain: "example" },
    enterprise: null,
    is_enterprise_install: false,
    container: {
      type: "message_attachment",
      message_ts: place.ts,
      attachment_id: 1,
      channel_id: place.channelId,
      is_ephemeral: false,
    },
    channel: { id: place.channelId, name: "llm-oncall" },
    response_url: "https://hooks.slack.com/actions/T012AB3CD/1/abc",
    actions: [{ ...actionButton(action, "Do it"), block_id: "b1", action_ts: "1772334001.000000" }],
    ...change,
  };
}

/** The body and headers of a request that Slack has signed at a time. */
export function sign(payload: unknown, at: number, secret = signingSecret) {
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex");
  return {
    body: Buffer.from(body),
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": `v0=${signature}`,
    },
  };
}
