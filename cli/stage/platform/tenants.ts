import { amount, counter, type Family } from "./family.ts";
import { chance, day } from "./flow.ts";
import { models } from "./models.ts";
import { buildTarget, type Target } from "./target.ts";
import { type ModelName, namespace, tenants } from "./topology.ts";
import { type Workload, weighed } from "./workload.ts";

interface Tokens {
  readonly input: number;
  readonly output: number;
}
type ApiState = Readonly<Record<ModelName, Tokens>>;

const modelNames = ["llama", "qwen"] as const;

/**
 * The API in front of the models, which counts each tenant's tokens. It counts what the engines count,
 * through their restarts, so the tenants' tokens add up to the models'.
 */
export function tenantTarget(seed: number, epoch: number, workloads: readonly Workload[]): Target {
  const start = epoch - 2.5 * day;
  return buildTarget<ApiState>(
    {
      job: "llm-api",
      labels: { namespace, pod: "llm-api-58d6c7b9f4-jx2qp", instance: "10.0.22.58:9464" },
    },
    tenants.flatMap((tenant) => modelNames.flatMap((model) => tenantFamilies(seed, tenant.id, model))),
    (t) => ({ llama: tokensOf(workloads, "llama", start, t), qwen: tokensOf(workloads, "qwen", start, t) }),
  );
}

function tokensOf(workloads: readonly Workload[], model: ModelName, start: number, t: number): Tokens {
  const { promptTokens, outputTokens } = models[model];
  const counts = workloads
    .filter(({ pod }) => pod.model === model)
    .map((workload) => workload.servedBetween(start, t));
  return {
    input: counts.reduce((total, served) => total + weighed(served, promptTokens), 0),
    output: counts.reduce((total, served) => total + weighed(served, outputTokens), 0),
  };
}

function tenantFamilies(seed: number, tenant: string, model: ModelName): Family<ApiState>[] {
  const { servedName, price } = models[model];
  const share = tenantShare(seed, tenant, model);
  const labels = { tenant_id: tenant, model: servedName };
  const input = (state: ApiState) => state[model].input * share;
  const output = (state: ApiState) => state[model].output * share;
  return [
    counter("llm_tokens_total", { ...labels, token_type: "input" }, input),
    counter("llm_tokens_total", { ...labels, token_type: "output" }, output),
    amount(
      "llm_cost_dollars_total",
      labels,
      (state) => (input(state) * price.input + output(state) * price.output) / 1e6,
    ),
  ];
}

/** A tenant's share of a model's traffic: skewed, and differently for each model. */
function tenantShare(seed: number, tenant: string, model: ModelName): number {
  const weight = (id: string, base: number) => base * (0.6 + 0.8 * chance(seed, `${id}/${model}`));
  const total = tenants.reduce((sum, other) => sum + weight(other.id, other.weight), 0);
  const own = tenants.find(({ id }) => id === tenant);
  return own ? weight(own.id, own.weight) / total : 0;
}
