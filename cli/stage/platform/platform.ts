import { bifrostTarget } from "./bifrost.ts";
import { dcgmTarget } from "./dcgm.ts";
import { envoyTargets } from "./envoy.ts";
import { gatewayTraffic } from "./gateway-traffic.ts";
import { kgatewayTarget } from "./kgateway.ts";
import { kubeStateTarget } from "./kube-state.ts";
import { kubeletTarget, prometheusTarget } from "./monitoring.ts";
import { openCostTarget } from "./opencost.ts";
import type { Target } from "./target.ts";
import { tenantTarget } from "./tenants.ts";
import { gpuNodes, gpus } from "./topology.ts";
import { vllmTarget } from "./vllm.ts";
import { buildWorkloads } from "./workload.ts";

/**
 * Every scrape target of the simulated platform, as pure functions of time. The same seed and epoch give
 * the same values at the same time; `epoch` (Unix ms) is the end of the history, from which the storyline
 * is measured.
 */
export function buildPlatform(seed: number, epoch: number): Target[] {
  const workloads = buildWorkloads(seed, epoch);
  return [
    ...workloads.map(vllmTarget),
    ...gpuNodes.map((node) =>
      dcgmTarget(
        node,
        gpus.filter((gpu) => gpu.node.name === node.name),
        workloads,
        epoch,
      ),
    ),
    ...envoyTargets(gatewayTraffic(seed, epoch, workloads), epoch),
    kgatewayTarget(epoch),
    bifrostTarget(seed, epoch),
    tenantTarget(seed, epoch, workloads),
    openCostTarget(),
    kubeStateTarget(workloads, epoch),
    ...gpuNodes.map((node) => kubeletTarget(node, workloads)),
    prometheusTarget(epoch),
  ];
}
