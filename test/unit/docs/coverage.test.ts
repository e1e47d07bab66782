import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { catalogueNumbers } from "../../support/catalogue.ts";
import { pack } from "../../support/pack.ts";

const read = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const coverage = read("coverage.md");
const packs = read("packs.md");

const numberOf = new Map(
  pack.components.flatMap(({ probes }) => probes.map(({ id, catalogue }) => [id, catalogue] as const)),
);
const idsIn = (text: string) => [...text.matchAll(/`([a-z0-9-]+)`/g)].flatMap(([, id]) => id ?? []);

/** The rows of the tables under a heading's `#` and title, cell by cell. */
function rowsOf(document: string, width: number): string[][] {
  return document.split("\n").flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const isRow = line.startsWith("| ") && cells.length === width + 2;
    return isRow ? [cells.slice(1, -1)] : [];
  });
}

const [guides = "", beyond = ""] = coverage.split("## Beyond the guides");
const rows = rowsOf(guides, 4).filter(([says]) => says !== "the guide says");
const further = rowsOf(beyond, 3).filter(([number]) => number !== "nr.");
const named = new Set([
  ...rows.flatMap(([, , probes = ""]) => idsIn(probes)),
  ...further.flatMap(([, , probes = ""]) => idsIn(probes)),
]);

const kinds = [
  ...["data flow", "set-up", "metric", "query", "panel", "alert", "report", "log", "trace", "target"],
  ...["daily", "weekly", "check", "checklist", "trouble"],
];

describe("docs/coverage.md", () => {
  it("goes through all five guides and the lists that one of them links to", () => {
    const headings = [...guides.matchAll(/^## (S\d): /gm)].map(([, guide]) => guide);
    expect(headings).toEqual(["S0", "S1", "S2", "S3", "S4"]);
    expect(rows.length).toBeGreaterThan(220);
  });

  it.each(rows.map((row) => [row[0] ?? "", row] as const))("answers %s, or says why not", (_, row) => {
    const [says = "", kind = "", probes = "", note = ""] = row;
    expect(says.length).toBeGreaterThan(2);
    expect(kinds).toContain(kind);
    const ids = idsIn(probes);
    expect(ids.filter((id) => !numberOf.has(id))).toEqual([]);
    expect(probes).toBe(ids.map((id) => `\`${id}\``).join(", "));
    if (ids.length === 0) expect(note.length).toBeGreaterThan(10);
  });

  it("names in its notes only probes that are there", () => {
    const ids = rows.flatMap(([, , , note = ""]) => idsIn(note)).filter((id) => /-/.test(id));
    expect(ids.filter((id) => !numberOf.has(id))).toEqual([]);
  });

  it("begins with why, where a row has no probe", () => {
    const reasons = rows.filter(([, , probes]) => probes === "").map(([, , , note]) => note);
    expect(reasons.length).toBeGreaterThan(20);
    for (const reason of reasons)
      expect(reason).toMatch(/^(to come|not by metrics|people's work|not a probe)\b/);
  });

  it("gives what no guide asks under its number of the catalogue", () => {
    for (const [number = "", asks = "", probes = ""] of further) {
      expect(catalogueNumbers).toContain(number);
      expect(asks.length).toBeGreaterThan(5);
      const ids = idsIn(probes);
      expect(ids.map((id) => numberOf.get(id))).toEqual(ids.map(() => number));
      expect(ids).not.toEqual([]);
    }
  });

  it("leaves no probe of the pack out but those that config must name first", () => {
    const always = pack.components.flatMap(({ probes }) => probes.filter(({ enabled }) => enabled !== false));
    expect(always.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([]);
  });

  it.each(catalogueNumbers)(
    "%s of the catalogue is in it, or packs.md says why it has no probe",
    (number) => {
      const [, reasons = ""] = packs.split("## What is not a probe here");
      const answered = [...named].some((id) => numberOf.get(id) === number);
      expect(answered || reasons.includes(`| ${number} |`)).toBe(true);
    },
  );
});
