import { logNormal } from "./distribution.ts";
import { type ProxyState, proxyAt, served, upstreamOf } from "./envoy-state.ts";
import { classes, ownClusters, timeBounds, upstreamFamilies } from "./envoy-upstream.ts";
import { counter, counters, type Family, gauge, histogram } from "./family.ts";
import { day } from "./flow.ts";
import type { Upstream } from "./gateway-traffic.ts";
import { buildTarget, type Target } from "./target.ts";
import { namespace } from "./topology.ts";

const proxies = [
  { pod: "inference-gateway-6b9f7d48c5-kq4wz", instance: "10.0.21.52:9091", share: 0.52, days: 6.2 },
  { pod: "inference-gateway-6b9f7d48c5-v8t2n", instance: "10.0.22.117:9091", share: 0.48, days: 6.2 },
];

/** The Envoy proxies of the gateway. */
export function envoyTargets(upstreams: readonly Upstream[], epoch: number): Target[] {
  return proxies.map(({ pod, instance, share, days }) => {
    const start = epoch - days * day;
    return buildTarget<ProxyState>(
      { job: "kgateway-proxy", labels: { namespace, pod, instance } },
      [
        ...serverFamilies(),
        ...downstreamFamilies(upstreams),
        ...upstreams.flatMap(upstreamFamilies),
        ...ownClusters(),
      ],
      (t) => proxyAt(upstreams, share, start, t),
    );
  });
}

function serverFamilies(): Family<ProxyState>[] {
  return [
    gauge("envoy_server_live", {}, () => 1),
    gauge("envoy_server_state", {}, () => 0),
    gauge("envoy_server_uptime", {}, (proxy) => Math.floor(proxy.uptime)),
    gauge("envoy_server_days_until_first_cert_expiring", {}, () => 57),
    gauge("envoy_server_memory_allocated", {}, (proxy) => 31_457_280 + Math.round(proxy.all.rate * 90_000)),
    gauge("envoy_server_concurrency", {}, () => 4),
    gauge("envoy_server_total_connections", {}, (proxy) => Math.round(12 + proxy.all.rate * 4)),
  ];
}

function downstreamFamilies(upstreams: readonly Upstream[]): Family<ProxyState>[] {
  const http = { envoy_http_conn_manager_prefix: "http" };
  const own = { envoy_http_conn_manager_prefix: "prometheus" };
  const answered = (proxy: ProxyState) => served(proxy.all) + proxy.all.refused;
  const byClass = (share: number, refused: number) => (proxy: ProxyState) =>
    served(proxy.all) * share + proxy.all.refused * refused;
  const atOnce = logNormal(1.2, 0.5);
  const kinds = [atOnce, ...upstreams.flatMap((upstream) => upstream.kinds)];
  const counts = (proxy: ProxyState) => [
    proxy.all.refused,
    ...upstreams.flatMap(({ cluster }) => upstreamOf(proxy, cluster).served),
  ];
  return [
    counter("envoy_http_downstream_rq_total", http, answered),
    counter("envoy_http_downstream_rq_total", own, (proxy) => proxy.uptime / 15),
    counter("envoy_http_downstream_rq_completed", http, answered),
    counter("envoy_http_downstream_rq_completed", own, (proxy) => proxy.uptime / 15),
    ...counters(
      "envoy_http_downstream_rq_xx",
      "envoy_response_code_class",
      {
        "1": () => 0,
        "2": byClass(classes["2"], 0),
        "3": byClass(classes["3"], 0),
        "4": byClass(classes["4"], 0),
        "5": byClass(classes["5"], 1),
      },
      http,
    ),
    counter("envoy_http_downstream_rq_timeout", http, () => 0),
    counter("envoy_http_downstream_rq_rx_reset", http, (proxy) => served(proxy.all) * 0.004),
    counter("envoy_http_downstream_cx_total", http, (proxy) => served(proxy.all) * 0.08),
    gauge("envoy_http_downstream_rq_active", http, (proxy) => Math.round(proxy.all.rate * 4.2)),
    gauge("envoy_http_downstream_cx_active", http, (proxy) => Math.round(10 + proxy.all.rate * 4)),
    histogram("envoy_http_downstream_rq_time", http, { bounds: timeBounds, kinds, counts }),
  ];
}
