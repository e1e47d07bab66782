import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { afterEach, describe, expect, it } from "vitest";

import { buildPublishEvents } from "../../shared/adapters/event-bus.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";

const event = (seq: number) => ({ source: "sonde.run-probes", detailType: "group-changed", detail: { seq } });
const accepted = { EventId: "e" };
const throttled = { ErrorCode: "ThrottlingException", ErrorMessage: "slow down" };
let server: Loopback | undefined;

afterEach(() => server?.stop());

/** A bus that answers each call with the next of these, always with HTTP 200, and keeps what it was sent. */
async function startBus(answers: readonly object[][]) {
  const sent: number[][] = [];
  server = await serveHttp(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const { Entries } = JSON.parse(Buffer.concat(chunks).toString());
    sent.push(Entries.map(({ Detail }: { Detail: string }) => JSON.parse(Detail).seq));
    const entries = answers[sent.length - 1] ?? Entries.map(() => accepted);
    const failed = entries.filter((entry: object) => !("EventId" in entry)).length;
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify({ FailedEntryCount: failed, Entries: entries }));
  });
  const client = new EventBridgeClient({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  });
  return { publish: buildPublishEvents(client, "sonde"), sent };
}

describe("publishing events", () => {
  it("goes ten at a time", async () => {
    const { publish, sent } = await startBus([]);
    await publish(Array.from({ length: 12 }, (_, seq) => event(seq)));
    expect(sent.map(({ length }) => length)).toEqual([10, 2]);
  });

  it("sends again what was refused inside a 200, and only that", async () => {
    const { publish, sent } = await startBus([[accepted, throttled, accepted]]);
    await publish([event(1), event(2), event(3)]);
    expect(sent).toEqual([[1, 2, 3], [2]]);
  });

  it("is an error that names the bus and the reason where the refusal stays", async () => {
    const { publish, sent } = await startBus([[throttled], [throttled], [throttled]]);
    await expect(publish([event(1)])).rejects.toThrow(
      "the bus sonde refused 1 events: ThrottlingException slow down",
    );
    expect(sent).toHaveLength(3);
  });
});
