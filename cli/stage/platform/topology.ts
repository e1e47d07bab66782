import { createHash } from "node:crypto";

/** Where everything runs. Names are fixed: the seed shapes the traffic, and the storyline can name names. */
export interface GpuNode {
  readonly name: string;
  readonly ip: string;
  readonly providerId: string;
  readonly exporterPod: string;
}

export interface Gpu {
  readonly node: GpuNode;
  readonly index: number;
  readonly uuid: string;
  readonly pciBusId: string;
  readonly pod: VllmPod;
}

export interface VllmPod {
  readonly model: ModelName;
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly node: GpuNode;
  /** Index of the first of its four GPUs. */
  readonly firstGpu: number;
}

export type ModelName = "llama" | "qwen";

export const namespace = "inference";
export const gpusPerPod = 4;

export const gpuNodes: readonly [GpuNode, GpuNode, GpuNode] = [
  {
    name: "ip-10-0-11-23.ec2.internal",
    ip: "10.0.11.23",
    providerId: "aws:///us-east-1a/i-0a41c7be2f6d90113",
    exporterPod: "nvidia-dcgm-exporter-4kqzn",
  },
  {
    name: "ip-10-0-12-64.ec2.internal",
    ip: "10.0.12.64",
    providerId: "aws:///us-east-1b/i-0c9e5d2714ab3f608",
    exporterPod: "nvidia-dcgm-exporter-8wv5t",
  },
  {
    name: "ip-10-0-13-187.ec2.internal",
    ip: "10.0.13.187",
    providerId: "aws:///us-east-1c/i-07f3b860ad1e49c25",
    exporterPod: "nvidia-dcgm-exporter-mx2rd",
  },
];
const [firstNode, secondNode, thirdNode] = gpuNodes;

/** Nodes without GPUs: gateways, Bifrost, Langfuse and monitoring run there. */
export const plainNodes = [
  {
    name: "ip-10-0-21-14.ec2.internal",
    ip: "10.0.21.14",
    providerId: "aws:///us-east-1a/i-01d7f20c6b8e5a394",
  },
  {
    name: "ip-10-0-22-87.ec2.internal",
    ip: "10.0.22.87",
    providerId: "aws:///us-east-1b/i-0e62b94f1c3d70a58",
  },
] as const;

function vllmPod(model: ModelName, suffix: string, ip: string, node: GpuNode, firstGpu: number): VllmPod {
  const name = `${deployments[model]}-${suffix}`;
  return { model, name, uid: uuidFrom(name), ip, node, firstGpu };
}

export const deployments: Readonly<Record<ModelName, string>> = {
  llama: "llama-3-1-70b-instruct",
  qwen: "qwen2-5-7b-instruct",
};

export const vllmPods: readonly [VllmPod, VllmPod, VllmPod, VllmPod, VllmPod, VllmPod] = [
  vllmPod("llama", "7c9f6d5b84-4xq2m", "10.0.11.41", firstNode, 0),
  vllmPod("llama", "7c9f6d5b84-9tbwz", "10.0.11.42", firstNode, 4),
  vllmPod("llama", "7c9f6d5b84-h6k8r", "10.0.12.71", secondNode, 0),
  vllmPod("llama", "7c9f6d5b84-pn5vd", "10.0.12.72", secondNode, 4),
  vllmPod("qwen", "5d8b9c6f47-2lmjs", "10.0.13.191", thirdNode, 0),
  vllmPod("qwen", "5d8b9c6f47-zr7gf", "10.0.13.192", thirdNode, 4),
];

const busIds = ["53", "64", "75", "86", "97", "A8", "B9", "CA"] as const;

/** One of the four GPUs of a pod. */
export function gpuOf(pod: VllmPod, offset: number): Gpu {
  const index = pod.firstGpu + offset;
  return {
    node: pod.node,
    index,
    uuid: `GPU-${uuidFrom(`${pod.node.name}/${index}`)}`,
    pciBusId: `00000000:${busIds[index] ?? "00"}:00.0`,
    pod,
  };
}

export const gpus: readonly Gpu[] = vllmPods.flatMap((pod) =>
  Array.from({ length: gpusPerPod }, (_, offset) => gpuOf(pod, offset)),
);

/** A UUID that stays the same for the same name. */
export function uuidFrom(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex").slice(0, 32);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Tenants and their weight in the traffic. */
export const tenants: readonly { readonly id: string; readonly weight: number }[] = [
  { id: "acme", weight: 30 },
  { id: "globex", weight: 19 },
  { id: "initech", weight: 13 },
  { id: "umbrella", weight: 9.5 },
  { id: "hooli", weight: 7.5 },
  { id: "stark", weight: 6 },
  { id: "wayne", weight: 4.6 },
  { id: "wonka", weight: 3.6 },
  { id: "tyrell", weight: 2.7 },
  { id: "cyberdyne", weight: 2 },
  { id: "soylent", weight: 1.3 },
  { id: "vandelay", weight: 0.8 },
];
