import type { Series } from "../../../shared/domain/series.ts";
import { type Answering, jsonAnswer } from "../exchange.ts";
import { buildFakeClient, type World } from "../fake-prometheus.ts";

/** What each target's metrics are worth. */
export type Worlds = (target: string) => World;

/**
 * The range queries of `/prometheus/<target>/api/v1`, answered from a function of time. For tests that need
 * hundreds of rounds; it knows no PromQL.
 */
export function buildPrometheusStandIn(worlds: Worlds): Answering {
  return async ({ url, body }) => {
    const target = /^\/prometheus\/([^/]+)\/api\/v1\/query_range$/.exec(url)?.[1];
    const form = new URLSearchParams(body.toString());
    const [from, to, step] = ["start", "end", "step"].map((name) => 1000 * Number(form.get(name)));
    const query = form.get("query");
    if (!target || !query || !from || !to || !step) return jsonAnswer(400, badData);
    const { data } = await buildFakeClient(worlds(target)).queryRange({ query, start: from, end: to, step });
    const result = data.map(formatSeries);
    return jsonAnswer(200, { status: "success", data: { resultType: "matrix", result } });
  };
}

const badData = { status: "error", errorType: "bad_data", error: "not a range query of this stand-in" };

function formatSeries({ labels, samples }: Series) {
  return { metric: labels, values: samples.map(({ t, v }) => [t / 1000, String(v)]) };
}
