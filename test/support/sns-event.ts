export const topicArn = "arn:aws:sns:eu-west-1:111122223333:sonde-prod-alerts";

export interface SnsMessage {
  readonly message: string;
  readonly id?: string;
  readonly topic?: string;
  /** RFC 3339. */
  readonly at?: string;
  readonly subject?: string | null;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A record as Lambda gets it of SNS. */
export function snsRecord(sent: SnsMessage) {
  const { message, id = "m-0", topic = topicArn, at = "2026-11-25T01:02:03.456Z", attributes = {} } = sent;
  return {
    EventSource: "aws:sns",
    EventVersion: "1.0",
    EventSubscriptionArn: `${topic}:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55`,
    Sns: {
      Type: "Notification",
      MessageId: id,
      TopicArn: topic,
      Subject: sent.subject ?? null,
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
