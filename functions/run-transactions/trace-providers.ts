import { buildBackendClient } from "../../shared/adapters/backend-client.ts";
import { buildLangfuseClient } from "../../shared/adapters/langfuse-client.ts";
import type { ReadSecret } from "../../shared/domain/secret.ts";
import type { TraceBackendSettings } from "../../shared/domain/transactions/backends/backend.ts";
import {
  type TraceBackendKind,
  traceBackends,
} from "../../shared/domain/transactions/backends/trace-backends.ts";
import type { TraceProvider, TraceProviders } from "../../shared/domain/transactions/compiled.ts";
import type { Transaction } from "../../shared/domain/transactions/transaction.ts";
import { runBackendTrace } from "./backend-trace.ts";
import { runTrace } from "./trace.ts";

export interface ProviderDeps {
  readonly readSecret: ReadSecret;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly nonce: () => string;
}

type Run = Transaction["run"];

/** Each provider of traces, ready to run with its settings. */
const providers: {
  readonly [P in keyof TraceProviders]: (settings: TraceProviders[P], deps: ProviderDeps) => Run;
} = {
  langfuse: (settings, deps) => {
    const langfuse = buildLangfuseClient(settings, deps);
    return (_, context) => runTrace(settings, { ...deps, langfuse }, context);
  },
  langsmith: byBackend("langsmith"),
  tempo: byBackend("tempo"),
  jaeger: byBackend("jaeger"),
  otlp: byBackend("otlp"),
};

function byBackend(kind: TraceBackendKind) {
  return (settings: TraceBackendSettings, deps: ProviderDeps): Run => {
    const client = buildBackendClient(settings, deps);
    return (_, context) => runBackendTrace(kind, traceBackends[kind], settings, { ...deps, client }, context);
  };
}

export function buildTraceRun<P extends keyof TraceProviders>(
  { provider, settings }: TraceProvider<P>,
  deps: ProviderDeps,
): Run {
  return providers[provider](settings, deps);
}
