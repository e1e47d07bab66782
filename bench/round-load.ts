import type { FamilyType } from "../cli/stage/platform/family.ts";
import { buildPlatform } from "../cli/stage/platform/platform.ts";
import type { Target } from "../cli/stage/platform/target.ts";
import { compileConfig } from "../shared/domain/compile.ts";
import { generateRuleFile } from "../shared/domain/generate-rules.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";
import { renderRuleFile } from "../shared/domain/rule-file.ts";

/** The load of the bench: what one target's round is promised to carry. */
const probeCount = 1_000;
/** Where what fires is told. */
export const channel = "#bench";

/** What twenty probes in a row ask: together about as heavy for Prometheus as the pack's own probes. */
const mix = [
  ...Array.from({ length: 4 }, () => "vector" as const),
  ...Array.from({ length: 4 }, () => "rate" as const),
  ...Array.from({ length: 5 }, () => "quantile" as const),
  ...Array.from({ length: 4 }, () => "join" as const),
  ...Array.from({ length: 1 }, () => "absent" as const),
  ...Array.from({ length: 2 }, () => "single" as const),
];

const windows = ["5m", "2m", "10m", "1m"] as const;
const quantiles = [0.99, 0.5, 0.95, 0.9] as const;
const waits = ["0s", "1m", "2m", "5m", "10m"] as const;

/** A thousand different questions about what the local stage exposes; `firing` of them have one bad answer each. */
export function roundConfig(url: string, firing: number): CompiledConfig {
  const questions = buildQuestions();
  const probes = Array.from({ length: probeCount }, (_, index) => {
    const kind = mix[index % mix.length] ?? "vector";
    const [nth, before] = [Math.floor(index / mix.length), mix.slice(0, index % mix.length)];
    const at = nth * mix.filter((one) => one === kind).length + before.filter((one) => one === kind).length;
    const query = questions[kind][at];
    if (query === undefined) throw new Error(`the stage has too few metrics for ${at + 1} ${kind} probes`);
    const fires = kind === "single" && at < firing;
    return {
      id: `probe-${index}`,
      query,
      [index % 3 === 0 ? "warn" : "fail"]: fires ? `> -${index + 1}` : `> ${index + 1}e15`,
      for: fires ? "0s" : (waits[index % waits.length] ?? "0s"),
      // What is there has no absence to show.
      ...(kind === "absent" ? { noData: "ok" as const } : {}),
      summary: "{{ $labels.job }} {{ $labels.instance }} is at {{ $value }}",
    };
  });
  const { compiled, faults } = compileConfig(
    { targets: [{ name: "bench", prometheus: url }], probes, notify: [{ slack: channel }] },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  if (faults.length > 0) throw new Error(faults[0]?.message);
  return compiled;
}

/** The same thousand as Prometheus rules of one group, as `sonde render` writes them. */
export function roundRules({ probes }: CompiledConfig, intervalMs: number): string {
  const sources = probes.map((probe) => ({ probe, query: probe.variants[0]?.query ?? "" }));
  const { groups } = generateRuleFile(sources, [], { amp: false, delay: 0 });
  return JSON.stringify(renderRuleFile({ groups: groups.map((one) => ({ ...one, interval: intervalMs })) }));
}

/** A quiet platform's metrics: what is exposed at the end of a history, whenever that is. */
const epoch = 0;

function exposedFamilies(target: Target): (readonly [name: string, type: FamilyType])[] {
  const values = target.read(epoch);
  let column = 0;
  return target.families.flatMap(({ name, type, series }) => {
    const own = values?.slice(column, column + series.length) ?? [];
    column += series.length;
    return own.every(Number.isNaN) ? [] : [[name, type] as const];
  });
}

/** Different queries of each kind, from cheap to dear, over every metric of the platform. */
function buildQuestions(): Readonly<Record<(typeof mix)[number], readonly string[]>> {
  const families = new Map(buildPlatform(1, epoch).flatMap(exposedFamilies));
  const named = (wanted: string) => [...families].flatMap(([name, type]) => (type === wanted ? [name] : []));
  const [gauges, counters, histograms] = [named("gauge"), named("counter"), named("histogram")];
  const by = "sum by (job, instance)";
  return {
    vector: [
      ...gauges,
      ...gauges.map((name) => `max by (job, instance) (${name})`),
      ...gauges.map((name) => `avg by (job) (${name})`),
    ],
    rate: windows.flatMap((window) => counters.map((name) => `${by} (rate(${name}[${window}]))`)),
    // As the pack asks: without traffic there is no answer.
    quantile: windows.flatMap((window, at) =>
      histograms.flatMap((name, nth) =>
        [0, 1, 2].map((turn) => {
          const quantile = quantiles[(nth + at + turn) % quantiles.length];
          const traffic = `${by} (rate(${name}_count[${window}]))`;
          return `histogram_quantile(${quantile}, sum by (le, job, instance) (rate(${name}_bucket[${window}]))) + 0 / (${traffic} > bool 0.02)`;
        }),
      ),
    ),
    join: [
      ...windows.flatMap((window) =>
        histograms.map(
          (name) => `${by} (rate(${name}_sum[${window}])) / ${by} (rate(${name}_count[${window}]))`,
        ),
      ),
      ...gauges.map((name) => `${name} * on (job) group_left () max by (job) (up)`),
    ],
    absent: [...families].map(
      ([name, type]) => `absent(${type === "histogram" ? `${name}_count` : name}{job!=""})`,
    ),
    single: [
      ...gauges.map((name) => `max(max_over_time(${name}[10m]))`),
      ...counters.map((name) => `sum(rate(${name}[5m]))`),
    ],
  };
}
