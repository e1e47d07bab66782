import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { compileConfig } from "../../../shared/domain/compile.ts";
import { parseConfig } from "../../../shared/domain/config.ts";
import { alertPathDiagnoses } from "../../../shared/domain/transactions/alert-path-diagnoses.ts";
import { completionDiagnoses } from "../../../shared/domain/transactions/completion-diagnoses.ts";
import type { Diagnoses } from "../../../shared/domain/transactions/diagnosis.ts";
import { writePathDiagnoses } from "../../../shared/domain/transactions/write-path-diagnoses.ts";

const guide = readFileSync("docs/transactions-more.md", "utf8");
const sections = guide.split(/^## /m).slice(1);

/** A record as the guide's table. */
function rows(diagnoses: Diagnoses): string[] {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("*", "\\*");
  return Object.entries(diagnoses).map(
    ([id, { verdict, shows, cause, fix }]) =>
      `| \`${id}\` | ${verdict} | ${cell(shows)} | ${cell(cause)} | ${cell(fix)} |`,
  );
}

describe("the guide", () => {
  it.each([
    ["A completion through the gateway", completionDiagnoses],
    ["A sample to the target and back", writePathDiagnoses],
    ["An alert through ruler and Alertmanager", alertPathDiagnoses],
  ])("of %s has the table of diagnoses, row by row", (title, diagnoses) => {
    const section = sections.find((text) => text.startsWith(title)) ?? "";
    const table = section
      .split("\n")
      .filter((line) => /^\| `[a-z0-9-]+` \| (fail|warn|unknown) \|/.test(line));
    expect(table).toEqual(rows(diagnoses));
  });

  it("shows config that Sonde takes", () => {
    const blocks = [...guide.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]) => parse(text));
    const amp =
      "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-12345678-90ab-cdef-1234-567890abcdef";
    const parsed = parseConfig(Object.assign({ targets: [{ name: "dublin", prometheus: amp }] }, ...blocks));
    if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
    const { compiled, faults } = compileConfig(parsed.config, { packs: [], ruleFiles: [], certificates: {} });
    expect(faults).toEqual([]);
    expect(compiled.transactions.map(({ kind }) => kind)).toEqual(["completion", "write-path", "alert-path"]);
    expect(compiled.probes.map(({ kind }) => kind)).toEqual(["slo"]);
  });

  it("knows each cause and fix as one line", () => {
    for (const record of [completionDiagnoses, writePathDiagnoses, alertPathDiagnoses])
      for (const { cause, fix } of Object.values<Diagnoses[string]>(record))
        for (const text of [cause, fix]) expect(text).toMatch(/^[^\n]{10,250}$/);
  });
});
