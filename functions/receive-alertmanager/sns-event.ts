import * as z from "zod/mini";

/** The attributes that are read are texts; others may be of any type. */
const attribute = z.object({ Type: z.string(), Value: z.string() });

const sns = z.object({
  MessageId: z.string().check(z.minLength(1)),
  TopicArn: z.string().check(z.minLength(1)),
  Timestamp: z.iso.datetime(),
  Message: z.string(),
  MessageAttributes: z.optional(z.record(z.string(), attribute)),
});

const record = z.object({ EventSource: z.literal("aws:sns"), Sns: sns });

/** What Lambda is invoked with by an SNS subscription. */
export const snsEvent = z.object({ Records: z.array(z.unknown()) });

export interface Notification {
  readonly id: string;
  /** When SNS took it, Unix milliseconds. */
  readonly at: number;
  readonly message: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** One record of an event, which must come from one of the topics. Throws an Error that names what is refused. */
export function parseRecord(data: unknown, topics: readonly string[]): Notification {
  const parsed = record.safeParse(data);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join(".") || "(root)";
    throw new Error(
      `a record of the event is none of SNS's at ${where}: only SNS topics may invoke this function`,
    );
  }
  const { MessageId, TopicArn, Timestamp, Message, MessageAttributes = {} } = parsed.data.Sns;
  if (!topics.includes(TopicArn))
    throw new Error(
      `message ${MessageId} is of topic ${TopicArn}, which is not Sonde's: remove that topic's subscription of this function`,
    );
  return {
    id: MessageId,
    at: Date.parse(Timestamp),
    message: Message,
    attributes: Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, { Value }]) => [name, Value] as const),
    ),
  };
}
