/** A message as the workspace keeps it. `blocks` and `attachments` are as they were sent. */
export interface StoredMessage {
  /** The channel's name, `#llm-oncall`. */
  readonly channel: string;
  readonly channelId: string;
  readonly ts: string;
  /** The first message of the thread, for an answer in one. */
  readonly threadTs: string | null;
  /** An answer that the channel shows too. */
  readonly broadcast: boolean;
  readonly via: "bot" | "webhook";
  readonly text: string;
  readonly blocks: readonly unknown[];
  readonly attachments: readonly unknown[];
  readonly metadata: MessageMetadata | null;
  readonly edited: boolean;
}

export interface MessageMetadata {
  readonly event_type: string;
  readonly event_payload: Readonly<Record<string, unknown>>;
}

export type Content = Pick<StoredMessage, "text" | "blocks" | "attachments" | "metadata">;

export interface Channel {
  readonly id: string;
  /** Without the `#`. */
  readonly name: string;
  readonly archived: boolean;
  readonly member: boolean;
}

/** Channels and what stands in them, newest last. */
export interface Workspace {
  readonly channels: readonly Channel[];
  readonly find: (channelId: string, ts: string) => StoredMessage | undefined;
  readonly add: (
    channel: Channel,
    message: Content & Pick<StoredMessage, "threadTs" | "broadcast" | "via">,
  ) => StoredMessage;
  readonly edit: (message: StoredMessage, change: Partial<Content>) => StoredMessage;
  readonly remove: (message: StoredMessage) => void;
  readonly all: () => readonly StoredMessage[];
}

export interface WorkspaceOptions {
  /** Names with or without `#`, or ids. */
  readonly channels: readonly string[];
  readonly archived?: readonly string[];
  /** Channels that exist and that the app was not invited to. */
  readonly foreign?: readonly string[];
  readonly now: () => number;
}

const idPattern = /^[CGD][A-Z0-9]{6,}$/;

export function buildWorkspace({ channels, archived = [], foreign = [], now }: WorkspaceOptions): Workspace {
  const named = [...channels, ...archived, ...foreign].map((given, index): Channel => {
    const name = given.replace(/^#/, "");
    return {
      id: idPattern.test(given) ? given : `C0STAGE${String(index + 1).padStart(3, "0")}`,
      name: name.toLowerCase(),
      archived: archived.includes(given),
      member: !foreign.includes(given),
    };
  });
  const messages: StoredMessage[] = [];
  let lastMicros = 0;
  const replace = (old: StoredMessage, next: StoredMessage) => {
    const index = messages.indexOf(old);
    if (index >= 0) messages[index] = next;
    return next;
  };
  return {
    channels: named,
    find: (channelId, ts) => messages.find((one) => one.channelId === channelId && one.ts === ts),
    add: (channel, message) => {
      // Timestamps are ids: no two are the same, and they ascend.
      lastMicros = Math.max(Math.floor(now() * 1000), lastMicros + 1);
      const ts = `${Math.floor(lastMicros / 1e6)}.${String(lastMicros % 1e6).padStart(6, "0")}`;
      const stored = { ...message, channel: `#${channel.name}`, channelId: channel.id, ts, edited: false };
      messages.push(stored);
      return stored;
    },
    edit: (message, change) => replace(message, { ...message, ...change, edited: true }),
    remove: (message) => {
      messages.splice(messages.indexOf(message), 1);
    },
    all: () => [...messages],
  };
}
