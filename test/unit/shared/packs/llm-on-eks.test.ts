import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";

import { aliasesIn } from "../../../../shared/domain/aliases.ts";
import type { PackFile, PackProbe } from "../../../../shared/domain/pack.ts";
import { inspectQuery } from "../../../../shared/domain/promql.ts";
import { inWindow } from "../../../../shared/domain/slo-query.ts";
import { renderTemplate } from "../../../../shared/domain/template.ts";
import { builtinPacks } from "../../../../shared/packs/load.ts";
import { catalogueNumbers } from "../../../support/catalogue.ts";
import { pack, packProbe, packProbes, packSlos, thresholdCell } from "../../../support/pack.ts";

const document = readFileSync("docs/packs.md", "utf8");
const probes = pack.components.flatMap((file) => file.probes.map((probe) => ({ file, probe })));

/** Every text of a file that may hold aliases: queries, guards, recordings. */
function textsOf(file: PackFile): string[] {
  const asked = file.probes.flatMap((probe) =>
    [probe.query ?? []]
      .flat()
      .flatMap((variant) => (typeof variant === "string" ? [variant] : [variant.query, ...guardOf(variant)])),
  );
  const objectives = file.probes
    .filter(({ slo }) => slo)
    .flatMap((probe) => [...sloTexts(probe), ...guardOf(probe)]);
  return [...asked, ...objectives, ...(file.recordings ?? []).map(({ query }) => query)];
}

/** What an SLO counts, over one of its windows. */
function sloTexts({ id }: PackProbe): string[] {
  const { sli } = packProbe(id).slo ?? {};
  return [sli?.total ?? "", sli?.counted.expr ?? ""].map((text) => inWindow(text, 300_000));
}

function guardOf({ guard = [] }: { guard?: string | string[] | undefined }): string[] {
  return [guard].flat();
}

test("the pack is built in, and compiles without a fault", () => {
  expect(builtinPacks().map(({ name }) => name)).toEqual(["llm-on-eks"]);
  expect(packProbes().length).toBeGreaterThan(150);
});

describe.each(pack.components)("component $component", (file) => {
  it("has queries that parse", () => {
    for (const text of textsOf(file)) {
      const inspected = inspectQuery(text);
      expect("fault" in inspected ? [inspected.fault, text] : "parses").toBe("parses");
    }
  });

  it("declares every alias that it uses, and uses every one that it declares", () => {
    const used = new Set([
      ...textsOf(file).flatMap(aliasesIn),
      ...Object.values(file.labels ?? {}).flatMap(({ of }) => aliasesIn(of)),
    ]);
    const declared = [...Object.keys(file.metrics), ...Object.keys(file.labels ?? {})];
    expect([...used].sort()).toEqual([...new Set(declared)].sort());
    expect(new Set(declared).size).toBe(declared.length);
  });

  it("writes no metric's name into a query but `up`, so that a missing one is noticed", () => {
    for (const text of textsOf(file)) {
      const inspected = inspectQuery(text);
      const literal =
        "facts" in inspected ? inspected.facts.metrics.filter((name) => !name.startsWith("$")) : [];
      expect(literal.filter((name) => name !== "up")).toEqual([]);
    }
  });
});

describe("every probe", () => {
  it("has an id of its own", () => {
    const ids = probes.map(({ probe }) => probe.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it("asks a query or has an objective, and never both", () => {
    for (const { probe } of probes)
      expect([probe.id, (probe.query === undefined) !== (probe.slo === undefined)]).toEqual([probe.id, true]);
  });

  it("says in one line what it found, and what it means", () => {
    for (const { probe } of probes) {
      const labels = new Proxy(
        {},
        { get: (_, name) => (typeof name === "string" ? `<${name}>` : undefined) },
      );
      const summary = renderTemplate(probe.summary, { labels: { ...labels }, value: 0.5 });
      expect(summary).not.toMatch(/error expanding|\n/);
      expect(probe.description?.length ?? 0).toBeGreaterThan(10);
    }
  });

  it("names in its summary only labels that its query keeps", () => {
    for (const { file, probe } of probes) {
      const names = [...probe.summary.matchAll(/\$labels\.(\w+)/g)].flatMap(([, name]) => name ?? []);
      const queries = probe.slo
        ? sloTexts(probe)
        : [probe.query ?? []]
            .flat()
            .map((variant) => (typeof variant === "string" ? variant : variant.query));
      const spellings = Object.entries(file.labels ?? {}).flatMap(([alias, label]) =>
        queries.some((query) => query.includes(`$${alias}`)) ? label.names : [],
      );
      const kept = new Set([...queries.flatMap((query) => query.match(/\w+/g) ?? []), ...spellings]);
      const bare = queries.some((query) => !/\bby\b/.test(query));
      expect(bare ? [] : names.filter((name) => !kept.has(name))).toEqual([]);
    }
  });

  it("that can be idle must hold for as long as its rate remembers one event", () => {
    const minutes = (text: string | undefined) =>
      Number(/^(\d+)m$/.exec(text ?? "")?.[1] ?? (text === "1h" ? 60 : 0));
    for (const { probe } of probes) {
      if (!JSON.stringify(probe.query ?? "").includes("> bool 0.02")) continue;
      for (const level of ["warn", "fail"] as const) {
        const threshold = probe[level];
        if (threshold === undefined) continue;
        const own = typeof threshold === "string" ? undefined : threshold.for;
        expect([probe.id, minutes(own ?? probe.for) >= 5]).toEqual([probe.id, true]);
      }
    }
  });

  it("for information is asked every five minutes or less often", () => {
    for (const { probe } of packProbes().map((compiled) => ({ probe: compiled })))
      if (probe.levels.length === 0) expect([probe.id, probe.every >= 300_000]).toEqual([probe.id, true]);
  });
});

describe("the pack's SLOs", () => {
  it("are those of first tokens, tokens, requests, the gateway and agents, and run only where config names them", () => {
    expect(
      packSlos()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["slo-agent-errors", "slo-e2e", "slo-gateway-5xx", "slo-inter-token", "slo-ttft"]);
    expect(packProbes().filter(({ slo }) => slo)).toEqual([]);
  });
});

describe("docs/packs.md", () => {
  const [, tables = ""] = document.split("## The probes");

  it.each(catalogueNumbers)("%s of the catalogue has a probe, or a reason why not", (number) => {
    const asked = probes.some(({ probe }) => probe.catalogue === number);
    const [, reasons = ""] = document.split("## What is not a probe here");
    expect(asked || reasons.includes(`| ${number} |`)).toBe(true);
  });

  it.each(probes)("has a row for $probe.id with its thresholds", ({ probe }) => {
    const row = tables.split("\n").find((line) => line.startsWith(`| \`${probe.id}\` |`));
    const cells = row?.split("|").map((cell) => cell.trim());
    expect([cells?.[2], cells?.[4], cells?.[5], cells?.[6]]).toEqual([
      probe.catalogue,
      probe.slo ? "x" : (probe.unit ?? ""),
      thresholdCell(probe, "warn"),
      thresholdCell(probe, "fail"),
    ]);
    expect(cells?.[3]?.length).toBeGreaterThan(5);
    if (probe.warn || probe.fail || probe.breach) expect(cells?.[7]?.length).toBeGreaterThan(0);
  });

  it("has no row for a probe that is not there", () => {
    const rows = [...document.matchAll(/^\| `([a-z0-9-]+)` \| [A-Z]-\d\d \|/gm)].map(([, id]) => id);
    expect(rows.sort()).toEqual(probes.map(({ probe }) => probe.id).sort());
  });
});
