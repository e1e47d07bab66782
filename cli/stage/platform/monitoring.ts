import { counter, counters, type Family, gauge } from "./family.ts";
import { day, minute } from "./flow.ts";
import { buildTarget, type Target } from "./target.ts";
import { type GpuNode, namespace, vllmPods } from "./topology.ts";
import type { Workload } from "./workload.ts";

interface AgentState {
  readonly at: number;
  /** Seconds since the Prometheus started. */
  readonly uptime: number;
}

/** The Prometheus that scrapes the platform and writes to a workspace in AMP. */
export function prometheusTarget(epoch: number): Target {
  const start = epoch - 11 * day;
  const remote = {
    remote_name: "amp",
    url: "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-00000000-0000-4000-8000-000000000000/api/v1/remote_write",
  };
  const second = (lag: number) => (state: AgentState) => Math.floor((state.at - lag) / 1000);
  const rate = (perSecond: number) => (state: AgentState) => state.uptime * perSecond;
  const never = () => 0;
  const plain = (name: string, value: (state: AgentState) => number) =>
    gauge(`prometheus_${name}`, {}, value);
  const sent = (name: string, value: (state: AgentState) => number) =>
    gauge(`prometheus_remote_storage_${name}`, remote, value);
  const families: Family<AgentState>[] = [
    plain("remote_storage_highest_timestamp_in_seconds", second(0)),
    sent("queue_highest_timestamp_seconds", second(0)),
    sent("queue_highest_sent_timestamp_seconds", second(4000)),
    sent("shards", () => 2),
    sent("shards_desired", (state) => 1.6 + 0.3 * Math.sin(state.at / (7 * minute))),
    sent("shards_min", () => 1),
    sent("shards_max", () => 50),
    sent("samples_pending", () => 1180),
    counter("prometheus_remote_storage_samples_total", remote, rate(310)),
    counter("prometheus_remote_storage_samples_failed_total", remote, never),
    counter("prometheus_remote_storage_samples_retried_total", remote, never),
    ...counters("prometheus_rule_evaluations_total", "rule_group", { "/etc/rules/ai.yml;ai": rate(0.2) }),
    ...counters("prometheus_rule_evaluation_failures_total", "rule_group", { "/etc/rules/ai.yml;ai": never }),
    plain("tsdb_head_series", () => 4630),
    plain("config_last_reload_successful", () => 1),
  ];
  return buildTarget<AgentState>(
    {
      job: "prometheus",
      labels: { namespace: "monitoring", pod: "prometheus-server-0", instance: "10.0.21.95:9090" },
    },
    families,
    (at) => ({ at, uptime: (at - start) / 1000 }),
  );
}

interface KubeletState {
  readonly at: number;
  readonly cacheUsage: readonly number[];
}

const gibibyte = 2 ** 30;

/** The kubelet of a GPU node: what its containers use of their memory, and volumes of their claims. */
export function kubeletTarget(node: GpuNode, workloads: readonly Workload[]): Target {
  const pods = vllmPods.filter((pod) => pod.node.name === node.name);
  const own = pods.map((pod) => workloads.find((workload) => workload.pod.name === pod.name));
  return buildTarget<KubeletState>(
    { job: "kubelet", labels: { instance: `${node.ip}:10250`, node: node.name }, honorLabels: true },
    pods.flatMap((pod, index) => {
      const labels = { namespace, pod: pod.name, container: "vllm" };
      const claim = { namespace, persistentvolumeclaim: `${pod.name}-cache` };
      return [
        gauge<KubeletState>("container_memory_working_set_bytes", labels, (state) =>
          Math.round((96 + 14 * (state.cacheUsage[index] ?? 0)) * gibibyte),
        ),
        gauge<KubeletState>("container_spec_memory_limit_bytes", labels, () => 192 * gibibyte),
        gauge<KubeletState>("kubelet_volume_stats_capacity_bytes", claim, () => 400 * gibibyte),
        gauge<KubeletState>("kubelet_volume_stats_available_bytes", claim, () => 238 * gibibyte),
      ];
    }),
    (at) => ({ at, cacheUsage: own.map((workload) => workload?.load(at) ?? 0) }),
  );
}
