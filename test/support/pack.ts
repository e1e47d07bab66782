import { compileConfig } from "../../shared/domain/compile.ts";
import type { Probe } from "../../shared/domain/probe.ts";
import {
  type FoundNames,
  planLookup,
  type Resolution,
  readLookup,
  resolveProbe,
} from "../../shared/domain/resolve-names.ts";
import type { Labels } from "../../shared/domain/series.ts";
import { loadPack } from "../../shared/packs/load.ts";

export const pack = loadPack("llm-on-eks");

/** The pack's probes, as config without any change of them gives them. */
export function packProbes(): readonly Probe[] {
  const { compiled, faults } = compileConfig(
    { packs: ["llm-on-eks"] },
    { packs: [pack], ruleFiles: [], certificates: {} },
  );
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  return compiled.probes;
}

/** The pack's SLOs, which run only where config names them. */
export function packSlos(): readonly Probe[] {
  const named = pack.components.flatMap(({ probes }) =>
    probes.filter(({ slo }) => slo).map(({ id }) => ({ id })),
  );
  const { compiled, faults } = compileConfig(
    { packs: ["llm-on-eks"], probes: named },
    { packs: [pack], ruleFiles: [], certificates: {} },
  );
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  return compiled.probes.filter(({ slo }) => slo);
}

export function packProbe(id: string): Probe {
  const probe = [...packProbes(), ...packSlos()].find((candidate) => candidate.id === id);
  if (!probe) throw new Error(`the pack has no probe ${id}`);
  return probe;
}

/** What a lookup finds on a target that holds exactly these series. */
export function findNames(
  probes: readonly Probe[],
  series: readonly Labels[],
  before?: FoundNames,
  at = 0,
): FoundNames {
  const plan = planLookup(probes);
  const spelled = plan.spellings.flatMap(({ label, metrics }, index) =>
    series.some((labels) => metrics.includes(labels.__name__ ?? "") && labels[label])
      ? [{ sonde_spelling: String(index) }]
      : [],
  );
  const names = series.map(({ __name__ = "" }) => ({ __name__ }));
  const answer = [...names, ...spelled].map((labels) => ({ labels, sample: { t: at, v: 1 } }));
  return readLookup(plan, [answer], before);
}

/** One probe of the pack on a target with these series; bare names stand for series without labels. */
export function resolveOn(id: string, series: readonly (string | Labels)[]): Resolution {
  const probe = packProbe(id);
  const labelled = series.map((one) => (typeof one === "string" ? { __name__: one } : one));
  return resolveProbe(probe, findNames([probe], labelled));
}

/** The query that a probe asks there; throws where it cannot be asked. */
export function queryOn(id: string, series: readonly (string | Labels)[]): string {
  const resolved = resolveOn(id, series);
  if ("missing" in resolved) throw new Error(resolved.hint);
  return resolved.query;
}

type PackProbe = (typeof pack)["components"][number]["probes"][number];

/** How docs/packs.md shows a threshold: `> 5, 5m`; nothing where there is none. */
export function thresholdCell(probe: PackProbe, level: "warn" | "fail"): string {
  if (probe.slo) return level === "warn" ? "ticket" : "page";
  if (probe.breach) return probe.breach.level === level ? `any, ${probe.breach.for ?? "at once"}` : "";
  const threshold = probe[level];
  if (threshold === undefined) return "";
  const { when, for: own } = typeof threshold === "string" ? { when: threshold, for: undefined } : threshold;
  return `${when}, ${own ?? probe.for ?? "at once"}`;
}
