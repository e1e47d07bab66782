import { outsideTraffic } from "./bifrost.ts";
import { during, type Flow, scale, sum, traffic } from "./flow.ts";
import { type ByKind, models } from "./models.ts";
import { burstCluster, plot } from "./storyline.ts";
import { deployments, namespace } from "./topology.ts";
import type { Workload } from "./workload.ts";

/** One upstream of the gateway: what reaches it, and what the gateway refuses on its behalf. */
export interface Upstream {
  readonly cluster: string;
  readonly members: number;
  readonly kinds: ByKind;
  readonly served: readonly [Flow, Flow, Flow];
  readonly refused: Flow;
}

/** Of all requests while the burst lasts. */
const burstShare = 0.09;

/** Everything that the gateway's two proxies see together. */
export function gatewayTraffic(seed: number, epoch: number, workloads: readonly Workload[]): Upstream[] {
  const nothing = scale(traffic(seed, epoch, "nothing", 0), 0);
  const modelUpstreams = (["llama", "qwen"] as const).map((model) => {
    const pods = workloads.filter(({ pod }) => pod.model === model);
    return {
      cluster: `kube_${namespace}_${deployments[model]}_8000`,
      members: pods.length,
      kinds: inMilliseconds(models[model].endToEnd),
      served: ofAll(pods),
      refused: nothing,
    };
  });
  const others = [
    sideUpstream("kube_bifrost_bifrost_8080", 1, 1.9, outsideTraffic(seed, epoch)),
    sideUpstream("kube_langfuse_langfuse-web_3000", 2, 0.035, traffic(seed, epoch, "langfuse", 2.2)),
  ].map((side) => ({ ...side, served: [side.flow, nothing, nothing] as const, refused: nothing }));
  const upstreams = [...modelUpstreams, ...others];
  const everything = sum(upstreams.flatMap(({ served }) => served));
  const burst = during(
    scale(everything, burstShare / (1 - burstShare)),
    plot(epoch).burstFrom,
    Number.POSITIVE_INFINITY,
  );
  return upstreams.map((upstream) =>
    upstream.cluster === burstCluster ? { ...upstream, refused: burst } : upstream,
  );
}

function ofAll(pods: readonly Workload[]): readonly [Flow, Flow, Flow] {
  return [
    sum(pods.map(({ flows }) => flows[0])),
    sum(pods.map(({ flows }) => flows[1])),
    sum(pods.map(({ flows }) => flows[2])),
  ];
}

function sideUpstream(cluster: string, members: number, median: number, flow: Flow) {
  const kind = { median: median * 1000, sigma: 0.6 };
  const kinds: ByKind = [kind, kind, kind];
  return { cluster, members, kinds, flow };
}

function inMilliseconds([light, heavy, slow]: ByKind): ByKind {
  const longer = ({ median, sigma }: ByKind[number]) => ({ median: median * 1000, sigma });
  return [longer(light), longer(heavy), longer(slow)];
}
