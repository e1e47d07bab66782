import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkTemplate, renderTemplate } from "../../../../shared/domain/template.ts";

describe("annotation templates", () => {
  it("name the function that Sonde does not have", () => {
    expect(checkTemplate('{{ query "up" | first | value }}')).toBe(
      "template: unsupported: query (Sonde does not query while it writes a message)",
    );
    expect(renderTemplate('{{ query "up" }}', { labels: {}, value: 1 })).toContain("unsupported: query");
    expect(checkTemplate("{{ humanise $value }}")).toBe('template: function "humanise" not defined');
  });

  it("leave text without braces as it is, whatever labels hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (text, label) => {
        fc.pre(!text.includes("{{"));
        expect(renderTemplate(`${text} {{ $labels.x }}`, { labels: { x: label }, value: 1 })).toBe(
          `${text} ${label}`,
        );
      }),
    );
  });

  it("never throw, however broken the template is", () => {
    const word = fc.constantFrom(
      "{{",
      "}}",
      "-",
      " ",
      "$value",
      "|",
      "if",
      "end",
      "(",
      ")",
      '"',
      ".x",
      ":=",
      "humanize",
      "5",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        expect(typeof renderTemplate(words.join(" "), { labels: {}, value: 1 })).toBe("string");
      }),
    );
  });

  it("cannot be made to read what is not a label", () => {
    const data = { labels: {}, value: 1 };
    expect(renderTemplate("{{ $labels.constructor }}{{ $labels.__proto__ }}", data)).toBe("");
    expect(renderTemplate("{{ .constructor }}", data)).toContain("can't evaluate field constructor");
  });
});
