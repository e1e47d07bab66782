import * as z from "zod/mini";

import type { Answer } from "../../shared/domain/answer.ts";
import type { SlackAccess } from "../../shared/domain/slack-access.ts";
import { parseAction } from "../../shared/domain/slack-actions.ts";

const id = z.string().check(z.minLength(1), z.maxLength(100));

/** As much as is read of a block_actions payload (docs.slack.dev/reference/interaction-payloads/block_actions-payload). */
const blockActions = z.object({
  type: z.literal("block_actions"),
  api_app_id: id,
  /** Where the app is installed; absent or null where it is installed for a whole organisation. */
  team: z.object({ id }),
  /** `team_id` is the person's own: in a channel shared with others it is another one. */
  user: z.object({
    id,
    team_id: id,
    name: z.optional(z.string().check(z.maxLength(200))),
    username: z.optional(z.string().check(z.maxLength(200))),
  }),
  /** `message_attachment` where the button stands behind a coloured bar. */
  container: z.object({
    type: z.enum(["message", "message_attachment"]),
    message_ts: id,
    channel_id: id,
  }),
  response_url: z.optional(z.string().check(z.maxLength(1_000))),
  actions: z.array(z.object({ action_id: z.string(), value: z.optional(z.string()) })).check(z.length(1)),
});

/** What a signed request asks for; `nothing` where it only tells of a click on a link. */
export type Reading =
  | { readonly kind: "answer"; readonly answer: Pick<Answer, "by" | "action" | "place" | "responseUrl"> }
  | { readonly kind: "nothing" }
  | { readonly kind: "refused"; readonly status: 400 | 403; readonly why: string };

/** Reads the body of a request whose signature has been checked. */
export function readPayload(body: string, access: SlackAccess): Reading {
  const parsed = blockActions.safeParse(formPayload(body));
  if (!parsed.success) return refuse(400, "it is no click on a message's button");
  const { api_app_id, team, user, container, response_url = null, actions } = parsed.data;
  if (api_app_id !== access.appId) return refuse(403, "it comes from another app than slack.appId");
  if (team.id !== access.teamId) return refuse(403, "it comes from another team than slack.teamId");
  if (user.team_id !== access.teamId && user.team_id !== access.enterpriseId)
    return refuse(403, "who clicked belongs to another team");
  const action = actions[0] ? parseAction(actions[0].action_id, actions[0].value) : null;
  if (action === null) return refuse(403, "there is no such action");
  if (action === "link") return { kind: "nothing" };
  return {
    kind: "answer",
    answer: {
      by: { id: user.id, name: user.name || user.username || user.id },
      action,
      place: { channelId: container.channel_id, ts: container.message_ts },
      responseUrl: response_url,
    },
  };
}

function refuse(status: 400 | 403, why: string): Reading {
  return { kind: "refused", status, why };
}

/** Interactive requests are forms with one field of JSON. */
function formPayload(body: string): unknown {
  try {
    return JSON.parse(new URLSearchParams(body).get("payload") ?? "");
  } catch {
    return undefined;
  }
}
