import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

import { langfuseDiagnoses } from "../../../shared/domain/transactions/langfuse-diagnoses.ts";

const guide = readFileSync("docs/transactions.md", "utf8");

/** The record as the guide's table. */
function rows(): string[] {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("*", "\\*");
  return Object.entries(langfuseDiagnoses).map(
    ([id, { verdict, shows, cause, fix }]) =>
      `| \`${id}\` | ${verdict} | ${cell(shows)} | ${cell(cause)} | ${cell(fix)} |`,
  );
}

it("the guide's table of diagnoses is the record, row by row", () => {
  const table = guide.split("\n").filter((line) => /^\| `[a-z0-9-]+` \| (fail|warn|unknown) \|/.test(line));
  expect(table).toEqual(rows());
});
