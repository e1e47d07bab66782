import { counter, type Family, gauge, round } from "./family.ts";
import type { Flow } from "./flow.ts";
import { minute, sum } from "./flow.ts";
import { models } from "./models.ts";
import { plot, xidCode, xidMessage } from "./storyline.ts";
import { buildTarget, type Target } from "./target.ts";
import { type Gpu, type GpuNode, namespace } from "./topology.ts";
import type { Workload } from "./workload.ts";

interface GpuState {
  /** Seconds since the node booted. */
  readonly uptime: number;
  /** 0 to 1: share of the time in which a kernel runs. */
  readonly busy: number;
  readonly served: number;
  readonly temperature: number;
  readonly memoryTemperature: number;
  readonly watts: number;
  readonly joules: number;
  readonly hot: boolean;
  readonly occupied: boolean;
  readonly xid: boolean;
}

type NodeState = Readonly<Record<string, GpuState>>;

const framebuffer = 81_559;
const reserved = 635;
const updateEvery = minute / 2;

/** The dcgm-exporter of one node, with the pod that each GPU is given to. */
export function dcgmTarget(
  node: GpuNode,
  gpus: readonly Gpu[],
  workloads: readonly Workload[],
  epoch: number,
): Target {
  const boot = epoch - 21.4 * 24 * 60 * minute;
  const watched = gpus.flatMap((gpu) => {
    const workload = workloads.find(({ pod }) => pod.name === gpu.pod.name);
    return workload ? [{ gpu, read: readGpu(gpu, workload, boot, epoch) }] : [];
  });
  return buildTarget<NodeState>(
    {
      job: "dcgm-exporter",
      labels: {
        namespace: "gpu-operator",
        pod: node.exporterPod,
        container: "nvidia-dcgm-exporter",
        instance: `${node.ip}:9400`,
      },
    },
    watched.flatMap(({ gpu }) => gpuFamilies(gpu, gpu.uuid === plot(epoch).xid.gpu.uuid)),
    (t) => {
      // DCGM reads its fields every 30 s; scrapes in between repeat them.
      const at = t - (t % updateEvery);
      return Object.fromEntries(watched.map(({ gpu, read }) => [gpu.uuid, read(at)]));
    },
  );
}

function readGpu(gpu: Gpu, workload: Workload, boot: number, epoch: number): (t: number) => GpuState {
  const { heat, xid } = plot(epoch);
  const mean = models[gpu.pod.model].rate;
  const work: Flow = sum(workload.flows);
  const isHot = gpu.uuid === heat.gpu.uuid;
  const lean = ((gpu.index * 5) % 8) - 3;
  return (t) => {
    const occupied = workload.startedAt(t) !== null;
    const load = work.rate(t) / mean;
    const busy = occupied ? Math.min(0.97, 0.2 + 0.42 * load + 0.14 * workload.strain(t)) : 0;
    const uptime = (t - boot) / 1000;
    const served = work.total(boot, t);
    const calm = 35 + lean + 28 * busy;
    const heated = isHot && t > heat.from ? 1 - Math.exp(-(t - heat.from) / (1.6 * minute)) : 0;
    const temperature = calm + heated * (91.4 - calm) + 0.8 * Math.sin(t / minute + gpu.index);
    return {
      uptime,
      busy,
      served,
      temperature,
      memoryTemperature: temperature + 9 - 7.5 * heated,
      watts: 112 + 430 * busy + 6 * Math.sin(t / 40_000 + gpu.index),
      joules: (112 + 430 * 0.2) * uptime + (430 * 0.42 * served) / mean,
      hot: heated > 0.7,
      occupied,
      xid: gpu.uuid === xid.gpu.uuid && t >= xid.at,
    };
  };
}

function gpuFamilies(gpu: Gpu, faulty: boolean): Family<NodeState>[] {
  const labels = {
    gpu: String(gpu.index),
    UUID: gpu.uuid,
    pci_bus_id: gpu.pciBusId,
    device: `nvidia${gpu.index}`,
    modelName: "NVIDIA H100 80GB HBM3",
    Hostname: gpu.node.name,
    DCGM_FI_DRIVER_VERSION: "570.172.08",
    container: "vllm",
    namespace,
    pod: gpu.pod.name,
    pod_uid: gpu.pod.uid,
  };
  const of = (value: (state: GpuState) => number | undefined) => (node: NodeState) => {
    const state = node[gpu.uuid];
    return state && value(state);
  };
  const read = (name: string, value: (state: GpuState) => number) =>
    gauge<NodeState>(`DCGM_FI_${name}`, labels, of(value));
  const count = (name: string, value: (state: GpuState) => number) =>
    counter<NodeState>(`DCGM_FI_${name}`, labels, of(value));
  const used = (state: GpuState) => (state.occupied ? 74_316 + gpu.index * 2 : 4);
  const ratio = (most: number) => (state: GpuState) => round(state.busy * most, 6);
  const xidFamily = gauge<NodeState>(
    "DCGM_FI_DEV_XID_ERRORS",
    { ...labels, err_code: String(xidCode), err_msg: xidMessage },
    of(({ xid }) => (xid ? xidCode : undefined)),
  );
  return [
    read("DEV_SM_CLOCK", ({ hot, occupied }) => (hot ? 1410 : occupied ? 1980 : 345)),
    read("DEV_MEM_CLOCK", () => 2619),
    read("DEV_MEMORY_TEMP", ({ memoryTemperature }) => Math.round(memoryTemperature)),
    read("DEV_GPU_TEMP", ({ temperature }) => Math.round(temperature)),
    read("DEV_POWER_USAGE", ({ watts, hot }) => round(hot ? watts * 0.9 : watts, 3)),
    count("DEV_TOTAL_ENERGY_CONSUMPTION", ({ joules }) => joules * 1000),
    count("DEV_PCIE_REPLAY_COUNTER", () => 0),
    read("DEV_GPU_UTIL", ({ busy }) => Math.round(100 * busy)),
    read("DEV_MEM_COPY_UTIL", ({ busy }) => Math.round(46 * busy)),
    read("DEV_ENC_UTIL", () => 0),
    read("DEV_DEC_UTIL", () => 0),
    ...(faulty ? [xidFamily] : []),
    read("DEV_FB_FREE", (state) => framebuffer - reserved - used(state)),
    read("DEV_FB_USED", used),
    read("DEV_FB_RESERVED", () => reserved),
    count("DEV_NVLINK_BANDWIDTH_TOTAL", ({ served }) => served * 41_000),
    read("DEV_VGPU_LICENSE_STATUS", () => 0),
    // A contained error is mended by remapping its row.
    count("DEV_UNCORRECTABLE_REMAPPED_ROWS", ({ xid }) => (xid ? 1 : 0)),
    count("DEV_CORRECTABLE_REMAPPED_ROWS", () => 0),
    read("DEV_ROW_REMAP_FAILURE", () => 0),
    read("PROF_GR_ENGINE_ACTIVE", ratio(0.94)),
    read("PROF_PIPE_TENSOR_ACTIVE", ratio(0.31)),
    read("PROF_DRAM_ACTIVE", ratio(0.52)),
    read("PROF_PCIE_TX_BYTES", ({ busy }) => Math.round(38e6 * busy + 2e5)),
    read("PROF_PCIE_RX_BYTES", ({ busy }) => Math.round(61e6 * busy + 2e5)),
  ];
}
