import fc from "fast-check";
import protobuf from "protobufjs/minimal.js";
import { uncompress } from "snappyjs";
import { describe, expect, it } from "vitest";
import type { HttpAnswer, HttpRequest } from "../../../../shared/adapters/http.ts";
import {
  buildRemoteWrite,
  encodeRequests,
  type WrittenSeries,
} from "../../../../shared/adapters/remote-write.ts";

interface Decoded {
  readonly labels: [string, string][];
  /** Value as its eight bytes in hexadecimal, most significant first. */
  readonly samples: { t: number; bits: string }[];
}

/** A reader of its own for WriteRequest, field by field. */
function decode(message: Uint8Array): Decoded[] {
  return fields(message).map((series) => {
    const parts = fields(series);
    const isLabel = (part: Uint8Array) => part[0] === 10;
    return {
      labels: parts.filter(isLabel).map((part) => {
        const [name, value] = fields(part).map((bytes) => Buffer.from(bytes).toString());
        return [name ?? "", value ?? ""];
      }),
      samples: parts.filter((part) => !isLabel(part)).map(decodeSample),
    };
  });
}

function fields(message: Uint8Array): Uint8Array[] {
  const reader = protobuf.Reader.create(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    reader.uint32();
    found.push(reader.bytes());
  }
  return found;
}

function decodeSample(message: Uint8Array): { t: number; bits: string } {
  const bits = Buffer.from(message.slice(1, 9)).reverse().toString("hex");
  const reader = protobuf.Reader.create(message.slice(10));
  return { t: Number(String(reader.int64())), bits };
}

const one = (series: WrittenSeries) => decode(Buffer.concat([...encodeRequests([series])]))[0];
const bitsOf = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString("hex");
};

describe("a write request", () => {
  it("has labels in order, without empty ones", () => {
    const labels = { zone: "é", __name__: "up", empty: "", Area: "1" };
    expect(one({ labels, samples: [{ t: 1, v: 1 }] })?.labels).toEqual([
      ["Area", "1"],
      ["__name__", "up"],
      ["zone", "é"],
    ]);
  });

  it("keeps the staleness marker's bits", () => {
    expect(one({ labels: {}, samples: [{ t: 1, v: "stale" }] })?.samples).toEqual([
      { t: 1, bits: "7ff0000000000002" },
    ]);
  });

  it("keeps every time and value", () => {
    const sample = fc.record({ t: fc.integer({ min: -1e13, max: 1e13 }), v: fc.double() });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
        expect(one({ labels: { a: "b" }, samples })?.samples).toEqual(
          samples.map(({ t, v }) => ({
            t,
            bits: Number.isNaN(v) ? expect.stringMatching(/^7ff8/) : bitsOf(v),
          })),
        );
      }),
    );
  });

  it("is bounded in size, and nothing is lost or reordered between requests", () => {
    const series = Array.from({ length: 40 }, (_, i) => ({
      labels: { __name__: "m", i: String(i), padding: "x".repeat(20_000) },
      samples: Array.from({ length: i % 10 === 0 ? 25_000 : 10 }, (_, k) => ({ t: 1.7e12 + k, v: i })),
    }));
    const requests = [...encodeRequests(series)];
    expect(requests.length).toBeGreaterThan(2);
    expect(Math.max(...requests.map(({ length }) => length))).toBeLessThanOrEqual(1_000_000);
    const written = new Map<string | undefined, number[]>();
    for (const { labels, samples } of requests.flatMap(decode)) {
      const key = labels[1]?.[1];
      written.set(key, [...(written.get(key) ?? []), ...samples.map(({ t }) => t)]);
    }
    expect(written).toEqual(
      new Map(series.map(({ labels, samples }) => [labels.i, samples.map(({ t }) => t)])),
    );
  });

  it("is not made for nothing", () => {
    expect([...encodeRequests([])]).toEqual([]);
    expect([...encodeRequests([{ labels: { a: "b" }, samples: [] }])]).toEqual([]);
  });
});

describe("writing", () => {
  const sample = [{ labels: { __name__: "up" }, samples: [{ t: 1, v: 1 }] }];
  const now = () => 0;
  const answering = (...answers: HttpAnswer[]) => {
    const requests: HttpRequest[] = [];
    const send = async (request: HttpRequest) => {
      requests.push(request);
      return answers[requests.length - 1] ?? { status: 204, headers: {}, body: "" };
    };
    return { requests, send };
  };
  const broken = { status: 503, headers: {}, body: "" };

  it("sends snappy with the headers of remote write 1.0", async () => {
    const { requests, send } = answering();
    await buildRemoteWrite({ url: "http://p/api/v1/write", send, now })(sample);
    expect(requests[0]).toMatchObject({
      method: "POST",
      headers: {
        "content-type": "application/x-protobuf",
        "content-encoding": "snappy",
        "x-prometheus-remote-write-version": "0.1.0",
      },
    });
    const body = requests[0]?.body;
    expect(body instanceof Uint8Array && decode(uncompress(body))).toEqual([
      { labels: [["__name__", "up"]], samples: [{ t: 1, bits: bitsOf(1) }] },
    ]);
  });

  it("names AMP's action when access is denied", async () => {
    const { send } = answering({ status: 403, headers: {}, body: '{"message":"Forbidden"}' });
    const url = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write";
    await expect(buildRemoteWrite({ url, send, now })(sample)).rejects.toMatchObject({
      kind: "forbidden",
      message: expect.stringContaining("allow aps:RemoteWrite"),
    });
  });

  it("is tried again only where retries are given", async () => {
    const once = answering(broken);
    await expect(buildRemoteWrite({ url: "http://p", send: once.send, now })(sample)).rejects.toMatchObject({
      kind: "server-error",
    });
    expect(once.requests).toHaveLength(1);
    const twice = answering(broken);
    const retry = { now, sleep: async () => {}, random: () => 0, deadline: () => Number.POSITIVE_INFINITY };
    await buildRemoteWrite({ url: "http://p", send: twice.send, now, retry })(sample);
    expect(twice.requests).toHaveLength(2);
  });
});
