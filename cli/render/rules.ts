import { resolve } from "node:path";
import { stringify } from "yaml";
import { isSlo, type SloProbe } from "../../shared/domain/fold-slo.ts";
import { generateRuleFile, packRecordings } from "../../shared/domain/generate-rules.ts";
import type { CompiledConfig, Target } from "../../shared/domain/probe.ts";
import { PrometheusError } from "../../shared/domain/prometheus.ts";
import {
  type FoundNames,
  planLookup,
  readLookup,
  resolveProbe,
  resolveTexts,
} from "../../shared/domain/resolve-names.ts";
import { type RuleFile, renderRuleFile } from "../../shared/domain/rule-file.ts";
import type { SloSource } from "../../shared/domain/slo-rules.ts";
import { builtinPacks } from "../../shared/packs/load.ts";
import { loadConfigFile } from "../config-file.ts";
import type { CliDeps } from "../deps.ts";
import { chooseTargets, type RenderRun, writeRendered } from "./targets.ts";

export interface RenderRules extends RenderRun {
  readonly amp?: boolean;
}

/** `sonde render --only rules`: writes each target's rules, with the names that this target uses. */
export async function renderRules(options: RenderRules, deps: CliDeps): Promise<void> {
  const { compiled } = loadConfigFile(resolve(deps.cwd, options.config));
  const targets = chooseTargets(
    compiled.targets,
    options,
    "the config has no targets, and rules are written for the names that a target uses",
  );
  try {
    for (const target of targets) {
      const amp = options.amp ?? target.amp;
      const { file, missing } = await rulesFor(target, compiled, amp, deps);
      const rules = file.groups.reduce((sum, group) => sum + group.rules.length, 0);
      deps.err(`${target.name}: ${rules} rules; ${missing} probes ask for metrics that are not there`);
      writeRendered(`rules-${target.name}.yaml`, ruleFileText(file, target.name), options.output, deps);
    }
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    deps.err(error.message);
    deps.exit(3);
  }
}

/** The rules of one target, and how many probes have none because their metrics are not there. */
export async function rulesFor(
  target: Target,
  { probes }: Pick<CompiledConfig, "probes">,
  amp: boolean,
  deps: Pick<CliDeps, "clientFor" | "now">,
): Promise<{ file: RuleFile; missing: number }> {
  const client = await deps.clientFor(target);
  const at = deps.now() - target.delay;
  const own = probes.filter(({ source }) => source.kind !== "file");
  const used = new Set(own.flatMap(({ source }) => (source.kind === "pack" ? [keyOf(source)] : [])));
  const recordings = packRecordings(builtinPacks(), (pack, component) =>
    used.has(keyOf({ pack, component })),
  );
  const plan = planLookup([...own, ...recordings]);
  const answers = await Promise.all(plan.queries.map((query) => client.queryInstant({ query, at })));
  const found = readLookup(
    plan,
    answers.map(({ data }) => data),
  );
  const sources = own
    .filter((probe) => !isSlo(probe))
    .flatMap((probe) => {
      const resolved = resolveProbe(probe, found);
      return "missing" in resolved ? [] : [{ probe, query: resolved.query }];
    });
  const slos = own.filter(isSlo).flatMap((probe) => sloSource(probe, found) ?? []);
  const recorded = recordings.flatMap(({ component, record, ...recording }) => {
    const resolved = resolveProbe(recording, found);
    return "missing" in resolved ? [] : [{ component, record, query: resolved.query }];
  });
  const file = generateRuleFile(sources, recorded, { amp, delay: target.delay }, slos);
  return { file, missing: own.length - sources.length - slos.length };
}

/** An SLO's rules are made from what it reads, and never from what they have recorded before. */
function sloSource(probe: SloProbe, found: FoundNames): SloSource | null {
  const raw = probe.variants.filter(({ recorded }) => !recorded);
  if ("missing" in resolveProbe({ ...probe, variants: raw }, found)) return null;
  const { sli } = probe.slo;
  const [total = "", counted = ""] = resolveTexts([sli.total, sli.counted.expr], probe.aliases, found);
  return { probe, total, counted };
}

function keyOf({ pack, component }: { readonly pack: string; readonly component: string }): string {
  return `${pack}/${component}`;
}

/** The file's text; the header says whose names it holds, since another target's may differ. */
export function ruleFileText(file: RuleFile, target: string): string {
  const header = `# Written by \`sonde render\` for target ${target}, with the metric names found there. Write it anew after\n# changes of the config or upgrades of exporters.\n`;
  return header + stringify(renderRuleFile(file), { lineWidth: 0 });
}
