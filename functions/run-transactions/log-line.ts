import type { BackendClient } from "../../shared/adapters/backend-client.ts";
import { hashOf } from "../../shared/domain/hash.ts";
import { diagnoseBackend } from "../../shared/domain/transactions/backends/diagnose-backend.ts";
import {
  compareLine,
  type LogSettings,
  lokiAfterwards,
  lokiDiagnoses,
  parseLines,
  planLine,
  pushRequest,
  queryRequest,
} from "../../shared/domain/transactions/backends/loki.ts";
import type { TransactionContext, TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import type { PendingSent } from "./backend-memory.ts";
import { type Look, type RoundTripDeps, runRoundTrip } from "./round-trip.ts";

export interface LogLineDeps extends RoundTripDeps {
  readonly client: BackendClient;
  readonly nonce: () => string;
  /** A line on this process's stdout, for an agent that ships it. */
  readonly writeLine: (line: string) => void;
}

/** One structured line to Loki and back, found by its trace id. */
export async function runLogLine(
  settings: LogSettings,
  deps: LogLineDeps,
  context: TransactionContext,
): Promise<TransactionResult> {
  const { client, now, nonce, writeLine } = deps;
  const sentAt = Math.round(now());
  const run = nonce();
  const id = (of: string) => hashOf(`${of} ${run} ${sentAt}`).toString(16).padStart(16, "0");
  const sent = { traceId: `${id("trace")}${id("of")}`, spanId: id("span"), run, sentAt };
  const lineOf = (of: Omit<PendingSent, "accepted">) => planLine(settings, of, of.sentAt);
  const push = pushRequest(settings, lineOf(sent));
  const byPush = settings.via === "push";
  return runRoundTrip(
    {
      sent,
      send: async () => {
        if (byPush) return client.post(push);
        writeLine(lineOf(sent).text);
        return null;
      },
      look: async (of): Promise<Look> => {
        const exchange = await client.ask(queryRequest(settings, lineOf(of)));
        const lines = exchange.kind === "answered" ? parseLines(exchange) : null;
        if (lines === null) return { kind: "refused", exchange };
        const [line] = lines;
        if (!line) return { kind: "nothing" };
        return { kind: "complete", differences: compareLine(settings, lineOf(of), line) };
      },
      remove: null,
      // Queries are cheap, and agents flush once a second at best.
      polls: { shortest: 500, longest: 5_000 },
      patience: settings.patience,
      diagnose: (evidence) => diagnoseBackend(evidence, lokiDiagnoses),
      request: byPush ? `POST ${push.url}` : `stdout, read by ${settings.query}/loki/api/v1/query_range`,
      backend: "loki",
      environment: settings.environment,
      afterwards: lokiAfterwards,
    },
    deps,
    context,
  );
}
