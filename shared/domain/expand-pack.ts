import type { ProbeConfig, SloConfig, SondeConfig } from "./config.ts";
import type { ConfigFault } from "./faults.ts";
import { type Pack, type PackFile, type PackProbe, packAliases } from "./pack.ts";
import type { Aliases, LevelName, ProbeSource } from "./probe.ts";
import { suggestName } from "./words.ts";

/** A probe of config or of a pack with config's changes on top, and what only packs have. */
export interface PackedProbe {
  readonly probe: ProbeConfig;
  readonly path: ConfigFault["path"];
  readonly pack: ProbeSource | null;
  /** A pack's ways to ask, best first. */
  readonly queries: readonly {
    readonly query: string;
    readonly guard?: string | readonly string[] | undefined;
  }[];
  readonly aliases: Aliases;
  readonly breach: { readonly level: LevelName; readonly for?: string | undefined } | null;
}

/** The probes of the packs in use, changed by the config's probes of the same id, and then config's own. */
export function expandPacks(
  config: SondeConfig,
  packs: readonly Pack[],
  faults: ConfigFault[],
): PackedProbe[] {
  const changes = new Map((config.probes ?? []).map((probe, index) => [probe.id, { probe, index }]));
  const packed = (config.packs ?? []).flatMap((entry, index): PackedProbe[] => {
    const wanted = typeof entry === "string" ? { name: entry } : entry;
    const pack = packs.find((candidate) => candidate.name === wanted.name);
    if (!pack) {
      const known = packs.map((candidate) => candidate.name);
      faults.push({
        path: ["packs", index],
        message: `no pack "${wanted.name}"; ${suggestName(wanted.name, known)}`,
      });
      return [];
    }
    const known = pack.components.map((file) => file.component);
    for (const key of ["components", "without"] as const) {
      for (const component of wanted[key] ?? []) {
        if (!known.includes(component))
          faults.push({
            path: ["packs", index, key],
            message: `no component "${component}"; ${suggestName(component, known)}`,
          });
      }
    }
    const named = wanted.components !== undefined;
    return pack.components
      .filter(
        ({ component }) =>
          (wanted.components?.includes(component) ?? true) && !wanted.without?.includes(component),
      )
      .flatMap((file) =>
        file.probes.map((probe): PackedProbe => {
          const change = changes.get(probe.id);
          return packProbe(
            pack,
            file,
            probe,
            named,
            change?.probe,
            change ? ["probes", change.index] : ["packs", index],
          );
        }),
      );
  });
  const fromPacks = new Set(packed.map(({ probe }) => probe.id));
  const own = (config.probes ?? []).flatMap((probe, index): PackedProbe[] =>
    fromPacks.has(probe.id)
      ? []
      : [{ probe, path: ["probes", index], pack: null, queries: [], aliases: {}, breach: null }],
  );
  return [...packed, ...own];
}

function packProbe(
  pack: Pack,
  file: PackFile,
  probe: PackProbe,
  named: boolean,
  change: ProbeConfig | undefined,
  path: ConfigFault["path"],
): PackedProbe {
  const { catalogue: _, query = [], breach, hint, ...rest } = probe;
  const queries = [query]
    .flat()
    .map((variant) => (typeof variant === "string" ? { query: variant } : variant));
  return {
    probe: {
      ...rest,
      ...change,
      id: probe.id,
      // Naming a probe that needs an opt-in is one.
      enabled: change?.enabled ?? (change ? true : rest.enabled),
      labels: { ...rest.labels, ...change?.labels },
      slo: mergeSlo(rest.slo, change?.slo),
      // A change that asks something of its own means it: the pack's guard went with the pack's question.
      guard: change?.guard ?? (asksAnew(change?.slo) ? undefined : rest.guard),
    },
    path,
    pack: { kind: "pack", pack: pack.name, component: file.component, named, hint: hint ?? file.hint },
    queries,
    aliases: packAliases(file),
    breach: change?.warn || change?.fail || change?.query ? null : (breach ?? null),
  };
}

/** A pack's SLO with config's changes on top; of its two ways to count, config's takes the other's place. */
function mergeSlo(own: SloConfig | undefined, change: SloConfig | undefined): SloConfig | undefined {
  if (!own || !change) return change ?? own;
  const { latency, errors, total, ...rest } = own;
  if (asksAnew(change)) return { ...rest, errors, total, ...change };
  if (!change.latency) return { ...rest, latency, errors, total, ...change };
  return { ...rest, ...change, latency: { ...latency, ...change.latency } };
}

function asksAnew(change: SloConfig | undefined): boolean {
  return change?.errors !== undefined || change?.total !== undefined;
}
