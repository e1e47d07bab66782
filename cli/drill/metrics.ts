/** What a gateway must count, and the names that gateways count it under. */
export interface CountedKind {
  readonly kind: "requests" | "errors" | "latency";
  /** Selectors whose series are summed by name. */
  readonly selectors: readonly string[];
}

const named = (...names: readonly string[]) => `{__name__=~"${names.join("|")}"}`;

/** The names are the pack's: see shared/packs/llm-on-eks/{gateway-envoy,gateway-agentgateway,bifrost,litellm}.yaml. */
export const countedKinds: readonly CountedKind[] = [
  {
    kind: "requests",
    selectors: [
      named(
        "envoy_http_downstream_rq_total",
        "envoy_http_downstream_rq_completed",
        "agentgateway_requests_total",
        "bifrost_upstream_requests_total",
        "litellm_proxy_total_requests_metric_total",
      ),
    ],
  },
  {
    kind: "errors",
    selectors: [
      named("bifrost_error_requests_total", "litellm_proxy_failed_requests_metric_total"),
      'envoy_http_downstream_rq_xx{envoy_response_code_class=~"4|5"}',
      'agentgateway_requests_total{status=~"[45].."}',
    ],
  },
  {
    kind: "latency",
    selectors: [
      named(
        "envoy_http_downstream_rq_time_count",
        "envoy_cluster_upstream_rq_time_count",
        "agentgateway_request_duration_seconds_count",
        "bifrost_upstream_latency_seconds_count",
        "litellm_request_total_latency_metric_count",
      ),
    ],
  },
];

/** Probes of the pack that show a gateway's errors. */
export const errorProbes = [
  "gateway-4xx",
  "gateway-5xx",
  "agentgateway-5xx",
  "bifrost-errors",
  "litellm-failed",
];

/** One value for each metric's name. */
export function countQuery({ selectors }: CountedKind): string {
  return selectors.map((selector) => `sum by (__name__) (${selector})`).join(" or ");
}

export type Counts = ReadonlyMap<string, number>;

/** How far each counter has come; one that began anew counts from zero, as does one that was not there. */
export function movedSince(before: Counts, after: Counts): Map<string, number> {
  return new Map(
    [...after].map(([name, value]) => {
      const earlier = before.get(name) ?? 0;
      return [name, value < earlier ? value : value - earlier];
    }),
  );
}
