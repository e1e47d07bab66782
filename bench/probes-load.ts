import { compileConfig } from "../shared/domain/compile.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";

/** The load of the bench: what the round is promised to carry. */
export const probeCount = 100;
export const seriesPerProbe = 50;

/** Its config, against the Prometheus at `url`. */
export function benchConfig(url: string): CompiledConfig {
  const { compiled, faults } = compileConfig(
    {
      targets: [{ name: "bench", prometheus: url }],
      probes: Array.from({ length: probeCount }, (_, index) => ({
        id: `bench-${index}`,
        query: `max by (pod) (bench_${index})`,
        warn: "> 80",
        fail: "> 95",
        for: "1m",
        step: "15s",
      })),
    },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  if (faults.length > 0) throw new Error(faults[0]?.message);
  return compiled;
}
