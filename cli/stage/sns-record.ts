export interface SnsMessage {
  readonly topic: string;
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly subject: string | null;
  readonly message: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A record as Lambda gets it of SNS. */
export function snsRecord({ message, id, topic, at, subject, attributes }: SnsMessage) {
  return {
    EventSource: "aws:sns",
    EventVersion: "1.0",
    EventSubscriptionArn: `${topic}:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55`,
    Sns: {
      Type: "Notification",
      MessageId: id,
      TopicArn: topic,
      Subject: subject,
      Message: message,
      Timestamp: at,
      SignatureVersion: "1",
      Signature: "EXAMPLE",
      SigningCertUrl: "EXAMPLE",
      UnsubscribeUrl: "EXAMPLE",
      MessageAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, Value]) => [name, { Type: "String", Value }]),
      ),
    },
  };
}

export type SnsRecord = ReturnType<typeof snsRecord>;
