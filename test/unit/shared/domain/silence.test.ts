import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  activeSilences,
  addSilence,
  expireSilence,
  matchersOf,
  matchesSilence,
  type Silence,
  silencedLabels,
  silencesObject,
} from "../../../../shared/domain/silence.ts";
import { StateTooNew } from "../../../../shared/domain/versioned.ts";

const hour = 3_600_000;
const day = 24 * hour;
const t0 = Date.UTC(2026, 2, 1, 3);

function aSilence(change: Partial<Silence> = {}): Silence {
  return {
    id: "s1",
    matchers: [{ name: "target", value: "seoul" }],
    startsAt: t0,
    endsAt: t0 + hour,
    by: { id: "U012AB3CD", name: "ada" },
    reason: "",
    origin: "slack",
    ...change,
  };
}

describe("a silence", () => {
  const labels = silencedLabels("seoul", {
    probe: "gpu-temperature",
    Hostname: "gpu-node-7",
    target: "not this one",
  });

  it.each([
    ["the target", [{ name: "target", value: "seoul" }], true],
    [
      "the probe and a label",
      [
        { name: "probe", value: "gpu-temperature" },
        { name: "Hostname", value: "gpu-node-7" },
      ],
      true,
    ],
    ["a label of another value", [{ name: "Hostname", value: "gpu-node-8" }], false],
    [
      "one of two",
      [
        { name: "target", value: "seoul" },
        { name: "Hostname", value: "gpu-node-8" },
      ],
      false,
    ],
    ["a label that is not there", [{ name: "gpu", value: "3" }], false],
    ["the absence of a label, by an empty value", [{ name: "gpu", value: "" }], true],
    ["a name that every object answers to", [{ name: "toString", value: "x" }], false],
    ["a label that looks like the target", [{ name: "target", value: "not this one" }], false],
  ])("by %s matches: %j is %s", (_, matchers, matches) => {
    expect(matchesSilence({ matchers }, labels)).toBe(matches);
  });

  it("made of an incident's identity matches it, and every incident with more labels", () => {
    const anyLabels = fc.dictionary(fc.string(), fc.string());
    fc.assert(
      fc.property(anyLabels, anyLabels, (own, more) => {
        const matchers = matchersOf(silencedLabels("seoul", own));
        expect(matchesSilence({ matchers }, silencedLabels("seoul", { ...more, ...own }))).toBe(true);
        expect(matchesSilence({ matchers }, silencedLabels("ohio", own))).toBe(false);
        const probe = `not ${own.probe}`;
        expect(matchesSilence({ matchers }, silencedLabels("seoul", { ...own, probe }))).toBe(
          !("probe" in own),
        );
      }),
    );
  });

  it("holds from its start on, and no longer at its end", () => {
    const silences = [aSilence()];
    const active = (now: number) => activeSilences(silences, now).length;
    expect([t0 - 1, t0, t0 + hour - 1, t0 + hour].map(active)).toEqual([0, 1, 1, 0]);
  });
});

describe("the list of silences", () => {
  it("takes the same silence once", () => {
    const once = addSilence([], aSilence(), t0);
    expect(addSilence(once, aSilence({ endsAt: t0 + day }), t0)).toBe(once);
  });

  it("ends one now, and says nothing of it later", () => {
    const ended = expireSilence([aSilence()], "s1", t0 + 5);
    expect(ended).toEqual([aSilence({ endsAt: t0 + 5 })]);
    expect(expireSilence(ended, "s1", t0 + 6)).toBe(ended);
    expect(expireSilence(ended, "unknown", t0 + 6)).toBe(ended);
  });

  it("ends one that has not begun, so that it never does", () => {
    const [ended] = expireSilence([aSilence({ startsAt: t0 + day, endsAt: t0 + 2 * day })], "s1", t0);
    expect(ended).toMatchObject({ startsAt: t0, endsAt: t0 });
  });

  it("forgets a silence a week after its end, when another comes", () => {
    const add = (now: number) => addSilence([aSilence()], aSilence({ id: "s2", endsAt: now + 1 }), now);
    expect(add(t0 + hour + 7 * day - 1).map(({ id }) => id)).toEqual(["s1", "s2"]);
    expect(add(t0 + hour + 7 * day).map(({ id }) => id)).toEqual(["s2"]);
  });

  it("silences at each time exactly what a person would say of it, whatever was added and ended", () => {
    const step = fc.record({
      add: fc.boolean(),
      id: fc.constantFrom("a", "b", "c", "d"),
      wait: fc.nat(3 * day),
      lasts: fc.integer({ min: 1, max: 10 * day }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let now = t0;
        let silences: readonly Silence[] = [];
        const ends = new Map<string, number>();
        for (const { add, id, wait, lasts } of steps) {
          now += wait;
          const known = ends.get(id);
          if (add) {
            silences = addSilence(silences, aSilence({ id, startsAt: now, endsAt: now + lasts }), now);
            // An id is taken as long as it is remembered.
            if (!silences.some((one) => one.id === id && one.endsAt === known)) ends.set(id, now + lasts);
          } else {
            silences = expireSilence(silences, id, now);
            if (known !== undefined && known > now) ends.set(id, now);
          }
          const expected = [...ends].filter(([, endsAt]) => endsAt > now).map(([name]) => name);
          expect(
            activeSilences(silences, now)
              .map((one) => one.id)
              .sort(),
          ).toEqual(expected.sort());
          expect(new Set(silences.map((one) => one.id)).size).toBe(silences.length);
        }
      }),
    );
  });
});

describe("the stored silences", () => {
  it("read back as they were written", () => {
    const silences = [aSilence(), aSilence({ id: "s2", origin: "cli", reason: "maintenance" })];
    expect(silencesObject.parse("silences.json", silencesObject.format(silences, "w"))).toEqual(silences);
  });

  it("differ with their writer", () => {
    expect(silencesObject.format([], "w1")).not.toBe(silencesObject.format([], "w2"));
  });

  it("are refused where newer code wrote them", () => {
    const newer = JSON.stringify({ version: 2, writer: "w", silences: [] });
    expect(() => silencesObject.parse("silences.json", newer)).toThrow(StateTooNew);
  });

  it("are refused where a silence would match everything", () => {
    const body = silencesObject.format([aSilence({ matchers: [] })], "w");
    expect(() => silencesObject.parse("silences.json", body)).toThrow("silences.json is not a state object");
  });
});
