import * as z from "zod/mini";

/**
 * A hint that an incident's message may lag behind its state: the reader looks at the state and converges.
 * One event a channel, so that each channel has its own FIFO message group. The same change gives the same
 * detail to the byte, which is its identity: the queue drops what it has seen within five minutes.
 */
export const groupChanged = {
  detailType: "group-changed",
  source: "sonde.incidents",
  detail: z.strictObject({
    type: z.literal("group-changed"),
    target: z.string(),
    /** The incident whose message this is about. */
    group: z.string(),
    seq: z.number(),
    channel: z.string(),
  }),
} as const;

export type GroupChanged = z.infer<typeof groupChanged.detail>;

export function parseGroupChanged(detail: unknown): GroupChanged {
  return groupChanged.detail.parse(detail);
}

/** The event about an incident's message in a channel. */
export function groupChangedEvent(
  target: string,
  { incident, channel, seq }: { readonly incident: string; readonly channel: string; readonly seq: number },
) {
  const detail: GroupChanged = { type: groupChanged.detailType, target, group: incident, seq, channel };
  return { source: groupChanged.source, detailType: groupChanged.detailType, detail };
}
