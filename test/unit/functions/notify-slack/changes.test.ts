import { describe, expect, test } from "vitest";

import { renderChange } from "../../../../functions/notify-slack/changes.ts";
import {
  type ChangeKind,
  changeKinds,
  type Incident,
  type IncidentChange,
} from "../../../../shared/domain/incident.ts";
import { afterChange, anIncident, manyMembers, t0 } from "../../../support/incident.ts";

const minute = 60_000;

const change = (what: ChangeKind, note = "", value: number | null = 93): IncidentChange => ({
  seq: 2,
  at: t0,
  what,
  value,
  note,
});

/** What the thread says of a change, without its time. */
function said(one: IncidentChange, incident: Incident): string | null {
  const message = renderChange(one, incident);
  const date = " · <!date^1772334000^{date_short_pretty} at {time}|2026-03-01 03:00 UTC>";
  if (message && !message.text.endsWith(date)) throw new Error(`it does not say when: ${message.text}`);
  return message ? message.text.slice(0, -date.length) : null;
}

/** What was said by the last change of an incident. */
function lastSaid(incident: Incident): string | undefined {
  const last = incident.history.at(-1);
  return (last && renderChange(last, incident))?.text.split(" · ")[0];
}

describe("an answer in the thread", () => {
  const told: Readonly<Record<ChangeKind, { note?: string; says: string | null }>> = {
    pending: { says: null },
    firing: { says: null },
    "fired-again": { says: "🔴 *Firing again*: 93 °C" },
    grew: { note: "3 joined, 1 left", says: "👥 3 joined, 1 left" },
    escalated: { says: "🔴 *Escalated*: 93 °C" },
    eased: { says: "🟠 *Eased*: 93 °C" },
    blind: { says: "👁 *No fresh data:* still counted as firing" },
    "seen-again": { says: "👁 *Data is back*: 93 °C" },
    acknowledged: { note: "Ada <!here>", says: "👤 *Acknowledged* by Ada &lt;!here&gt;" },
    muted: {
      note: "silenced by Ada: new fans for 2h",
      says: "🔕 *Quiet from here on:* silenced by Ada: new fans for 2h",
    },
    unmuted: { says: "🔔 *Still firing*, and no longer muted: 93 °C" },
    "mute-ending": { note: "15m", says: "🔔 The silence ends in 15m" },
    flapping: { says: "🔁 *Flapping:* nothing more is said until it is calm" },
    calm: { says: "🔴 *Calm, and still firing*: 93 °C" },
    unanswered: { note: "<!here>", says: "🔔 *Nobody has acknowledged this yet*: 93 °C" },
    repeated: { says: "🔴 *Still firing*: 93 °C" },
    recovered: { says: "✅ *Recovered*: 93 °C" },
    gone: { says: "✅ *Gone*: nothing reports it any more" },
  };

  test.each(changeKinds)("tells in a line that it is %s, or leaves that to the message", (what) => {
    const { note, says } = told[what];
    expect(said(change(what, note), anIncident())).toBe(says);
  });

  test("leaves out a value that nobody has measured", () => {
    expect(said(change("repeated", "", null), anIncident())).toBe("🔴 *Still firing*");
  });

  test("has the colour of what it warns of", () => {
    const warning = anIncident({ level: "warn" }, { level: "warn", own: {} });
    expect(said(change("repeated"), warning)).toBe("🟠 *Still firing*: 93 °C");
  });

  test("has other words for what cannot be seen", () => {
    const blind = anIncident({ probe: "blind" }, { probe: "blind", labels: { probe: "a" }, value: null });
    const says = (what: ChangeKind) => said(change(what, "", null), blind);
    expect([says("fired-again"), says("repeated"), says("unmuted")]).toEqual([
      "🟣 *Blind again*",
      "🟣 *Still blind*",
      "🔔 *Still blind*, and no longer muted",
    ]);
    expect(lastSaid(afterChange(blind, "grew", t0, 0, "1 joined"))).toBe("👥 1 joined: 1 probe cannot tell");
  });

  test("counts who fails now, unless more has happened since", () => {
    const grown = afterChange(manyMembers(3), "grew", t0 + 9 * minute, 93, "2 joined");
    expect(lastSaid(grown)).toBe("👥 2 joined: 3 fail now");
    const single = afterChange(anIncident(), "grew", t0 + 9 * minute, 93, "2 left");
    expect(lastSaid(single)).toBe("👥 2 left: 1 fails now");
    const over = afterChange(grown, "recovered", t0 + 20 * minute);
    const earlier = over.history.at(-2);
    expect(earlier && renderChange(earlier, over)?.text).toMatch(/^👥 2 joined · /);
  });

  test("says how long it took, and of an earlier end nothing", () => {
    const once = afterChange(anIncident(), "recovered", t0 + 20 * minute, 70);
    expect(lastSaid(once)).toBe("✅ *Recovered* after 20m: 70 °C");
    const again = afterChange(once, "fired-again", t0 + 22 * minute, 92);
    const over = afterChange(again, "gone", t0 + 40 * minute);
    expect(over.history.map((one) => renderChange(one, over)?.text.split(" · ")[0])).toEqual([
      undefined,
      "✅ *Recovered*: 70 °C",
      "🔴 *Firing again*: 92 °C",
      "✅ *Gone* after 40m: nothing reports it any more",
    ]);
  });

  test("calls people as long as nobody has answered", () => {
    const open = afterChange(anIncident(), "unanswered", t0 + 40 * minute, 93, "<!subteam^S012AB3CD>");
    expect(lastSaid(open)).toBe("🔔 <!subteam^S012AB3CD> *Nobody has acknowledged this yet*: 93 °C");
    const taken = afterChange(open, "acknowledged", t0 + 41 * minute, 93, "Ada");
    const earlier = taken.history.at(-2);
    expect(earlier && renderChange(earlier, taken)?.text).toMatch(/^🔔 \*Nobody has acknowledged this yet\*/);
  });

  test("says nothing of a storm's value, which is one probe's share of it", () => {
    const storm = anIncident({ probe: "storm" }, { probe: "storm", labels: { of: "a" } });
    expect(said(change("repeated"), storm)).toBe("🔴 *Still firing*");
  });

  test("holds the whole description and all labels where the message had no room for them", () => {
    const labels = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`l${index}`, "v"]));
    const long = anIncident({}, { labels, description: "why ".repeat(400) });
    const answer = renderChange(change("firing"), long);
    const text = JSON.stringify(answer?.blocks);
    expect(text).toContain("`l11=v`");
    expect(text.length).toBeGreaterThan(1600);
  });
});
