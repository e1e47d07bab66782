import type { Upstream } from "./gateway-traffic.ts";
import type { Counts } from "./workload.ts";

/** One upstream at a moment, since the proxy started. */
export interface UpstreamState {
  readonly served: Counts;
  readonly refused: number;
  readonly rate: number;
  readonly refusing: boolean;
}

export interface ProxyState {
  readonly at: number;
  readonly uptime: number;
  readonly upstreams: Readonly<Record<string, UpstreamState>>;
  readonly all: UpstreamState;
}

const nowhere: UpstreamState = { served: [0, 0, 0], refused: 0, rate: 0, refusing: false };

export function upstreamOf(proxy: ProxyState, cluster: string): UpstreamState {
  return proxy.upstreams[cluster] ?? nowhere;
}

/** A proxy that takes a share of the traffic and has run since `start`. */
export function proxyAt(upstreams: readonly Upstream[], share: number, start: number, t: number): ProxyState {
  const states = upstreams.map((upstream) => ({
    cluster: upstream.cluster,
    served: upstream.served.map((flow) => flow.total(start, t) * share),
    refused: upstream.refused.total(start, t) * share,
    rate: upstream.served.reduce((total, flow) => total + flow.rate(t), 0) * share,
    refusing: upstream.refused.rate(t) > 0,
  }));
  const total = (pick: (state: (typeof states)[number]) => number) =>
    states.reduce((running, state) => running + pick(state), 0);
  const at = (state: (typeof states)[number]): UpstreamState => ({
    ...state,
    served: [state.served[0] ?? 0, state.served[1] ?? 0, state.served[2] ?? 0],
  });
  return {
    at: t,
    uptime: (t - start) / 1000,
    upstreams: Object.fromEntries(states.map((state) => [state.cluster, at(state)])),
    all: {
      served: [total((state) => state.served.reduce((a, b) => a + b, 0)), 0, 0],
      refused: total((state) => state.refused),
      rate: total((state) => state.rate),
      refusing: states.some((state) => state.refusing),
    },
  };
}

/** Requests of every kind that an upstream answered. */
export function served(state: UpstreamState): number {
  return state.served[0] + state.served[1] + state.served[2];
}
