import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { checkBlocks, lengthOf } from "../../../../cli/stage/slack-blocks.ts";
import { renderIncident } from "../../../../functions/notify-slack/blocks.ts";
import { renderChange } from "../../../../functions/notify-slack/changes.ts";
import {
  changeKinds,
  type Incident,
  type IncidentChange,
  type Member,
} from "../../../../shared/domain/incident.ts";
import type { SlackMessage } from "../../../../shared/domain/slack.ts";
import { afterChange, aMember, anIncident, t0 } from "../../../support/incident.ts";

const minute = 60_000;

/** All that a message shows, one text a line. */
function shown({ text, blocks }: SlackMessage): string {
  const inner = blocks.flatMap((block) => {
    if ("fields" in block) return block.fields.map((field) => field.text.replace("\n", " "));
    return "elements" in block ? block.elements.map((element) => element.text) : [block.text.text];
  });
  return [text, ...inner].join("\n");
}

describe("the message of an incident that fires", () => {
  test("says severity, where, what, value against threshold, since when, the course, labels and links", () => {
    expect(shown(renderIncident(anIncident(), t0))).toBe(
      [
        "🔴 *Critical* · seoul · GPU 3 on gpu-node-7 is at 91.2 °C",
        "*Value* 91.2 °C",
        "*Threshold* `&gt; 85 °C`",
        "*Since* <!date^1772334000^{date_short_pretty} at {time}|2026-03-01 03:00 UTC>",
        "*Probe* `gpu-temperature`",
        "`▁▂▄▇█`  70 °C to 91.2 °C over 4m",
        "`Hostname=gpu-node-7`  `gpu=3`",
        "Above the point at which the driver throttles clocks.",
        "<https://runbooks.example.com/gpu|📖 Runbook>   <https://grafana.example.com/d/gpu?viewPanel=4|📈 Grafana panel>",
        "As of <!date^1772334240^{date_short_pretty} at {time}|2026-03-01 03:04 UTC>",
      ].join("\n"),
    );
  });

  test("is red for critical, amber for a warning, blue for what is only to be known", () => {
    const colorOf = (severity: string) => renderIncident(anIncident({}, { own: { severity } }), t0).color;
    expect([colorOf("critical"), colorOf("page")]).toEqual(["#d72b3f", "#d72b3f"]);
    expect([colorOf("warning"), colorOf("info")]).toEqual(["#e8912d", "#3b82c4"]);
  });

  test("goes by its level where the severity label is missing or nobody's habit", () => {
    const of = (level: "warn" | "fail", own: Member["own"]) =>
      renderIncident(anIncident({ level }, { level, own }), t0);
    expect(of("warn", {}).text).toMatch(/^🟠 \*Warning\*/);
    expect(of("fail", { severity: "sev7" }).text).toMatch(/^🔴 \*Sev7\*/);
  });

  test("says at least where the beginning was not seen", () => {
    expect(shown(renderIncident(anIncident({ activeAtLeast: true }), t0))).toContain(
      "*Since* at least since <!date",
    );
  });

  test("says so when the data went stale", () => {
    const message = shown(renderIncident(anIncident({ blind: true }, { blind: true }), t0));
    expect(message).toContain("*Critical, no longer seen*");
    expect(message).toContain("The value is the last one that was seen");
  });

  test("shows ten labels, plumbing last, and counts the others", () => {
    const labels = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`l${index}`, "v"]));
    const message = shown(
      renderIncident(anIncident({}, { labels: { __name__: "m", job: "dcgm", ...labels } }), t0),
    );
    expect(message).toContain("`l9=v`  and 3 more in the thread");
    expect(message).not.toContain("job=dcgm");
    expect(message).not.toContain("__name__");
  });

  test("names the probe where there is no summary", () => {
    expect(renderIncident(anIncident({}, { summary: "" }), t0).text).toContain("gpu-temperature");
  });

  test("leaves out what it does not have", () => {
    const bare = anIncident(
      {},
      {
        labels: {},
        description: "",
        runbook: "",
        dashboard: "not a url",
        threshold: null,
        points: [],
      },
    );
    expect(renderIncident(bare, t0).blocks).toHaveLength(2);
  });
});

describe("the message of a target that cannot be seen", () => {
  const unseen = (probe: string): Member =>
    aMember({
      probe: "blind",
      labels: { probe },
      level: "unknown",
      summary: `${probe}: no data for 6m`,
      description: "",
      value: null,
      unit: "",
      threshold: null,
      points: [],
      own: { severity: "warning" },
    });
  const blind = anIncident({
    probe: "blind",
    level: "unknown",
    members: { a: unseen("a"), b: unseen("b"), c: unseen("c") },
    lead: "a",
  });

  test("has words of its own: not known to be healthy, and not failing either", () => {
    const message = renderIncident(blind, t0);
    expect(message.text).toBe("🟣 *Blind* · seoul · 3 probes cannot tell: a, b, c");
    expect(shown(message)).toContain("not known to be healthy");
    expect(shown(message)).not.toContain("*Value*");
  });

  test("ends as no longer blind", () => {
    const over = afterChange(blind, "recovered", t0 + 12 * minute);
    expect(renderIncident(over, t0).text).toMatch(/^✅ \*No longer blind after 12m\*/);
  });
});

describe("the message of an incident that is over", () => {
  const over = afterChange(anIncident(), "recovered", t0 + 25 * minute, 71.4);

  test("is green, says how long it lasted and strikes through what is no longer true", () => {
    const message = renderIncident(over, t0);
    expect(message.color).toBe("#2eb67d");
    expect(message.text).toBe("✅ *Resolved after 25m* · seoul · ~GPU 3 on gpu-node-7 is at 91.2 °C~");
    expect(shown(message)).toContain("*Last value* 71.4 °C");
    expect(shown(message)).toContain("*Was* Critical `&gt; 85 °C`");
  });

  test("does not call a series that vanished a recovery", () => {
    const gone = afterChange(anIncident(), "gone", t0 + 25 * minute);
    expect(shown(renderIncident(gone, t0))).toContain("It was not seen to recover.");
  });

  test("says at least where the beginning was not seen", () => {
    expect(renderIncident({ ...over, activeAtLeast: true }, t0).text).toContain(
      "*Resolved after at least 25m*",
    );
  });
});

describe("an answer in the thread", () => {
  const change = (what: IncidentChange["what"], value: number | null = 93): IncidentChange => ({
    seq: 2,
    at: t0,
    what,
    value,
    note: "",
  });

  test.each([
    { what: "escalated" as const, says: "🔴 *Escalated*: 93 °C · <!date" },
    { what: "eased" as const, says: "🟠 *Eased*: 93 °C · <!date" },
    { what: "blind" as const, says: "👁 *No fresh data:* still counted as firing · <!date" },
    { what: "seen-again" as const, says: "👁 *Data is back*: 93 °C · <!date" },
    { what: "recovered" as const, says: "✅ *Recovered*: 93 °C · <!date" },
    { what: "gone" as const, says: "✅ *Gone*: nothing reports it any more · <!date" },
  ])("tells that it $what", ({ what, says }) => {
    expect(renderChange(change(what), anIncident())?.text.startsWith(says)).toBe(true);
  });

  test("is not needed for what the message itself says", () => {
    expect(renderChange(change("pending"), anIncident())).toBeNull();
    expect(renderChange(change("firing"), anIncident())).toBeNull();
  });

  test("holds the whole description and all labels where the message had no room for them", () => {
    const labels = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`l${index}`, "v"]));
    const long = anIncident({}, { labels, description: "why ".repeat(400) });
    const answer = renderChange(change("firing"), long);
    expect(answer && shown(answer)).toContain("`l11=v`");
    expect(answer && shown(answer).length).toBeGreaterThan(1600);
  });
});

describe("whatever labels, annotations and numbers hold", () => {
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
  const at = fc.integer({ min: t0, max: t0 + 10 * 86_400_000 });
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
    activeAt: at,
    activeAtLeast: fc.boolean(),
    points: fc.array(fc.record({ t: at, v: finite }), { maxLength: 60 }),
    byProbe: fc.boolean(),
    alertAt: fc.option(at),
    budget: fc.option(
      fc.record({ left: fc.double(), exhaustedIn: fc.option(fc.integer({ min: 0, max: 1e12 })), at }),
    ),
  });
  const incidents: fc.Arbitrary<Incident> = fc
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
      activeAt: at,
      activeAtLeast: fc.boolean(),
      firedAt: fc.option(at),
      resolvedAt: fc.option(at),
      resolution: fc.option(fc.constantFrom("recovered" as const, "gone" as const)),
      acknowledged: fc.option(fc.record({ id: long, name: long, at })),
      mute: fc.option(
        fc.record({
          by: fc.constantFrom(
            "silence" as const,
            "maintenance" as const,
            "inhibition" as const,
            "storm" as const,
          ),
          id: long,
          until: fc.option(at),
          note: long,
        }),
      ),
      transitions: fc.constant([]),
      loudAt: fc.option(at),
      escalatedAt: fc.option(at),
      blindSince: fc.option(at),
      growth: fc.constant({ toldAt: t0, joined: 0, left: 0 }),
      seq: fc.integer({ min: 1, max: 60 }),
      history: fc.array(
        fc.record({
          seq: fc.integer({ min: 1, max: 60 }),
          at,
          what: fc.constantFrom(...changeKinds),
          value: number,
          note: long,
        }),
        { minLength: 1, maxLength: 50 },
      ),
    })
    .map(({ all, ...incident }) => ({
      ...incident,
      members: Object.fromEntries(all.map((member, index) => [`member-${index}`, member])),
      lead: "member-0",
    }));

  /** What Sonde's own markup may hold between < and >: a date, or a link to http(s). */
  const own = /<(!date\^\d+\^[^<>|]+\|[^<>|]+|https?:[^<>|]+\|[^<>|]+)>/g;

  test("no < but Sonde's own is left, and all of Slack's limits are kept", () => {
    fc.assert(
      fc.property(incidents, at, (incident, now) => {
        const messages = [
          renderIncident(incident, now),
          ...incident.history.flatMap((change) => renderChange(change, incident) ?? []),
        ];
        for (const message of messages) {
          expect(shown(message).replace(own, "")).not.toMatch(/[<>]/);
          expect(checkBlocks(message.blocks)).toEqual([]);
          expect(lengthOf(message.blocks)).toBeLessThan(12_000);
          expect(Buffer.byteLength(message.text)).toBeLessThan(4_000);
          expect(message.text.trim()).not.toBe("");
        }
      }),
      { numRuns: 300 },
    );
  });
});
