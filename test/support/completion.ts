import { randomUUID } from "node:crypto";
import { type Gateway, type GatewayOptions, startGateway } from "../../cli/stage/gateway/server.ts";
import { type CompletionDeps, runCompletion } from "../../functions/run-transactions/completion.ts";
import { buildAskCompletion, type CompletionOptions } from "../../shared/adapters/completion.ts";
import type { CompletionSettings } from "../../shared/domain/transactions/compiled.ts";
import type { TransactionResult } from "../../shared/domain/transactions/transaction.ts";

export const gatewayKey = "sk-bf-0123456789abcdef";
export const gatewayModel = "vllm/qwen3-8b";

const now = () => performance.timeOrigin + performance.now();

/** A gateway with a key and a model, as quick as its streams allow. */
export function aGateway(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  return startGateway({
    keys: [gatewayKey],
    models: [gatewayModel],
    now,
    ...options,
    pace: { ttftMs: 20, interTokenMs: 5, ...options.pace },
  });
}

export interface CompletionRun {
  readonly settings?: Partial<CompletionSettings>;
  readonly deps?: Partial<CompletionDeps>;
  readonly options?: Partial<CompletionOptions>;
  readonly memory?: unknown;
}

/** One run against a gateway, and all that it remembered on the way. */
export async function completeOnce(
  url: string,
  { settings, deps, options, memory = null }: CompletionRun = {},
): Promise<{ result: TransactionResult; remembered: unknown[] }> {
  const remembered: unknown[] = [];
  const result = await runCompletion(
    {
      url,
      model: gatewayModel,
      servedModel: "",
      apiKey: "sonde/gateway",
      tenant: "sonde",
      tenantHeader: "x-tenant-id",
      headers: {},
      limitBy: "max_tokens",
      maxTokensADay: 20_000,
      price: null,
      ttft: { warn: null, fail: null },
      requestTimeout: 20_000,
      traceWithin: null,
      ...settings,
    },
    {
      ask: buildAskCompletion({ url, readKey: async () => gatewayKey, now, ...options }),
      engine: null,
      findTrace: null,
      now,
      nonce: randomUUID,
      ...deps,
    },
    {
      memory,
      remember: async (kept) => {
        remembered.push(kept);
      },
    },
  );
  return { result, remembered };
}
