import type { Difference } from "./compare-trace.ts";
import type { Exchange } from "./exchange.ts";
import type { LagHistory } from "./lag-history.ts";
import type { SpanRole } from "./planned-trace.ts";

/** How looking for the trace ended. Durations are milliseconds from the POST. */
export type ReadBack =
  /** It was not accepted, so there was nothing to look for. */
  | { readonly kind: "none" }
  | {
      readonly kind: "complete";
      readonly lagMs: number;
      readonly projectId: string;
      readonly differences: readonly Difference[];
    }
  | { readonly kind: "incomplete"; readonly waitedMs: number; readonly missing: readonly SpanRole[] }
  | { readonly kind: "absent"; readonly waitedMs: number }
  /** An answer that is no answer to the question. */
  | { readonly kind: "refused"; readonly exchange: Exchange };

/** All that one run of the trace probe saw. What was not asked is null. */
export interface LangfuseEvidence {
  /** The address in config, without a trailing slash. */
  readonly url: string;
  /** The address that people use; the same, unless config says otherwise. */
  readonly publicUrl: string;
  /** Null where it was not sent: the keys are held back. */
  readonly post: Exchange | null;
  readonly health: Exchange | null;
  /** The same with `failIfDatabaseUnavailable=true`. */
  readonly database: Exchange | null;
  readonly ready: Exchange | null;
  /** `/api/auth/providers`, which shows NEXTAUTH_URL. */
  readonly providers: Exchange | null;
  /** An empty POST with the public key as Bearer: 403 where that key exists, 401 where it does not. */
  readonly publicKey: Exchange | null;
  /** Id or name of the project that config expects; empty: any. */
  readonly expectedProject: string;
  /** The project of the keys, as `/api/public/projects` says; null where it did not. */
  readonly project: { readonly id: string; readonly name: string } | null;
  readonly readBack: ReadBack;
  /** Lags of earlier runs. */
  readonly lags: LagHistory;
  /** An earlier trace that was looked for again: how long after its POST it was there, or still was not. */
  readonly earlier: { readonly seen: boolean; readonly afterMs: number } | null;
  /** Traces whose deletion was accepted and that are still there. */
  readonly undeleted: number;
  /** Milliseconds until keys that were unknown are tried again; 0: they may be. */
  readonly heldForMs: number;
}
