import type { Channel } from "./probe.ts";

/** The kinds of notifiers; all but Slack's bot stand before the name of the secret that they need. */
export const notifierKinds = ["slack", "slack-webhook", "pagerduty", "webhook"] as const;
export type NotifierKind = (typeof notifierKinds)[number];

/** A channel taken apart: `name` is Slack's channel, or the name of a secret. */
export interface ChannelParts {
  readonly kind: NotifierKind;
  readonly name: string;
}

export function formatChannel({ kind, name }: ChannelParts): Channel {
  return kind === "slack" ? name : `${kind}:${name}`;
}

export function parseChannel(channel: Channel): ChannelParts {
  const kind = notifierKinds.find((one) => one !== "slack" && channel.startsWith(`${one}:`));
  return kind ? { kind, name: channel.slice(kind.length + 1) } : { kind: "slack", name: channel };
}

/** The secrets that channels name. */
export function channelSecrets(channels: readonly Channel[]): string[] {
  return channels.map(parseChannel).flatMap(({ kind, name }) => (kind === "slack" ? [] : [name]));
}
