import { type ListedPod, listedPods } from "./cluster-pods.ts";
import { counter, type Family, gauge } from "./family.ts";
import { minute } from "./flow.ts";
import { plot } from "./storyline.ts";
import { buildTarget, type Target } from "./target.ts";
import { gpuNodes, namespace, plainNodes } from "./topology.ts";
import type { Workload } from "./workload.ts";

/** A pod at a moment. */
interface PodState {
  readonly ready: boolean;
  readonly restarts: number;
  readonly waiting: string | undefined;
  readonly lastReason: string | undefined;
}
type ClusterState = Readonly<Record<string, PodState>>;

const steady: PodState = { ready: true, restarts: 0, waiting: undefined, lastReason: undefined };

/** kube-state-metrics for the nodes, pods and deployments of the stage. */
export function kubeStateTarget(workloads: readonly Workload[], epoch: number): Target {
  const pods = listedPods();
  const { restarts } = plot(epoch);
  return buildTarget<ClusterState>(
    { job: "kube-state-metrics", labels: { instance: "10.0.21.81:8080" }, honorLabels: true },
    [...nodeFamilies(), ...pods.flatMap(podFamilies), ...deploymentFamilies(pods), ...autoscalerFamilies()],
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

function podFamilies(listed: ListedPod): Family<ClusterState>[] {
  const pod = { namespace: listed.namespace, pod: listed.pod, uid: listed.uid };
  const container = { ...pod, container: listed.container };
  const of = (value: (state: PodState) => number | undefined) => (cluster: ClusterState) =>
    value(cluster[listed.pod] ?? steady);
  const only = (set: boolean) => (set ? 1 : undefined);
  const info = { ...pod, node: listed.node, created_by_kind: "ReplicaSet" };
  const requests = { ...container, node: listed.node, resource: "nvidia_com_gpu", unit: "integer" };
  return [
    gauge<ClusterState>("kube_pod_info", info, () => 1),
    gauge<ClusterState>("kube_pod_container_info", { ...container, image: listed.image }, () => 1),
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

function deploymentFamilies(pods: readonly ListedPod[]): Family<ClusterState>[] {
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

function autoscalerFamilies(): Family<ClusterState>[] {
  const labels = { namespace, horizontalpodautoscaler: "inference-gateway" };
  const replicas = { status_current: 2, status_desired: 2, spec_min: 2, spec_max: 6 };
  return Object.entries(replicas).map(([name, count]) =>
    gauge<ClusterState>(`kube_horizontalpodautoscaler_${name}_replicas`, labels, () => count),
  );
}
