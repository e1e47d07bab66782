import { type ProxyState, served, type UpstreamState, upstreamOf } from "./envoy-state.ts";
import { counter, counters, type Family, gauge, histogram } from "./family.ts";
import type { Upstream } from "./gateway-traffic.ts";

/** Envoy's default bounds, in milliseconds. */
export const timeBounds = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
] as const;

/** Shares of the answers by class; what the gateway refuses comes on top of the last. */
export const classes = { "2": 0.985, "3": 0, "4": 0.014, "5": 0.001 };
const codes = { "200": 0.985, "400": 0.011, "429": 0.003, "502": 0.001 };

/** The families of one upstream cluster. */
export function upstreamFamilies(upstream: Upstream): Family<ProxyState>[] {
  const labels = { envoy_cluster_name: upstream.cluster };
  const of = (value: (state: UpstreamState) => number) => (proxy: ProxyState) =>
    value(upstreamOf(proxy, upstream.cluster));
  const count = (name: string, value: (state: UpstreamState) => number) =>
    counter(`envoy_cluster_${name}`, labels, of(value));
  const read = (name: string, value: (state: UpstreamState) => number) =>
    gauge(`envoy_cluster_${name}`, labels, of(value));
  const share = (part: number, refused = 0) => of((state) => served(state) * part + state.refused * refused);
  const byClass = { "2": share(classes["2"]), "4": share(classes["4"]), "5": share(classes["5"], 1) };
  const byCode = {
    "200": share(codes["200"]),
    "400": share(codes["400"]),
    "429": share(codes["429"]),
    "502": share(codes["502"]),
    "503": share(0, 1),
  };
  return [
    count("upstream_rq_total", served),
    count("upstream_rq_completed", (state) => served(state) + state.refused),
    ...counters("envoy_cluster_upstream_rq_xx", "envoy_response_code_class", byClass, labels),
    ...counters("envoy_cluster_upstream_rq", "envoy_response_code", byCode, labels),
    count("upstream_rq_timeout", () => 0),
    count("upstream_rq_retry", (state) => served(state) * 0.0012),
    count("upstream_rq_pending_total", served),
    count("upstream_rq_pending_overflow", (state) => state.refused),
    read("upstream_rq_pending_active", (state) => (state.refusing ? 64 : 0)),
    read("upstream_rq_active", (state) => Math.round(state.rate * 3.5)),
    read("upstream_cx_active", (state) => Math.round(4 + state.rate * 3)),
    count("upstream_cx_total", (state) => 40 + served(state) * 0.02),
    count("upstream_cx_connect_fail", () => 0),
    count("upstream_cx_none_healthy", () => 0),
    read("membership_healthy", () => upstream.members),
    read("membership_total", () => upstream.members),
    read("circuit_breakers_default_cx_open", () => 0),
    read("circuit_breakers_default_rq_open", () => 0),
    read("circuit_breakers_default_rq_pending_open", (state) => (state.refusing ? 1 : 0)),
    histogram("envoy_cluster_upstream_rq_time", labels, {
      bounds: timeBounds,
      kinds: upstream.kinds,
      counts: (proxy) => upstreamOf(proxy, upstream.cluster).served,
    }),
  ];
}

/** Clusters that carry the proxy's own traffic, which every query has to leave out. */
export function ownClusters(): Family<ProxyState>[] {
  return ["xds_cluster", "admin_port_cluster"].flatMap((cluster) => {
    const labels = { envoy_cluster_name: cluster };
    return [
      counter<ProxyState>("envoy_cluster_upstream_rq_total", labels, (proxy) => proxy.uptime / 900),
      counter<ProxyState>("envoy_cluster_upstream_rq_completed", labels, (proxy) => proxy.uptime / 900),
      gauge<ProxyState>("envoy_cluster_upstream_cx_active", labels, () => 1),
      gauge<ProxyState>("envoy_cluster_membership_healthy", labels, () => 1),
      gauge<ProxyState>("envoy_cluster_membership_total", labels, () => 1),
    ];
  });
}
