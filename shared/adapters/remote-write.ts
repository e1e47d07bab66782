import protobuf from "protobufjs/minimal.js";
import { compress } from "snappyjs";
import type { Labels } from "../domain/series.ts";
import type { SendHttp } from "./http.ts";
import { type Asked, answerFailure, faultFailure } from "./prometheus-failure.ts";
import { ampRegion } from "./prometheus-request.ts";
import { type Attempt, defaultRetryPolicy, type RetryDeps, type RetryPolicy, withRetries } from "./retry.ts";

/** Unix milliseconds and a value; `stale` ends a series, as a scrape does that no longer finds it. */
export interface WrittenSample {
  readonly t: number;
  readonly v: number | "stale";
}
export interface WrittenSeries {
  readonly labels: Labels;
  readonly samples: readonly WrittenSample[];
}

/** Writes samples, in ascending time per series. Rejects with PrometheusError; what came before may be stored. */
export type WriteSamples = (series: readonly WrittenSeries[]) => Promise<void>;

export interface RemoteWriteOptions {
  /** The endpoint itself: …/api/v1/write, or …/api/v1/remote_write of AMP. */
  readonly url: string;
  readonly send: SendHttp;
  /** Milliseconds for one request; 30 s unless told. */
  readonly timeoutMs?: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Without these nothing is tried twice. Writing the same samples again is harmless. */
  readonly retry?: RetryDeps & { readonly policy?: RetryPolicy };
}

/** Remote write 1.0 (https://prometheus.io/docs/specs/prw/remote_write_spec/). */
export function buildRemoteWrite(options: RemoteWriteOptions): WriteSamples {
  const { url, send, now } = options;
  const region = ampRegion(url);
  const amp = region !== undefined;
  const asked: Asked = { where: url, subject: "the samples", action: "aps:RemoteWrite", amp, region };
  const { policy = defaultRetryPolicy, ...deps } = options.retry ?? never(now);

  const write = async (body: Uint8Array): Promise<Attempt<undefined>> => {
    try {
      const answer = await send({
        method: "POST",
        url,
        headers,
        body,
        timeoutMs: options.timeoutMs ?? 30_000,
      });
      if (answer.status < 300) return { ok: true, value: undefined };
      return { ok: false, ...answerFailure(asked, answer, now()) };
    } catch (fault) {
      return { ok: false, ...faultFailure(asked, fault) };
    }
  };

  return async (series) => {
    for (const request of encodeRequests(series)) {
      const { outcome } = await withRetries(policy, deps, () => write(compress(request)));
      if (!outcome.ok) throw outcome.error;
    }
  };
}

const headers = {
  "content-type": "application/x-protobuf",
  "content-encoding": "snappy",
  "x-prometheus-remote-write-version": "0.1.0",
};

function never(now: () => number): RetryDeps & { policy: RetryPolicy } {
  const deps = { now, random: () => 0, sleep: async () => {}, deadline: () => Number.POSITIVE_INFINITY };
  return { ...deps, policy: { ...defaultRetryPolicy, attempts: 1 } };
}

/** AMP takes requests of up to 1 MB; sizes here are before compression. */
const largestRequest = 900_000;
const samplesPerEntry = 10_000;

/** WriteRequest messages of bounded size, in order; a long series is spread over several entries. */
export function* encodeRequests(series: readonly WrittenSeries[]): Generator<Uint8Array> {
  let entries: Uint8Array[] = [];
  let size = 0;
  for (const entry of encodeEntries(series)) {
    if (size > 0 && size + entry.length > largestRequest) {
      yield Buffer.concat(entries);
      entries = [];
      size = 0;
    }
    entries.push(entry);
    size += entry.length;
  }
  if (size > 0) yield Buffer.concat(entries);
}

function* encodeEntries(series: readonly WrittenSeries[]): Generator<Uint8Array> {
  for (const { labels, samples } of series) {
    const sorted = Object.entries(labels)
      .filter(([, value]) => value !== "")
      .sort(([a], [b]) => (a < b ? -1 : 1));
    for (let from = 0; from < samples.length; from += samplesPerEntry) {
      yield encodeEntry(sorted, samples.slice(from, from + samplesPerEntry));
    }
  }
}

/** Protobuf keys: field number · 8 + wire type (0 varint, 1 eight bytes, 2 length-delimited). */
const key = {
  timeseries: 10,
  labels: 10,
  samples: 18,
  labelName: 10,
  labelValue: 18,
  sampleValue: 9,
  sampleTime: 16,
} as const;

/** One `timeseries` field of a WriteRequest: such fields put after one another make the message. */
function encodeEntry(
  labels: readonly (readonly [string, string])[],
  samples: readonly WrittenSample[],
): Uint8Array {
  const writer = protobuf.Writer.create().uint32(key.timeseries).fork();
  for (const [name, value] of labels) {
    writer.uint32(key.labels).fork();
    writer.uint32(key.labelName).string(name).uint32(key.labelValue).string(value).ldelim();
  }
  for (const { t, v } of samples) {
    writer.uint32(key.samples).fork().uint32(key.sampleValue);
    if (v === "stale") writer.raw(staleBits);
    else writer.double(v);
    writer.uint32(key.sampleTime).int64(t).ldelim();
  }
  return writer.ldelim().finish();
}

/** 0x7ff0000000000002, little endian. As bytes, because a JavaScript number need not keep a NaN's payload. */
const staleBits = Uint8Array.of(0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f);
