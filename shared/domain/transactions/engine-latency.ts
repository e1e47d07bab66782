import { quote } from "../go-quote.ts";
import { PrometheusError, type QueryInstant } from "../prometheus.ts";

/** Long enough for some requests, short enough to be about now. */
const window = "10m";

/**
 * Asks for the engine's own median time to first token, which vLLM counts from when a request gets to it. What
 * the gateway calls `provider/name` is `name` there.
 */
export function engineTtftQuery(model: string): string {
  const names = [model, model.replace(/^[^/]+\//, "")].map(escapeRegex);
  const matcher = `__name__=~"vllm[:_]time_to_first_token_seconds_bucket",model_name=~${quote([...new Set(names)].join("|"))}`;
  return `histogram_quantile(0.5, sum by (le) (rate({${matcher}}[${window}])))`;
}

/** Seconds; null where the target has no such metric, no request of late, or does not answer. */
export async function askEngineTtft(
  queryInstant: QueryInstant,
  model: string,
  at: number,
): Promise<number | null> {
  try {
    const { data } = await queryInstant({ query: engineTtftQuery(model), at });
    const value = data[0]?.sample.v;
    return value === undefined || !Number.isFinite(value) ? null : value;
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    // The target's own trouble is told by its probes.
    return null;
  }
}

/** The share of the time to the first token that passed before the engine had the request. */
export function gatewayShare(ttft: number, engine: number): number {
  return ttft <= 0 ? 0 : Math.max(0, Math.min(1, 1 - engine / ttft));
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
