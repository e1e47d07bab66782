import { deployments, gpusPerPod, namespace, plainNodes, uuidFrom, vllmPods } from "./topology.ts";

/** A pod with one container, as the Kubernetes API lists it. */
export interface ListedPod {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly deployment: string;
  readonly node: string;
  readonly uid: string;
  readonly image: string;
  readonly gpus: number;
}

/** The pods of the stage whose state kube-state-metrics tells. */
export function listedPods(): ListedPod[] {
  const served = vllmPods.map((pod) => ({
    namespace,
    pod: pod.name,
    container: "vllm",
    deployment: deployments[pod.model],
    node: pod.node.name,
    uid: pod.uid,
    image: "vllm/vllm-openai:v0.16.0",
    gpus: gpusPerPod,
  }));
  const [first, second] = plainNodes;
  const plain = (ns: string, deployment: string, suffix: string, container: string, node: string) => ({
    namespace: ns,
    pod: `${deployment}-${suffix}`,
    container,
    deployment,
    node,
    uid: uuidFrom(`${deployment}-${suffix}`),
    image: `registry.example.com/${container}:stable`,
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
