import { hour, minute } from "./flow.ts";
import { type Gpu, gpuOf, type VllmPod, vllmPods } from "./topology.ts";

/** Something that happens on the stage. `to` is null where it is still going on. Times are Unix ms. */
export interface StoryEvent {
  readonly name: "pod-restart" | "xid" | "gpu-heat" | "ttft-regression" | "gateway-5xx";
  readonly from: number;
  readonly to: number | null;
  readonly what: string;
  /** The object that it happens to, in the labels of its metrics. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The container is gone from `down` on and answers again at `up`, with its counters at zero. */
export interface Restart {
  readonly pod: VllmPod;
  readonly down: number;
  readonly up: number;
  readonly reason: "OOMKilled" | "Error";
}

export const xidCode = 94;
export const xidMessage = "Contained ECC error";
export const burstCluster = "kube_inference_llama-3-1-70b-instruct_8000";

const [, oomPod, , hotPod, faultyPod] = vllmPods;
const hotGpu = gpuOf(hotPod, 1);
const faultyGpu = gpuOf(faultyPod, 2);

/** What happens when, with everything measured from `epoch`, the end of the history. */
export function plot(epoch: number): {
  readonly restarts: readonly Restart[];
  readonly xid: { readonly gpu: Gpu; readonly at: number };
  readonly heat: { readonly gpu: Gpu; readonly from: number };
  readonly regressionFrom: number;
  readonly burstFrom: number;
} {
  const xidAt = epoch - 40 * minute;
  return {
    restarts: [
      restart(oomPod, epoch - 9 * hour - 12 * minute, 4 * minute, "OOMKilled"),
      restart(faultyPod, epoch - 3 * hour - 38 * minute, 2 * minute, "Error"),
      // A contained ECC error ends the process that used the memory.
      restart(faultyPod, xidAt, 2 * minute, "Error"),
    ],
    xid: { gpu: faultyGpu, at: xidAt },
    heat: { gpu: hotGpu, from: epoch - 20 * minute },
    regressionFrom: epoch - 25 * minute,
    burstFrom: epoch - 12 * minute,
  };
}

function restart(pod: VllmPod, down: number, length: number, reason: Restart["reason"]): Restart {
  return { pod, down, up: down + length, reason };
}

/** The storyline of a stage whose history ends at `epoch`, in the order in which it happens. */
export function storyline(epoch: number): StoryEvent[] {
  const { restarts, xid, heat, regressionFrom, burstFrom } = plot(epoch);
  const events: StoryEvent[] = restarts.map(({ pod, down, up, reason }) => ({
    name: "pod-restart",
    from: down,
    to: up,
    what: `${pod.name} restarts (${reason})`,
    labels: { pod: pod.name },
  }));
  events.push(
    {
      name: "xid",
      from: xid.at,
      to: null,
      what: `${describe(xid.gpu)} reports XID ${xidCode}, ${xidMessage}; the gauge keeps it`,
      labels: gpuLabels(xid.gpu),
    },
    {
      name: "ttft-regression",
      from: regressionFrom,
      to: null,
      what: "three of four requests to the large model wait seconds for their first token",
      labels: { model_name: "meta-llama/Llama-3.1-70B-Instruct" },
    },
    {
      name: "gpu-heat",
      from: heat.from,
      to: null,
      what: `${describe(heat.gpu)} heats up, over 85 °C within four minutes and to about 91`,
      labels: gpuLabels(heat.gpu),
    },
    {
      name: "gateway-5xx",
      from: burstFrom,
      to: null,
      what: "the gateway answers about 9 % of all requests with 503, all of them for the large model",
      labels: { envoy_cluster_name: burstCluster },
    },
  );
  return events.sort((a, b) => a.from - b.from);
}

function describe(gpu: Gpu): string {
  return `GPU ${gpu.index} of ${gpu.node.name}`;
}

function gpuLabels(gpu: Gpu): Record<string, string> {
  return { Hostname: gpu.node.name, gpu: String(gpu.index), UUID: gpu.uuid };
}
