import { type EngineState, engineAt } from "./engine.ts";
import { models } from "./models.ts";
import { buildTarget, type Target } from "./target.ts";
import { namespace } from "./topology.ts";
import { vllmFamilies } from "./vllm-families.ts";
import { apiFamilies } from "./vllm-process.ts";
import type { Workload } from "./workload.ts";

/** The scrape target of one vLLM pod. */
export function vllmTarget(workload: Workload): Target {
  const { pod } = workload;
  const model = models[pod.model];
  return buildTarget<EngineState>(
    { job: "vllm", labels: { namespace, pod: pod.name, instance: `${pod.ip}:8000` } },
    [...vllmFamilies(model), ...apiFamilies(model)],
    (at) => engineAt(workload, at),
  );
}
