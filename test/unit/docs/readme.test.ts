import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { alertPathDiagnoses } from "../../../shared/domain/transactions/alert-path-diagnoses.ts";
import { completionDiagnoses } from "../../../shared/domain/transactions/completion-diagnoses.ts";
import { langfuseDiagnoses } from "../../../shared/domain/transactions/langfuse-diagnoses.ts";
import { writePathDiagnoses } from "../../../shared/domain/transactions/write-path-diagnoses.ts";

const readme = readFileSync("README.md", "utf8");
const [, rest = ""] = readme.split("\n## What a transaction can tell you\n");
const [section = ""] = rest.split("\n## ");

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("*", "\\*");

describe("the README's table of diagnoses", () => {
  it("is the record of Langfuse's, row by row", () => {
    const rows = section.split("\n").filter((line) => line.startsWith("| "));
    expect(rows).toEqual([
      "| how it shows | what it is | what to do |",
      ...Object.values(langfuseDiagnoses).map(
        ({ shows, cause, fix }) => `| ${cell(shows)} | ${cell(cause)} | ${cell(fix)} |`,
      ),
    ]);
  });

  it("counts what the guides have of the others", () => {
    const count = (diagnoses: object) => Object.keys(diagnoses).length;
    expect(section.replaceAll("\n", " ")).toContain(
      `${count(completionDiagnoses)} diagnoses of a completion, ${count(writePathDiagnoses)} of a sample's way and ${count(alertPathDiagnoses)} of an alert's`,
    );
  });
});
