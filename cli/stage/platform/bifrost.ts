import { type Distribution, logNormal, meanOf } from "./distribution.ts";
import { amount, counter, counters, type Family, histogram } from "./family.ts";
import { day, type Flow, scale, traffic } from "./flow.ts";
import { buildTarget, type Target } from "./target.ts";

/** One stream of requests through Bifrost: a team's use of one provider's model. */
interface Route {
  readonly provider: string;
  readonly model: string;
  readonly team: string;
  readonly share: number;
  readonly fallback?: boolean;
}

interface Provider {
  readonly latency: Distribution;
  readonly firstToken: Distribution;
  readonly interToken: Distribution;
  readonly input: Distribution;
  readonly output: Distribution;
  /** USD for a million tokens. */
  readonly price: { readonly input: number; readonly output: number };
  readonly failures: number;
}

/** Requests since the process started, by route. */
type BifrostState = Readonly<{ total: number; routes: readonly number[] }>;

const openai = "gpt-4o-mini";
const anthropic = "claude-sonnet-4-20250514";

const routes: readonly Route[] = [
  { provider: "openai", model: openai, team: "acme", share: 0.34 },
  { provider: "openai", model: openai, team: "globex", share: 0.22 },
  { provider: "openai", model: openai, team: "hooli", share: 0.11 },
  { provider: "anthropic", model: anthropic, team: "acme", share: 0.17 },
  { provider: "anthropic", model: anthropic, team: "stark", share: 0.15 },
  { provider: "anthropic", model: anthropic, team: "acme", share: 0.01, fallback: true },
];

const providers: Readonly<Record<string, Provider>> = {
  [openai]: {
    latency: logNormal(1.7, 0.55),
    firstToken: logNormal(0.42, 0.4),
    interToken: logNormal(0.014, 0.5),
    input: logNormal(600, 0.8),
    output: logNormal(150, 0.6),
    price: { input: 0.15, output: 0.6 },
    failures: 0.004,
  },
  [anthropic]: {
    latency: logNormal(4.1, 0.5),
    firstToken: logNormal(0.9, 0.4),
    interToken: logNormal(0.019, 0.5),
    input: logNormal(1100, 0.8),
    output: logNormal(260, 0.6),
    price: { input: 3, output: 15 },
    failures: 0.003,
  },
};

const upstreamBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 45, 60, 90];
const defaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Requests to outside providers. */
export function outsideTraffic(seed: number, epoch: number): Flow {
  return traffic(seed, epoch, "bifrost", 0.55);
}

/** The Bifrost gateway to outside providers. */
export function bifrostTarget(seed: number, epoch: number): Target {
  const flow = outsideTraffic(seed, epoch);
  const start = epoch - 4.7 * day;
  const shares = routes.map((route) => scale(flow, route.share));
  return buildTarget<BifrostState>(
    {
      job: "bifrost",
      labels: { namespace: "bifrost", pod: "bifrost-66c7d9f5b8-w2nlk", instance: "10.0.22.63:8080" },
    },
    [
      ...routes.flatMap(routeFamilies),
      ...counters<BifrostState>(
        "http_requests_total",
        "status",
        { "200": (state) => state.total * 0.994, "429": (state) => state.total * 0.004, "500": () => 0 },
        { path: "/v1/chat/completions", method: "POST" },
      ),
    ],
    (t) => ({ total: flow.total(start, t), routes: shares.map((share) => share.total(start, t)) }),
  );
}

function routeFamilies(route: Route, index: number): Family<BifrostState>[] {
  const provider = providers[route.model];
  if (!provider) return [];
  const labels = routeLabels(route);
  const count = (state: BifrostState) => state.routes[index] ?? 0;
  const served = (state: BifrostState) => count(state) * (1 - provider.failures);
  const tokens = (kind: Distribution) => (state: BifrostState) => served(state) * meanOf(kind);
  const times = (name: string, bounds: readonly number[], kind: Distribution, factor = 1, extra = {}) =>
    histogram<BifrostState>(
      name,
      { ...labels, ...extra },
      { bounds, kinds: [kind], counts: (state) => [served(state) * factor] },
    );
  return [
    counter("bifrost_upstream_requests_total", labels, count),
    counter("bifrost_success_requests_total", labels, served),
    counter("bifrost_error_requests_total", { ...labels, reason: "rate_limit_exceeded" }, (state) => {
      const failed = count(state) * provider.failures;
      return failed < 1 ? undefined : failed;
    }),
    times("bifrost_upstream_latency_seconds", upstreamBounds, provider.latency, 1, { is_success: "true" }),
    times("bifrost_stream_first_token_latency_seconds", defaultBounds, provider.firstToken),
    times(
      "bifrost_stream_inter_token_latency_seconds",
      defaultBounds,
      provider.interToken,
      meanOf(provider.output),
    ),
    counter("bifrost_input_tokens_total", labels, tokens(provider.input)),
    counter("bifrost_output_tokens_total", labels, tokens(provider.output)),
    counter(
      "bifrost_cache_hits_total",
      { ...labels, cache_type: "semantic" },
      (state) => served(state) * 0.17,
    ),
    amount(
      "bifrost_cost_total",
      labels,
      (state) =>
        (tokens(provider.input)(state) * provider.price.input +
          tokens(provider.output)(state) * provider.price.output) /
        1e6,
    ),
  ];
}

function routeLabels({ provider, model, team, fallback = false }: Route): Record<string, string> {
  return {
    provider,
    model,
    method: "chat_completion_stream",
    virtual_key_id: `vk-${team}`,
    virtual_key_name: team,
    selected_key_id: `key-${provider}`,
    selected_key_name: `${provider}-main`,
    number_of_retries: "0",
    fallback_index: fallback ? "1" : "0",
    team_id: team,
    team_name: team,
    customer_id: `customer-${team}`,
    customer_name: team,
  };
}
