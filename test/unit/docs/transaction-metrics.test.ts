import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";

import { parseConfig } from "../../../shared/domain/config.ts";
import { inspectQuery } from "../../../shared/domain/promql.ts";
import { reachDiagnoses } from "../../../shared/domain/transactions/explain-reach.ts";

const guide = readFileSync("docs/transaction-metrics.md", "utf8");

it("the guide's table of what the network can do is the record, row by row", () => {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("*", "\\*");
  const rows = Object.entries(reachDiagnoses).map(
    ([id, { verdict, shows, cause, fix }]) =>
      `| \`${id}\` | ${verdict} | ${cell(shows)} | ${cell(cause)} | ${cell(fix)} |`,
  );
  expect(guide.split("\n").filter((line) => /^\| `[a-z-]+` \| (fail|warn|unknown) \|/.test(line))).toEqual(
    rows,
  );
});

it.each([
  ["trace", "trace"],
  ["trace", "round-trip"],
  ["log", "round-trip"],
  ["completion", "completion"],
  ["write-path", "write-path"],
  ["alert-path", "alert-path"],
])("the guide names every metric of a %s by %s, and none that there is not", (kind, file) => {
  const source = readFileSync(`functions/run-transactions/${file}.ts`, "utf8");
  const measures = [...source.matchAll(/^ {4}(?:\["|.*\{ name: ")([a-z0-9_]+)"/gm)].map(
    ([, name]) => `sonde_transaction_${kind.replace("-", "_")}_${name}`,
  );
  expect(measures.length).toBeGreaterThan(3);
  const listed = [...guide.matchAll(/^\| (`sonde_.*?`) \| (\S+) \|/gm)]
    .filter(([, , of]) => of === kind)
    .flatMap(([, names = ""]) => names.replaceAll("`", "").split(", "));
  expect(listed.toSorted()).toEqual(measures.toSorted());
});

it("the guide's queries are PromQL, and its config is one that Sonde takes", () => {
  const queries = [...guide.matchAll(/^\| [a-z0-9, ]+ \| `(.*sonde_.*)` \|$/gm)].map(
    ([, query = ""]) => query,
  );
  expect(queries).toHaveLength(6);
  for (const query of queries) expect(inspectQuery(query)).toHaveProperty("facts");
  for (const [, block = ""] of guide.matchAll(/^```yaml\n(.*?)^```/gms))
    expect(parseConfig(parse(block))).toHaveProperty("config");
});
