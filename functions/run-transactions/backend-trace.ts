import type { BackendClient } from "../../shared/adapters/backend-client.ts";
import type {
  FoundTrace,
  TraceBackend,
  TraceBackendSettings,
  TraceReading,
} from "../../shared/domain/transactions/backends/backend.ts";
import { compareFound, missingOf } from "../../shared/domain/transactions/backends/compare-found.ts";
import { diagnoseBackend, diagnoseSend } from "../../shared/domain/transactions/backends/diagnose-backend.ts";
import type { SentSpan } from "../../shared/domain/transactions/compare-trace.ts";
import type { Exchange } from "../../shared/domain/transactions/exchange.ts";
import { planTrace } from "../../shared/domain/transactions/planned-trace.ts";
import type { TransactionContext, TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import type { PendingSent } from "./backend-memory.ts";
import { type Look, type RoundTripDeps, runRoundTrip } from "./round-trip.ts";

export interface BackendTraceDeps extends RoundTripDeps {
  readonly client: BackendClient;
  readonly nonce: () => string;
}

/** One trace to a backend and, where that tells, back. */
export async function runBackendTrace(
  kind: string,
  backend: TraceBackend,
  settings: TraceBackendSettings,
  deps: BackendTraceDeps,
  context: TransactionContext,
): Promise<TransactionResult> {
  const { client, now, nonce } = deps;
  const run = nonce();
  const planned = planTrace(now(), run, { ...settings, pricedModel: "" }).map((span) => ({
    ...span,
    attributes: backend.attributes(span, run),
  }));
  const { encodeTrace } = await import("./encode-trace.ts");
  const { traceId, spans, encoded } = await encodeTrace(planned, settings.encoding);
  const url = backend.postUrl(settings);
  const shared = {
    sent: { traceId, spanId: spans[0]?.spanId ?? "", run, sentAt: now() },
    send: () => client.postTrace(url, backend.postHeaders(settings), encoded),
    patience: settings.patience,
    request: `POST ${url}`,
    backend: kind,
    environment: settings.environment,
    afterwards: backend.afterwards,
  };
  if (backend.reading === null) {
    const { diagnoses } = backend;
    const trip = {
      ...shared,
      look: null,
      remove: null,
      polls: { shortest: 0, longest: 0 },
      diagnose: ({ post }: { readonly post: Exchange | null }) => diagnoseSend(post, diagnoses),
    };
    return runRoundTrip(trip, deps, context);
  }
  const { reading, diagnoses, polls } = backend;
  const reader = new Reader(settings, reading, client);
  return runRoundTrip(
    {
      ...shared,
      polls,
      look: (of) => reader.look(of, of.traceId === traceId ? spans : []),
      remove: reading.remove ? (of) => reader.remove(of) : null,
      diagnose: (evidence) => diagnoseBackend(evidence, diagnoses),
    },
    deps,
    context,
  );
}

/** Reads traces, and knows from then on where they are and by what name. */
class Reader {
  readonly #settings: TraceBackendSettings;
  readonly #reading: TraceReading;
  readonly #client: BackendClient;
  readonly #found = new Map<string, FoundTrace>();
  #place: string | null = null;

  constructor(settings: TraceBackendSettings, reading: TraceReading, client: BackendClient) {
    this.#settings = settings;
    this.#reading = reading;
    this.#client = client;
  }

  /** Without the spans, as of an earlier run, whatever is there is all of it. */
  async look(of: PendingSent, spans: readonly SentSpan[]): Promise<Look> {
    const located = await this.#locate();
    if (located) return located;
    const exchange = await this.#client.ask(this.#reading.find(this.#settings, of, this.#place ?? ""));
    const found = exchange.kind === "answered" ? this.#reading.parse(exchange) : null;
    if (found === null) return { kind: "refused", exchange };
    if (found === "nothing") return { kind: "nothing" };
    this.#found.set(of.traceId, found);
    const missing = missingOf(spans, found);
    if (missing.length > 0) return { kind: "incomplete", missing };
    return { kind: "complete", differences: compareFound(spans, found, this.#reading.expected) };
  }

  async remove({ traceId }: PendingSent): Promise<boolean> {
    const found = this.#found.get(traceId);
    if (!this.#reading.remove || !found) return false;
    const answer = await this.#client.ask(this.#reading.remove(this.#settings, found, this.#place ?? ""));
    return answer.kind === "answered" && answer.status < 300;
  }

  async #locate(): Promise<Look | null> {
    const { locate } = this.#reading;
    if (!locate || this.#place !== null) return null;
    const exchange = await this.#client.ask(locate.request(this.#settings));
    const place = exchange.kind === "answered" ? locate.parse(exchange) : undefined;
    if (place === undefined) return { kind: "refused", exchange };
    this.#place = place;
    return place === null ? { kind: "nothing" } : null;
  }
}
