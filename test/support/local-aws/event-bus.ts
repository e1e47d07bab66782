import * as z from "zod/mini";

import { type Answering, jsonAnswer, type WholeAnswer } from "../exchange.ts";

/** An event that the bus has accepted. */
export interface Accepted {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
  /** As it was sent, to the byte. */
  readonly text: string;
}

export interface EventBusOptions {
  readonly name: string;
  readonly accept: (event: Accepted) => void;
  /** An error code for an entry that the bus refuses inside its 200; null takes it. */
  readonly refuse: (event: Accepted) => string | null;
}

const request = z.object({
  Entries: z.array(
    z.object({
      EventBusName: z.optional(z.string()),
      Source: z.optional(z.string()),
      DetailType: z.optional(z.string()),
      Detail: z.optional(z.string()),
    }),
  ),
});
type Entry = z.infer<typeof request>["Entries"][number];
type Refused = { readonly ErrorCode: string; readonly ErrorMessage: string };
type Outcome = { readonly EventId: string } | Refused;

const jsonType = "application/x-amz-json-1.1";
const maxEntries = 10;
const maxBytes = 262_144;

/**
 * EventBridge's PutEvents, as docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html describes
 * it: the whole request is refused for its form, an entry for what is in it.
 */
export function buildEventBus(options: EventBusOptions): Answering {
  let count = 0;
  const put = (entry: Entry): Outcome => {
    const read = readEntry(entry);
    if ("ErrorCode" in read) return read;
    const code = options.refuse(read);
    if (code !== null) return { ErrorCode: code, ErrorMessage: code };
    options.accept(read);
    return { EventId: `event-${++count}` };
  };
  return ({ method, headers, body }) => {
    const { authorization, "x-amz-target": target, "content-type": type } = headers;
    if (!authorization?.startsWith("AWS4-HMAC-SHA256 "))
      return refuseEvents(403, "MissingAuthenticationTokenException");
    if (method !== "POST" || target !== "AWSEvents.PutEvents")
      return refuseEvents(400, "UnknownOperationException");
    if (type !== jsonType) return refuseEvents(400, "SerializationException");
    const entries = request.safeParse(readJson(body.toString())).data?.Entries;
    if (!entries) return refuseEvents(400, "SerializationException");
    if (entries.length === 0 || entries.length > maxEntries) return refuseEvents(400, "ValidationException");
    if (body.length > maxBytes) return refuseEvents(413, "RequestEntityTooLarge");
    if (entries.some(({ EventBusName }) => EventBusName !== options.name))
      return refuseEvents(400, "ResourceNotFoundException");
    const outcomes = entries.map(put);
    const failed = outcomes.filter((outcome) => "ErrorCode" in outcome).length;
    return jsonAnswer(200, { FailedEntryCount: failed, Entries: outcomes }, jsonType);
  };
}

export function refuseEvents(status: number, code: string): WholeAnswer {
  return jsonAnswer(status, { __type: code, message: code }, jsonType);
}

function readEntry({ Source, DetailType, Detail }: Entry): Accepted | Refused {
  if (!Source || !DetailType || !Detail) {
    const missing = !Source ? "Source" : !DetailType ? "DetailType" : "Detail";
    return { ErrorCode: "InvalidArgument", ErrorMessage: `Parameter ${missing} is not valid.` };
  }
  if (Source.startsWith("aws."))
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source." };
  const { data } = z.record(z.string(), z.unknown()).safeParse(readJson(Detail));
  if (!data) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  return { source: Source, detailType: DetailType, detail: data, text: Detail };
}

/** Undefined where the text is not JSON. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
