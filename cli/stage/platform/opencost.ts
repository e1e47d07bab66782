import { type Family, gauge } from "./family.ts";
import { buildTarget, type Target } from "./target.ts";
import { gpuNodes, gpusPerPod, namespace, plainNodes, vllmPods } from "./topology.ts";

/** OpenCost, which knows what nodes cost and to whom their GPUs are given. */
export function openCostTarget(): Target {
  return buildTarget<object>(
    { job: "opencost", labels: { instance: "10.0.21.77:9003" }, honorLabels: true },
    [
      ...gpuNodes.flatMap((node) =>
        nodeFamilies(node, {
          type: "p5.48xlarge",
          hourly: 55.04,
          gpus: 8,
          perGpu: 6.2,
          cpu: 0.0153,
          ram: 0.0012,
        }),
      ),
      ...plainNodes.flatMap((node) =>
        nodeFamilies(node, {
          type: "m6i.2xlarge",
          hourly: 0.384,
          gpus: 0,
          perGpu: 0,
          cpu: 0.0316,
          ram: 0.0041,
        }),
      ),
      ...vllmPods.map((pod) =>
        gauge<object>(
          "container_gpu_allocation",
          {
            namespace,
            pod: pod.name,
            container: "vllm",
            node: pod.node.name,
            instance: pod.node.name,
          },
          () => gpusPerPod,
        ),
      ),
    ],
    () => ({}),
  );
}

interface Price {
  readonly type: string;
  readonly hourly: number;
  readonly gpus: number;
  readonly perGpu: number;
  readonly cpu: number;
  readonly ram: number;
}

function nodeFamilies(node: { name: string; providerId: string }, price: Price): Family<object>[] {
  const labels = {
    arch: "amd64",
    instance: node.name,
    node: node.name,
    instance_type: price.type,
    region: "us-east-1",
    provider_id: node.providerId,
  };
  return [
    gauge("node_gpu_hourly_cost", labels, () => price.perGpu),
    gauge("node_gpu_count", labels, () => price.gpus),
    gauge("node_total_hourly_cost", labels, () => price.hourly),
    gauge("node_cpu_hourly_cost", labels, () => price.cpu),
    gauge("node_ram_hourly_cost", labels, () => price.ram),
    gauge("kubecost_node_is_spot", labels, () => 0),
  ];
}
