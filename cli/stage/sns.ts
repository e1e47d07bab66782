import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import { listen } from "./loopback.ts";
import { type SnsMessage, type SnsRecord, snsRecord } from "./sns-record.ts";

export interface SnsServer {
  readonly url: string;
  /** Messages as SNS took them. */
  readonly published: readonly SnsMessage[];
  /** What was refused, and why. */
  readonly refused: readonly string[];
  /** Hands over what is published from now on, as Lambda gets it; who takes it sees to its own failures. */
  readonly subscribe: (deliver: (record: SnsRecord) => void) => void;
  readonly stop: () => Promise<void>;
}

/** Of the message: AMP leaves out the attributes that no longer fit beside it. */
const mostBytes = 262_144;

/** SNS's Publish for the topics of one region, as strict as the real one about what it takes. */
export async function startSns(region: string, now: () => number): Promise<SnsServer> {
  const published: SnsMessage[] = [];
  const refused: string[] = [];
  const subscribers: ((record: SnsRecord) => void)[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const form = new URLSearchParams(await text(request));
    const fault = faultOf(request, form, region);
    response.setHeader("content-type", "text/xml");
    if (fault) {
      refused.push(`${fault.code}: ${fault.message}`);
      response.writeHead(fault.status).end(errorXml(fault));
      return;
    }
    const id = randomUUID();
    const message = {
      id,
      topic: form.get("TopicArn") ?? "",
      at: new Date(now()).toISOString(),
      subject: form.get("Subject"),
      message: form.get("Message") ?? "",
      attributes: attributesOf(form),
    };
    published.push(message);
    response.end(
      `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>${id}</MessageId></PublishResult><ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></PublishResponse>`,
    );
    for (const deliver of subscribers) deliver(snsRecord(message));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    published,
    refused,
    subscribe: (deliver) => {
      subscribers.push(deliver);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Fault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

function faultOf(request: IncomingMessage, form: URLSearchParams, region: string): Fault | null {
  const { authorization = "" } = request.headers;
  const invalid = (message: string) => ({ status: 400, code: "InvalidParameter", message });
  const signed =
    /^AWS4-HMAC-SHA256 Credential=\w+\/\d{8}\/([\w-]+)\/sns\/aws4_request, SignedHeaders=[\w;-]+, Signature=[0-9a-f]{64}$/;
  const [, of] = signed.exec(authorization) ?? [];
  if (!of || !/^\d{8}T\d{6}Z$/.test(String(request.headers["x-amz-date"])))
    return {
      status: 403,
      code: "MissingAuthenticationToken",
      message: "Request is missing Authentication Token",
    };
  if (of !== region)
    return {
      status: 403,
      code: "SignatureDoesNotMatch",
      message: `Credential should be scoped to a valid region, not ${of}`,
    };
  if (request.method !== "POST" || form.get("Action") !== "Publish" || form.get("Version") !== "2010-03-31")
    return { status: 400, code: "InvalidAction", message: `no action ${form.get("Action")}` };
  if (!new RegExp(`^arn:aws:sns:${region}:\\d{12}:[\\w-]+$`).test(form.get("TopicArn") ?? ""))
    return invalid("Invalid parameter: TopicArn");
  const subject = form.get("Subject");
  if (subject !== null && !/^[\x20-\x7e]{1,100}$/.test(subject)) return invalid("Invalid parameter: Subject");
  const message = form.get("Message") ?? "";
  if (message === "") return invalid("Invalid parameter: Empty message");
  if (Buffer.byteLength(message) > mostBytes) return invalid("Invalid parameter: Message too long");
  for (const [name, value] of Object.entries(attributesOf(form)))
    if (!/^[\w.-]{1,256}$/.test(name) || value === "")
      return {
        status: 400,
        code: "ParameterValueInvalid",
        message: `The message attribute '${name}' is invalid`,
      };
  return null;
}

function attributesOf(form: URLSearchParams): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (let entry = 1; form.has(`MessageAttributes.entry.${entry}.Name`); entry += 1) {
    const at = `MessageAttributes.entry.${entry}`;
    attributes[form.get(`${at}.Name`) ?? ""] = form.get(`${at}.Value.StringValue`) ?? "";
  }
  return attributes;
}

function errorXml({ code, message }: Fault): string {
  const text = message.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${text}</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`;
}
