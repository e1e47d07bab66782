import { counter, type Family, gauge } from "./family.ts";
import { minute } from "./flow.ts";
import { plot } from "./storyline.ts";
import { buildTarget, type Target } from "./target.ts";
import { deployments, gpuNodes, gpusPerPod, namespace, plainNodes, vllmPods } from "./topology.ts";
import type { Workload } from "./workload.ts";

/** A pod at a moment. */
interface PodState {
  readonly ready: boolean;
  readonly restarts: number;
  readonly waiting: string | undefined;
  readonly lastReason: string | undefined;
}
type ClusterState = Readonly<Record<string, PodState>>;

interface Listed {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly deployment: string;
  readonly node: string;
  readonly uid: string;
  readonly gpus: number;
}

const steady: PodState = { ready: true, restarts: 0, waiting: undefined, lastReason: undefined };

/** kube-state-metrics for the nodes, pods and deployments of the stage. */
export function kubeStateTarget(workloads: readonly Workload[], epoch: number): Target {
  const pods = listedPods();
  const { restarts } = plot(epoch);
  return buildTarget<ClusterState>(
    { job: "kube-state-metrics", labels: { instance: "10.0.21.81:8080" }, honorLabels: true },
    [...nodeFamilies(), ...pods.flatMap(podFamilies), ...deploymentFamilies(pods)],
    (t) =>
      Object.fromEntries(
        workloads.map((workload) => {
          const past = restarts.filter(({ pod, down }) => pod.name === workload.pod.name && down <= t);
          const last = past.at(-1);
          const down = last !== undefined && t < last.up;
          const state: PodState = {
            ready: !down,
            restarts: past.length,
            // The kubelet waits a little before it starts a container again.
            waiting: down && t < last.down + minute / 2 ? "CrashLoopBackOff" : undefined,
            lastReason: last?.reason,
          };
          return [workload.pod.name, state];
        }),
      ),
  );
}

function listedPods(): Listed[] {
  const served = vllmPods.map((pod) => ({
    namespace,
    pod: pod.name,
    container: "vllm",
    deployment: deployments[pod.model],
    node: pod.node.name,
    uid: pod.uid,
    gpus: gpusPerPod,
  }));
  const [first, second] = plainNodes;
  const plain = (ns: string, deployment: string, suffix: string, container: string, node: string) => ({
    namespace: ns,
    pod: `${deployment}-${suffix}`,
    container,
    deployment,
    node,
    uid: `${deployment}-${suffix}`,
    gpus: 0,
  });
  return [
    ...served,
    plain(namespace, "inference-gateway", "6b9f7d48c5-kq4wz", "kgateway-proxy", first.name),
    plain(namespace, "inference-gateway", "6b9f7d48c5-v8t2n", "kgateway-proxy", second.name),
    plain(namespace, "llm-api", "58d6c7b9f4-jx2qp", "api", second.name),
    plain("kgateway-system", "kgateway", "7d4f8b6c99-t5xhj", "kgateway", first.name),
    plain("bifrost", "bifrost", "66c7d9f5b8-w2nlk", "bifrost", second.name),
    plain("langfuse", "langfuse-web", "7f5d8c6b94-d9m2x", "langfuse-web", first.name),
    plain("langfuse", "langfuse-web", "7f5d8c6b94-rb7kt", "langfuse-web", second.name),
    plain("langfuse", "langfuse-worker", "84c9b7d5f6-5hzqv", "langfuse-worker", first.name),
  ];
}

function nodeFamilies(): Family<ClusterState>[] {
  const nodes = [
    ...gpuNodes.map(({ name }) => ({ name, gpus: 8, cpu: 192, memory: 2_101_346_304_000 })),
    ...plainNodes.map(({ name }) => ({ name, gpus: 0, cpu: 8, memory: 33_021_575_168 })),
  ];
  return nodes.flatMap(({ name, gpus, cpu, memory }) => {
    const resources = [
      { resource: "nvidia_com_gpu", unit: "integer", amount: gpus },
      { resource: "cpu", unit: "core", amount: cpu },
      { resource: "memory", unit: "byte", amount: memory },
    ].filter(({ amount }) => amount > 0);
    const ready = ["true", "false", "unknown"].map((status) =>
      gauge<ClusterState>("kube_node_status_condition", { node: name, condition: "Ready", status }, () =>
        status === "true" ? 1 : 0,
      ),
    );
    return [
      gauge<ClusterState>("kube_node_spec_unschedulable", { node: name }, () => 0),
      ...resources.flatMap(({ resource, unit, amount }) => [
        gauge<ClusterState>("kube_node_status_capacity", { node: name, resource, unit }, () => amount),
        gauge<ClusterState>("kube_node_status_allocatable", { node: name, resource, unit }, () => amount),
      ]),
      ...ready,
    ];
  });
}

function podFamilies(listed: Listed): Family<ClusterState>[] {
  const pod = { namespace: listed.namespace, pod: listed.pod, uid: listed.uid };
  const container = { ...pod, container: listed.container };
  const of = (value: (state: PodState) => number | undefined) => (cluster: ClusterState) =>
    value(cluster[listed.pod] ?? steady);
  const only = (set: boolean) => (set ? 1 : undefined);
  const info = { ...pod, node: listed.node, created_by_kind: "ReplicaSet" };
  const requests = { ...container, node: listed.node, resource: "nvidia_com_gpu", unit: "integer" };
  return [
    gauge<ClusterState>("kube_pod_info", info, () => 1),
    ...["Pending", "Running", "Succeeded", "Failed", "Unknown"].map((phase) =>
      gauge<ClusterState>("kube_pod_status_phase", { ...pod, phase }, () => (phase === "Running" ? 1 : 0)),
    ),
    gauge(
      "kube_pod_container_status_ready",
      container,
      of(({ ready }) => (ready ? 1 : 0)),
    ),
    counter(
      "kube_pod_container_status_restarts_total",
      container,
      of(({ restarts }) => restarts),
    ),
    gauge(
      "kube_pod_container_status_waiting_reason",
      { ...container, reason: "CrashLoopBackOff" },
      of(({ waiting }) => only(waiting !== undefined)),
    ),
    ...["OOMKilled", "Error"].map((reason) =>
      gauge<ClusterState>(
        "kube_pod_container_status_last_terminated_reason",
        { ...container, reason },
        of(({ lastReason }) => only(lastReason === reason)),
      ),
    ),
    ...(listed.gpus > 0
      ? [gauge<ClusterState>("kube_pod_container_resource_requests", requests, () => listed.gpus)]
      : []),
  ];
}

function deploymentFamilies(pods: readonly Listed[]): Family<ClusterState>[] {
  const groups = Map.groupBy(pods, ({ namespace: ns, deployment }) => `${ns}/${deployment}`);
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (!first) return [];
    const labels = { namespace: first.namespace, deployment: first.deployment };
    const ready = (cluster: ClusterState) =>
      members.filter(({ pod }) => (cluster[pod] ?? steady).ready).length;
    return [
      gauge<ClusterState>("kube_deployment_spec_replicas", labels, () => members.length),
      gauge<ClusterState>("kube_deployment_status_replicas", labels, () => members.length),
      gauge<ClusterState>("kube_deployment_status_replicas_available", labels, ready),
    ];
  });
}
