import { parseChannel } from "./channel.ts";
import type { SlackConfig } from "./config.ts";
import type { ConfigFault } from "./faults.ts";
import type { SlackActionKind } from "./slack-actions.ts";
import { suggestName } from "./words.ts";

/** Whose clicks count, and what each of them may do. */
export interface SlackAccess {
  readonly appId: string;
  readonly teamId: string;
  /** The organisation that the team belongs to: on Enterprise Grid that is what people's own ids name. */
  readonly enterpriseId: string | null;
  /** IANA name: "until Monday" is nine o'clock there. */
  readonly timezone: string;
  readonly actions: Readonly<Record<SlackActionKind, AllowList>>;
}

export interface AllowList {
  /** Slack's ids of people; null is everybody of the team. */
  readonly users: readonly string[] | null;
  /** As `notify` writes them. */
  readonly channels: readonly string[];
}

/**
 * The `slack` of a config, or null where there is none. `channels` is everywhere that config may send to: unless it
 * says otherwise, everybody may use the buttons there.
 */
export function compileSlackAccess(
  slack: SlackConfig | undefined,
  channels: readonly string[],
  faults: ConfigFault[],
  notes: ConfigFault[],
): SlackAccess | null {
  if (!slack) return null;
  const notified = channels.filter((channel) => parseChannel(channel).kind === "slack");
  if (notified.length === 0)
    notes.push({ path: ["slack"], message: "no line of notify names a Slack channel: nobody sees a button" });
  const allow = (kind: SlackActionKind): AllowList => {
    const { users = null, channels: allowed = notified } = slack.actions?.[kind] ?? {};
    for (const [index, channel] of allowed.entries())
      if (!notified.includes(channel))
        faults.push({
          path: ["slack", "actions", kind, "channels", index],
          message: `${channel} is no channel of notify, written as there: ${suggestName(channel, notified)}`,
        });
    return { users, channels: allowed };
  };
  return {
    appId: slack.appId,
    teamId: slack.teamId,
    enterpriseId: slack.enterpriseId ?? null,
    timezone: slack.timezone ?? "UTC",
    actions: { acknowledge: allow("acknowledge"), silence: allow("silence") },
  };
}

/** What keeps a person from an action there; null where nothing does. */
export function refusalOf(
  { users, channels }: AllowList,
  click: { readonly user: string; readonly channel: string },
): "user" | "channel" | null {
  if (!channels.includes(click.channel)) return "channel";
  return users === null || users.includes(click.user) ? null : "user";
}
