import { type SnsMessage as Message, snsRecord as recordOf } from "../../cli/stage/sns-record.ts";

export const topicArn = "arn:aws:sns:eu-west-1:111122223333:sonde-prod-alerts";

export type SnsMessage = Pick<Message, "message"> & Partial<Message>;

/** A record as Lambda gets it of SNS, of which a test says what it is about. */
export function snsRecord(sent: SnsMessage) {
  const usual = { topic: topicArn, id: "m-0", at: "2026-11-25T01:02:03.456Z", subject: null, attributes: {} };
  return recordOf({ ...usual, ...sent });
}
