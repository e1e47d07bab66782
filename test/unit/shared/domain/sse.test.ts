import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type SseEvent, SseReader } from "../../../../shared/domain/sse.ts";

function read(text: string | Uint8Array, cuts: readonly number[] = []): SseEvent[] {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const reader = new SseReader();
  const bounds = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return bounds.slice(1).flatMap((to, index) => reader.push(bytes.subarray(bounds[index], to)));
}

const data = (...texts: readonly string[]) => texts.map((text) => ({ event: "", data: text }));

describe("an event stream", () => {
  it.each([
    ["one event", "data: a\n\n", data("a")],
    ["two events", "data: a\n\ndata: b\n\n", data("a", "b")],
    ["lines that end in CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", data("a", "b")],
    ["lines that end in CR", "data: a\r\rdata: b\r\r", data("a", "b")],
    ["line ends of all kinds", "data: a\r\ndata: b\r\n\ndata: c\r\rdata: d\n\n", data("a\nb", "c", "d")],
    ["data of several lines", "data: a\ndata:b\ndata\n\n", data("a\nb\n")],
    ["one space after the colon only", "data:  a\n\n", data(" a")],
    ["comments", ": hello\n\n:\ndata: a\n: in between\n\n", data("a")],
    [
      "an event's name",
      "event: error\ndata: a\n\ndata: b\n\n",
      [
        { event: "error", data: "a" },
        { event: "", data: "b" },
      ],
    ],
    ["a name without data, which is nothing", "event: ping\n\ndata: a\n\n", data("a")],
    ["fields that it does not know", "id: 7\nretry: 100\nfoo: bar\ndata: a\n\n", data("a")],
    ["empty data", "data\n\ndata:\n\n", data("", "")],
    ["a byte order mark", "\ufeffdata: a\n\n", data("a")],
    ["blank lines", "\n\n\ndata: a\n\n\n\n", data("a")],
    ["an end in mid-event, which is thrown away", "data: a\n\ndata: b\n", data("a")],
    ["an end in mid-line, which is thrown away", "data: a\n\ndata: b", data("a")],
  ])("is read with %s", (_, text, events) => {
    expect(read(text)).toEqual(events);
  });

  it.each([
    ["data: a\n\n", false],
    ["data: a\n\n: comment\n", false],
    ["data: a\n\r\n", false],
    ["data: a\n", true],
    ["data: a", true],
    [": com", true],
  ])("%j ends in the middle of something: %s", (text, unfinished) => {
    const reader = new SseReader();
    reader.push(Buffer.from(text));
    expect(reader.unfinished).toBe(unfinished);
  });

  it("is the same however it is cut, in the middle of a CRLF and of a character too", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "data: 온도 🌡 é",
        "data",
        "data:",
        ": comment",
        "event: error",
        "id: 1",
        "",
        "",
        "\ufeff",
      ),
      fc.string().map((text) => `data: ${text.replace(/[\r\n]/g, "")}`),
    );
    const lines = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 20 });
    fc.assert(
      fc.property(lines, fc.array(fc.nat(500), { maxLength: 30 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.map(([text, end]) => text + end).join(""));
        const whole = read(bytes);
        expect(
          read(
            bytes,
            cuts.map((cut) => Math.min(cut, bytes.length)),
          ),
        ).toEqual(whole);
        expect(
          read(
            bytes,
            Array.from(bytes, (_, index) => index),
          ),
        ).toEqual(whole);
      }),
    );
  });

  it("brings back every event that was written, whatever ends its lines", () => {
    const text = fc.string({ unit: "binary" }).map((one) => one.replace(/[\r\n]/g, ""));
    const one = fc.record({ event: text, data: fc.array(text, { minLength: 1, maxLength: 3 }) });
    const events = fc.array(one, { maxLength: 12 });
    fc.assert(
      fc.property(events, fc.constantFrom("\n", "\r\n", "\r"), (written, end) => {
        const bytes = written.flatMap(({ event, data: lines }) => [
          `event: ${event}`,
          ...lines.map((one) => `data: ${one}`),
          "",
          "",
        ]);
        expect(read(bytes.join(end))).toEqual(
          written.map(({ event, data: lines }) => ({
            event: event.toWellFormed(),
            data: lines.join("\n").toWellFormed(),
          })),
        );
      }),
    );
  });
});
