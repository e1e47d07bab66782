import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  checkPrometheusTemplate,
  checkTemplate,
  renderTemplate,
} from "../../../../shared/domain/template.ts";

describe("annotation templates", () => {
  it("name the function that Sonde does not have", () => {
    expect(checkTemplate('{{ query "up" | first | value }}')).toBe(
      "template: unsupported: query (Sonde does not query while it writes a message)",
    );
    expect(checkTemplate("{{ humanise $value }}")).toBe('template: function "humanise" not defined');
  });

  it("are filled in but for the parts that Sonde has no answer to", () => {
    const shards =
      '{{ $value }} shards, more than the max of {{ printf `max{instance="%s"}` $labels.instance | query | first | value }}.';
    const data = { labels: { instance: "a" }, value: 12 };
    expect(checkPrometheusTemplate(shards)).toBeNull();
    expect(renderTemplate(shards, data)).toBe("12 shards, more than the max of <unsupported: query>.");
    expect(renderTemplate("{{ with query `up` }}{{ . }}{{ end }} of {{ $value }}", data)).toBe(
      "<unsupported: query> of 12",
    );
    expect(renderTemplate("{{ $x := externalURL }}see {{ $x }}", data)).toBe(
      "see <unsupported: externalURL>",
    );
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
