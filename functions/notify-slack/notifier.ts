import type { Outlets } from "../../shared/adapters/outlets.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import type { Channel } from "../../shared/domain/probe.ts";
import type { Slack } from "../../shared/domain/slack.ts";
import type { SlackAccess } from "../../shared/domain/slack-access.ts";
import type { Held, MessageDeps, Taken } from "./message.ts";

/** One incident in one channel, and what is remembered of its message there. */
export interface Telling {
  readonly incident: Incident;
  readonly channel: Channel;
  /** Slack's channel, or the name of the secret that the notifier needs. */
  readonly name: string;
  readonly held: Held | null;
}

/** What the notifiers reach the outside by. */
export interface NotifierDeps extends Outlets {
  readonly slack: Slack;
  /** What people may do by buttons, and where; null where nobody listens to clicks. */
  readonly access: SlackAccess | null;
}

/**
 * Takes the next step towards a channel that shows the incident as it is. Throws Retryable where it should be
 * tried again, and ConfigError where a person has to do something first.
 */
export type Notifier = (telling: Telling, deps: MessageDeps & NotifierDeps) => Promise<Taken>;
