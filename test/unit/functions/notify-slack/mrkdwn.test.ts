import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { code, date, line, link, prose, struck } from "../../../../functions/notify-slack/mrkdwn.ts";

describe("text from outside", () => {
  test("cannot mention anybody", () => {
    expect(line("<!channel> & <@U012AB3CD>", 100)).toBe("&lt;!channel&gt; &amp; &lt;@U012AB3CD&gt;");
  });

  test("stands on one line", () => {
    expect(line("a\n\tb   c", 100)).toBe("a b c");
  });

  test("keeps its paragraphs in prose", () => {
    expect(prose("a\r\n\n\n\nb  \n", 100)).toBe("a\n\nb");
  });

  test("cannot turn the direction of what follows it", () => {
    expect(line("pod\u202Egnp.exe\u0007", 100)).toBe("podgnp.exe");
  });

  test("is cut between characters, with an ellipsis, and never inside an entity", () => {
    expect(line("ab<<<<", 8)).toBe("ab&lt;…");
    expect(line("🔥🔥🔥", 5)).toBe("🔥🔥…");
  });

  test("cannot end the code that it stands in", () => {
    expect(code("a`b <x>", 100)).toBe("`a'b &lt;x&gt;`");
    expect(code("", 100)).toBe("");
  });

  test("cannot end the stroke that goes through it", () => {
    expect(struck("a ~ b", 100)).toBe("~a ∼ b~");
  });

  test("never holds a bare < or >, and never outgrows its room, whatever it is", () => {
    const hostile = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
      fc.constant("<!channel>"),
    );
    const texts = fc.array(hostile).map((parts) => parts.join(""));
    fc.assert(
      fc.property(texts, fc.integer({ min: 3, max: 60 }), (text, max) => {
        for (const shown of [line(text, max), prose(text, max), code(text, max), struck(text, max)]) {
          expect(shown).not.toMatch(/[<>]/);
          expect(shown.replace(/&(amp|lt|gt);/g, "")).not.toContain("&");
          expect(shown.length).toBeLessThanOrEqual(max);
          expect(shown.isWellFormed()).toBe(true);
        }
      }),
    );
  });
});

describe("link", () => {
  test("links http and https, with what would end the link encoded", () => {
    expect(link("https://grafana.example.com/d/a?x=1&y=a|b>c", "Grafana")).toBe(
      "<https://grafana.example.com/d/a?x=1&amp;y=a%7Cb%3Ec|Grafana>",
    );
  });

  test.each([
    "",
    "runbook",
    "javascript:alert(1)",
    "mailto:a@b.c",
    "https://grafana.com@evil.example.com/",
    `https://example.com/${"x".repeat(3000)}`,
  ])("does not link %j", (address) => {
    expect(link(address, "Runbook")).toBeNull();
  });

  test("never holds a bare < > or | within the address, whatever the address is", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string(), (url, more) => {
        const made = link(`${url}${more}`, "Runbook");
        if (made !== null) expect(made.slice(1, -"|Runbook>".length)).not.toMatch(/[<>|]/);
      }),
    );
  });
});

test("a date is shown by the reader's clock, and in UTC where that cannot be", () => {
  expect(date(Date.UTC(2026, 2, 1, 3, 4, 5, 678))).toBe(
    "<!date^1772334245^{date_short_pretty} at {time}|2026-03-01 03:04 UTC>",
  );
});
