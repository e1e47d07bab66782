import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as yaml from "yaml";

import { compileConfig } from "../../../shared/domain/compile.ts";
import { parseConfig } from "../../../shared/domain/config.ts";
import {
  type BackendWords,
  readDiagnoses,
  sendDiagnoses,
} from "../../../shared/domain/transactions/backends/backend-diagnoses.ts";
import { lokiDiagnoses, lokiWords } from "../../../shared/domain/transactions/backends/loki.ts";
import {
  traceBackendKinds,
  traceBackends,
} from "../../../shared/domain/transactions/backends/trace-backends.ts";
import type { Diagnosis } from "../../../shared/domain/transactions/diagnosis.ts";

const guide = readFileSync(new URL("../../../docs/transactions-backends.md", import.meta.url), "utf8");

const anyBackend: BackendWords = {
  title: "the backend",
  taker: "the receiver",
  address: "the address in config",
  thing: "trace or line",
};

function row([id, { verdict, shows, cause, fix }]: readonly [string, Diagnosis]): string {
  return `| \`${id}\` | ${verdict} | ${shows} | ${cause} | ${fix} |`;
}

/** The rows of a section's table. */
function rowsOf(heading: string): string[] {
  const [, rest = ""] = guide.split(`\n## ${heading}\n`);
  const [section = ""] = rest.split("\n## ");
  return section.split("\n").filter((line) => line.startsWith("| `"));
}

/** What a backend words in its own way. */
function ownRows(words: BackendWords, diagnoses: Readonly<Record<string, Diagnosis>>): string[] {
  const shared = new Map(Object.entries({ ...sendDiagnoses(words), ...readDiagnoses(words) }).map(idAndRow));
  return Object.entries(diagnoses)
    .map(idAndRow)
    .flatMap(([id, own]) => (shared.get(id) === own ? [] : [own]));
}

function idAndRow(entry: readonly [string, Diagnosis]): readonly [string, string] {
  return [entry[0], row(entry)];
}

describe("the guide of trace and log backends", () => {
  it("has what all backends share, as the record has it", () => {
    const shared = { ...sendDiagnoses(anyBackend), ...readDiagnoses(anyBackend) };
    expect(rowsOf("What any of them can show")).toEqual(Object.entries(shared).map(row));
  });

  it.each(
    traceBackendKinds.map(
      (kind) => [kind, traceBackends[kind].words, traceBackends[kind].diagnoses] as const,
    ),
  )("has what %s words in its own way", (kind, words, diagnoses) => {
    const heading = { langsmith: "LangSmith", tempo: "Tempo", jaeger: "Jaeger", otlp: "OTLP alone" }[kind];
    expect(rowsOf(heading)).toEqual(ownRows(words, diagnoses));
  });

  it("has what Loki words in its own way", () => {
    expect(rowsOf("Loki")).toEqual(ownRows(lokiWords, lokiDiagnoses));
  });

  it("shows config that is sound", () => {
    const examples = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => text);
    expect(examples.length).toBeGreaterThan(0);
    for (const text of examples) {
      const parsed = parseConfig(yaml.parse(text));
      if (!("config" in parsed)) throw new Error(JSON.stringify(parsed.faults));
      const { faults } = compileConfig(parsed.config, { packs: [], ruleFiles: [], certificates: {} });
      expect(faults).toEqual([]);
    }
  });
});
