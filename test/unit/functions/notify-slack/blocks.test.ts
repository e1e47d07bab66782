import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { checkBlocks, lengthOf } from "../../../../cli/stage/slack-blocks.ts";
import { renderIncident } from "../../../../functions/notify-slack/blocks.ts";
import { renderChange } from "../../../../functions/notify-slack/changes.ts";
import type { Incident, Member, Mute } from "../../../../shared/domain/incident.ts";
import type { SlackMessage } from "../../../../shared/domain/slack.ts";
import { anyIncident, anyTime } from "../../../support/hostile.ts";
import { afterChange, aMember, anIncident, manyMembers, t0 } from "../../../support/incident.ts";

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
    expect(message).toContain("`l9=v`  and 3 more");
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

describe("the message of several series", () => {
  const lines = (incident: Incident) => shown(renderIncident(incident, t0)).split("\n");

  test("says how many fail, what they share, and of each what sets it apart and its value", () => {
    const three = manyMembers(3, (index) => ({ value: 91 - index }));
    expect(lines(three)).toEqual([
      "🔴 *Critical* · seoul · GPU 0 on gpu-node-7 is at 91.2 °C (and 2 more)",
      "*Failing* 3",
      "*Threshold* `&gt; 85 °C`",
      "*Since* <!date^1772334000^{date_short_pretty} at {time}|2026-03-01 03:00 UTC>",
      "*Probe* `gpu-temperature`",
      "`Hostname=gpu-node-7`",
      "• `gpu=0`  91 °C",
      "• `gpu=1`  90 °C",
      "• `gpu=2`  89 °C",
      "Above the point at which the driver throttles clocks.",
      "<https://runbooks.example.com/gpu|📖 Runbook>   <https://grafana.example.com/d/gpu?viewPanel=4|📈 Grafana panel>",
      "As of <!date^1772334240^{date_short_pretty} at {time}|2026-03-01 03:04 UTC>",
    ]);
  });

  test("shows the gravest first, and marks who only warns and who is not seen", () => {
    const levels = ["fail", "warn", "fail"] as const;
    const mixed = manyMembers(3, (index) => ({
      level: levels[index] ?? "fail",
      value: 90 + index,
      blind: index === 2,
    }));
    expect(lines(mixed).filter((one) => one.startsWith("•"))).toEqual([
      "• `gpu=0`  90 °C",
      "• `gpu=2`  92 °C 👁",
      "• `gpu=1`  91 °C (warns)",
    ]);
  });

  test("counts only who still fails", () => {
    const shrunk = manyMembers(4, (index) => ({ state: index < 2 ? "firing" : "ok" }));
    expect(lines(shrunk)).toContain("*Failing* 2");
    expect(lines(shrunk).filter((one) => one.startsWith("•"))).toHaveLength(2);
    const one = manyMembers(4, (index) => ({ state: index < 1 ? "firing" : "ok" }));
    expect(lines(one)).toContain("*Value* 91.2 °C");
    expect(lines(one)[0]).not.toContain("more)");
  });

  test("names each one's probe where there are several, and then no threshold, for each has its own", () => {
    const both = manyMembers(2, (index) => (index === 0 ? {} : { probe: "xid-errors", unit: "", value: 3 }));
    expect(lines(both).filter((one) => /^•|Probe|Threshold/.test(one))).toEqual([
      "• `gpu-temperature`  `gpu=0`  91.2 °C",
      "• `xid-errors`  `gpu=1`  3",
    ]);
  });

  test("shows eight and counts the others", () => {
    const many = lines(manyMembers(11)).filter((one) => /^[•…]/.test(one));
    expect(many).toHaveLength(9);
    expect(many.at(-1)).toBe("… and 3 more");
  });

  test("says at the end how many there were, and which", () => {
    const over = afterChange(manyMembers(3), "recovered", t0 + 25 * minute, 71.4);
    expect(lines(over)).toEqual([
      "✅ *Resolved after 25m* · seoul · ~GPU 0 on gpu-node-7 is at 91.2 °C (and 2 more)~",
      "*From* <!date^1772334000^{date_short_pretty} at {time}|2026-03-01 03:00 UTC>",
      "*To* <!date^1772335500^{date_short_pretty} at {time}|2026-03-01 03:25 UTC>",
      "*Failed at the end* 3",
      "*Was* Critical `&gt; 85 °C`",
      "`Hostname=gpu-node-7`",
      "• `gpu=0`  71.4 °C",
      "• `gpu=1`  91.2 °C",
      "• `gpu=2`  91.2 °C",
      "<https://runbooks.example.com/gpu|📖 Runbook>   <https://grafana.example.com/d/gpu?viewPanel=4|📈 Grafana panel>",
    ]);
  });

  test("does not say of the ones that recovered before that they are gone", () => {
    const gone = shown(renderIncident(afterChange(manyMembers(3), "gone", t0 + 25 * minute), t0));
    expect(gone).toContain("*The last of these series are gone:*");
  });

  test("fits into Slack's limits with a thousand of them whose every text is long", () => {
    const text = "&".repeat(1_500);
    const labels = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`label${index}`, text]));
    const thousand = manyMembers(1_000, (index) => ({
      probe: `${text}${index % 3}`,
      labels: { ...labels, pod: `${index}${text}` },
      summary: text,
      description: text,
      threshold: text,
      unit: text,
    }));
    for (const incident of [thousand, afterChange(thousand, "recovered", t0 + 25 * minute)]) {
      const { text: line, blocks } = renderIncident(incident, t0);
      expect(checkBlocks(blocks)).toEqual([]);
      expect(lengthOf(blocks)).toBeLessThan(12_000);
      expect(Buffer.byteLength(line)).toBeLessThan(4_000);
      expect(shown({ text: line, blocks })).toContain("… and 992 more");
    }
  });
});

describe("the message of what people are told of in another way", () => {
  const until = t0 + 2 * 60 * minute;
  const says = (change: Partial<Incident>) => {
    const message = renderIncident(anIncident(change), t0);
    return {
      word: message.text.split(" · ")[0],
      color: message.color,
      notice: shown(message).split("\n")[1],
    };
  };
  const date = "<!date^1772341200^{date_short_pretty} at {time}|2026-03-01 05:00 UTC>";

  test.each<{ by: Mute["by"]; until: number | null; note: string; word: string; notice: string }>([
    {
      by: "silence",
      until,
      note: "Ada: new fans <!here>",
      word: "silenced",
      notice: `🔕 *Silenced* until ${date} by Ada: new fans &lt;!here&gt;`,
    },
    {
      by: "maintenance",
      until,
      note: "",
      word: "muted",
      notice: `🔕 *In a maintenance window* until ${date}`,
    },
    {
      by: "inhibition",
      until: null,
      note: "node-down",
      word: "muted",
      notice: "🔕 *Follows from* `node-down`, which is told by itself",
    },
    {
      by: "storm",
      until: null,
      note: "",
      word: "muted",
      notice: "🔕 *Part of a storm*, which is told as one",
    },
  ])("is grey and says why: $by", ({ by, until: end, note, word, notice }) => {
    expect(says({ mute: { by, id: "1", until: end, note } })).toEqual({
      word: `🔕 *Critical, ${word}*`,
      color: "#8d8d8d",
      notice,
    });
  });

  test("says that it flaps, in the colour of its severity, also at a moment when nothing fails", () => {
    const flapping = { word: "🔁 *Critical, flapping*", color: "#d72b3f" };
    expect(says({ status: "flapping" })).toMatchObject(flapping);
    const well = { lead: aMember({ state: "ok" }) };
    expect(says({ status: "flapping", members: well })).toMatchObject(flapping);
  });

  test("says who has acknowledged it", () => {
    const taken = afterChange(anIncident(), "acknowledged", t0 + 8 * minute, 92, "Ada");
    expect(shown(renderIncident(taken, t0))).toContain("👤 acknowledged by Ada, <!date^1772334480");
  });

  test("says what is left of an error budget, and until when", () => {
    const left = (budget: Member["budget"]) =>
      shown(renderIncident(anIncident({}, { budget }), t0))
        .split("\n")
        .find((one) => one.startsWith("*Error budget left*"));
    expect(left({ left: 0.384, exhaustedIn: 50 * 60 * minute, at: t0 })).toBe(
      "*Error budget left* 38.4 %, gone in 2d2h at this rate",
    );
    expect(left({ left: 0.384, exhaustedIn: null, at: t0 })).toBe("*Error budget left* 38.4 %");
    expect(left({ left: -0.2, exhaustedIn: null, at: t0 })).toBe("*Error budget left* -20 %: overspent");
    expect(left(null)).toBeUndefined();
  });

  test("leaves out a value that nobody has measured", () => {
    const told = shown(renderIncident(anIncident({}, { value: null, points: [] }), t0));
    expect(told).not.toContain("*Value*");
    expect(
      shown(
        renderIncident(
          manyMembers(2, () => ({ value: null })),
          t0,
        ),
      ),
    ).toContain("• `gpu=0`\n• `gpu=1`");
  });
});

describe("the message of a storm", () => {
  const part = (of: string, value: number) =>
    aMember({
      probe: "storm",
      labels: { of },
      value,
      unit: "incidents",
      threshold: null,
      summary: `${of}: ${value} incidents`,
      description: "",
      runbook: "",
      dashboard: "",
      own: {},
      points: [],
    });
  const storm = anIncident({
    probe: "storm",
    members: { a: part("gpu-temperature", 18), b: part("node-down", 7) },
    lead: "a",
  });

  test("counts what began and names the probes, and no series stands for the others", () => {
    const message = shown(renderIncident(storm, t0));
    expect(message).toContain(
      "🔴 *Critical* · seoul · 25 incidents began at once: gpu-temperature, node-down",
    );
    expect(message).toContain("• gpu-temperature: 18 incidents\n• node-down: 7 incidents");
    expect(message).not.toMatch(/Value|Threshold|Probe|Failing|of=/);
  });

  test("ends as a storm", () => {
    const over = afterChange(storm, "recovered", t0 + 12 * minute, 0);
    expect(renderIncident(over, t0).text).toMatch(/^✅ \*Storm over after 12m\*/);
  });
});

describe("whom a message calls", () => {
  const unanswered = (mention: string) =>
    afterChange(anIncident(), "unanswered", t0 + 40 * minute, 93, mention);
  const calls = (incident: Incident) => renderIncident(incident, t0).text.includes("<!subteam^S012AB3CD>");
  const open = unanswered("<!subteam^S012AB3CD>");

  test("is whom config names, once nobody has answered: a new channel's first message calls them too", () => {
    expect(renderIncident(open, t0).text).toBe(
      "🔴 *Critical* · seoul · GPU 3 on gpu-node-7 is at 91.2 °C · <!subteam^S012AB3CD>",
    );
    expect(calls(anIncident())).toBe(false);
  });

  test("is nobody as soon as somebody has, or it is muted, or over", () => {
    expect(calls(afterChange(open, "acknowledged", t0 + 41 * minute, 93, "Ada"))).toBe(false);
    expect(calls(afterChange(open, "muted", t0 + 41 * minute, 93, "silenced by Ada"))).toBe(false);
    expect(calls(afterChange(open, "recovered", t0 + 41 * minute))).toBe(false);
  });

  test("is nobody where what is stored is no way to call people", () => {
    for (const note of ["", "<!everyone>", "<!here> and <b>", "Ada", "<https://x|<!here>>"])
      expect(renderIncident(unanswered(note), t0).text).toBe(renderIncident(anIncident(), t0).text);
  });
});

describe("whatever labels, annotations and numbers hold", () => {
  /** What Sonde's own markup may hold between < and >: a date, or a link to http(s). */
  const own = /<(!date\^\d+\^[^<>|]+\|[^<>|]+|https?:[^<>|]+\|[^<>|]+)>/g;

  test("no < but Sonde's own is left, and all of Slack's limits are kept", () => {
    fc.assert(
      fc.property(anyIncident, anyTime, (incident, now) => {
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
