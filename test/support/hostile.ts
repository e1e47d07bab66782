import fc from "fast-check";

import { changeKinds, type Incident, type Member } from "../../shared/domain/incident.ts";
import { t0 } from "./incident.ts";

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<!channel>",
        "<!here|x>",
        "<@U012AB3CD>",
        "&lt;",
        "`",
        "*",
        "~",
        "\n",
        "|",
        "🔥",
        "<https://a|b>",
      ),
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

/** Config alone may call people, by a note of exactly this form. */
const callsPeople = /^(<[@!][^<>]*> ?)+$/;
const long = fc
  .tuple(hostile, fc.integer({ min: 0, max: 2000 }))
  .map(([text, times]) => text.repeat(1 + (times % 300)));
const url = fc.oneof(
  hostile,
  fc.webUrl({ withQueryParameters: true }),
  fc.webUrl().map((u) => `${u}?a=<!channel>|b&c`),
);
const number = fc.option(fc.double());
const finite = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
/** Unix milliseconds. */
export const anyTime = fc.integer({ min: t0, max: t0 + 10 * 86_400_000 });

const level = fc.constantFrom("warn" as const, "fail" as const, "unknown" as const);
const labels = fc.dictionary(hostile, long, { maxKeys: 40 });
const probe = fc.oneof(long, fc.constantFrom("blind", "storm"));
const members: fc.Arbitrary<Member> = fc.record({
  probe,
  labels,
  state: fc.constantFrom("pending" as const, "firing" as const, "ok" as const),
  level,
  blind: fc.boolean(),
  value: number,
  unit: long,
  threshold: fc.option(long),
  summary: long,
  description: long,
  runbook: url,
  dashboard: url,
  own: fc.oneof(
    fc.constant({}),
    long.map((severity) => ({ severity })),
  ),
  activeAt: anyTime,
  activeAtLeast: fc.boolean(),
  points: fc.array(fc.record({ t: anyTime, v: finite }), { maxLength: 60 }),
  byProbe: fc.boolean(),
  alertAt: fc.option(anyTime),
  budget: fc.option(
    fc.record({
      left: fc.double({ noNaN: true, noDefaultInfinity: true }),
      exhaustedIn: fc.option(fc.integer({ min: 0, max: 1e12 })),
      at: anyTime,
    }),
  ),
});

/** An incident as no one would wish it: every text hostile, empty or long, every number possible. */
export const anyIncident: fc.Arbitrary<Incident> = fc
  .record({
    id: hostile,
    group: hostile,
    target: long,
    probe,
    status: fc.constantFrom("firing" as const, "flapping" as const, "resolved" as const),
    level,
    blind: fc.boolean(),
    groupedBy: labels,
    labels,
    all: fc.array(members, { minLength: 1, maxLength: 12 }),
    channels: fc.constant([]),
    activeAt: anyTime,
    activeAtLeast: fc.boolean(),
    firedAt: fc.option(anyTime),
    resolvedAt: fc.option(anyTime),
    resolution: fc.option(fc.constantFrom("recovered" as const, "gone" as const)),
    acknowledged: fc.option(fc.record({ id: long, name: long, at: anyTime })),
    mute: fc.option(
      fc.record({
        by: fc.constantFrom(
          "silence" as const,
          "maintenance" as const,
          "inhibition" as const,
          "storm" as const,
        ),
        id: long,
        until: fc.option(anyTime),
        note: long,
      }),
    ),
    transitions: fc.constant([]),
    loudAt: fc.option(anyTime),
    askedAt: fc.option(anyTime),
    graveAt: fc.option(anyTime),
    escalatedAt: fc.option(anyTime),
    blindSince: fc.option(anyTime),
    growth: fc.constant({ toldAt: t0, joined: 0, left: 0 }),
    seq: fc.integer({ min: 1, max: 60 }),
    history: fc.array(
      fc.record({
        seq: fc.integer({ min: 1, max: 60 }),
        at: anyTime,
        what: fc.constantFrom(...changeKinds),
        value: number,
        note: long.filter((text) => !callsPeople.test(text)),
      }),
      { minLength: 1, maxLength: 50 },
    ),
  })
  .map(({ all, ...incident }) => ({
    ...incident,
    members: Object.fromEntries(all.map((member, index) => [`member-${index}`, member])),
    lead: "member-0",
  }));
