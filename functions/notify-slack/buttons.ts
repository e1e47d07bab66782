import { type Incident, isActive, leadOf } from "../../shared/domain/incident.ts";
import type { Channel } from "../../shared/domain/probe.ts";
import type { SlackButton } from "../../shared/domain/slack.ts";
import type { SlackAccess } from "../../shared/domain/slack-access.ts";
import {
  actionButton,
  linkButton,
  maxButtonValue,
  type SlackActionKind,
} from "../../shared/domain/slack-actions.ts";
import { webAddress } from "./mrkdwn.ts";

/** What people can do about an incident that is open, where config lets anybody do it in this channel. */
export function buttonsOf(incident: Incident, channel: Channel, access: SlackAccess | null): SlackButton[] {
  if (!access || !isActive(incident)) return [];
  const offers = (kind: SlackActionKind) => access.actions[kind].channels.includes(channel);
  const place = { target: incident.target, incident: incident.id, channel };
  const acknowledge = actionButton({ kind: "acknowledge", ...place }, "Acknowledge");
  const silence = { kind: "silence", ...place } as const;
  const silences = [
    actionButton({ ...silence, for: "1h" }, "Silence 1 h"),
    actionButton({ ...silence, for: "4h" }, "Silence 4 h"),
    actionButton({ ...silence, for: "monday" }, "Silence until Monday"),
  ];
  const dashboard = webAddress(leadOf(incident).dashboard);
  return [
    ...(offers("acknowledge") && !incident.acknowledged ? [acknowledge] : []),
    ...(offers("silence") && incident.mute?.by !== "silence" ? silences : []),
    ...(dashboard ? [linkButton("grafana", "Open in Grafana", dashboard)] : []),
  ].filter(({ value = "" }) => value.length <= maxButtonValue);
}
